//! The server as a process: where it runs, what it uses.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::thread::{CpuSet, sched_setaffinity};

/// The cores to use; one for the server, one for us.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    pub server: usize,
    pub load: usize,
}

impl Cores {
    pub fn pin_load(self) -> Result<(), String> {
        pin(self.load)
    }
}

fn pin(core: usize) -> Result<(), String> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).map_err(|error| format!("core {core}: {error}"))
}

/// How a server is started.
#[derive(Clone, Debug)]
pub struct Launch {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub directory: Option<PathBuf>,
}

/// A running server; it ends with this value.
pub struct Server {
    pub child: Child,
    pub started: Instant,
}

impl Server {
    /// Starts a server on its core. With `stdio` its standard streams are pipes to us.
    pub fn start(
        launch: &Launch,
        extra: &[String],
        stdio: bool,
        cores: Cores,
    ) -> Result<Self, String> {
        let mut command = Command::new(&launch.program);
        command.args(&launch.args).args(extra).stderr(stderr());
        if let Some(directory) = &launch.directory {
            command.current_dir(directory);
        }
        if stdio {
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
        } else {
            command.stdin(Stdio::null()).stdout(Stdio::null());
        }
        // A child inherits the affinity of the thread that starts it: no wrapper program, so that
        // the cold start is the server's own.
        pin(cores.server)?;
        let started = Instant::now();
        let child = command.spawn();
        pin(cores.load)?;
        let child = child.map_err(|error| format!("{}: {error}", launch.program.display()))?;
        Ok(Self { child, started })
    }

    /// Starts a server that listens on a free port of the loopback.
    pub fn start_http(
        launch: &Launch,
        extra: &[String],
        cores: Cores,
    ) -> Result<(Self, SocketAddr), String> {
        let addr = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|error| error.to_string())?;
        let mut args = vec!["--http".to_owned(), addr.to_string()];
        args.extend_from_slice(extra);
        Ok((Self::start(launch, &args, false, cores)?, addr))
    }

    /// Waits until the server accepts, and gives that first connection.
    pub fn connect(&mut self, addr: SocketAddr) -> Result<TcpStream, String> {
        loop {
            if let Ok(stream) = TcpStream::connect(addr) {
                return Ok(stream);
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("the server ended: {status}"));
            }
            if self.started.elapsed() > Duration::from_secs(30) {
                return Err("the server did not listen within 30 s".into());
            }
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// Resident memory, in bytes.
    pub fn resident(&self) -> u64 {
        fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .ok()
            .and_then(|status| {
                let line = status
                    .lines()
                    .find_map(|line| line.strip_prefix("VmRSS:"))?;
                line.split_whitespace().next()?.parse::<u64>().ok()
            })
            .unwrap_or(0)
            * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a phase used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    pub wall: Duration,
    /// CPU time of the server, nanoseconds.
    pub cpu: u64,
    /// The part of the machine that others used meanwhile, 0 to 1.
    pub others: f64,
}

/// Measures from its start to its stop.
pub struct Meter {
    start: Instant,
    server: Cpu,
    load: Cpu,
    machine: Machine,
}

impl Meter {
    pub fn start(server: &Server) -> Self {
        let machine = Machine::now();
        let load = Cpu::of(std::process::id());
        Self {
            machine,
            load,
            server: Cpu::of(server.child.id()),
            start: Instant::now(),
        }
    }

    pub fn stop(self, server: &Server) -> Used {
        let wall = self.start.elapsed();
        let cpu = Cpu::of(server.child.id()).since(self.server);
        let ours = (cpu + Cpu::of(std::process::id()).since(self.load)) as f64;
        let machine = Machine::now();
        let busy = machine.busy.saturating_sub(self.machine.busy) as f64;
        let capacity = (wall.as_nanos() as f64 * machine.cores as f64).max(1.0);
        Used {
            wall,
            cpu,
            others: ((busy - ours) / capacity).max(0.0),
        }
    }
}

/// The CPU time of a process, in nanoseconds.
///
/// `threads` is the scheduler's own count; `ticks`, coarse but knowing threads that have ended, is
/// used when it is clearly larger.
#[derive(Clone, Copy)]
struct Cpu {
    threads: u64,
    ticks: u64,
}

impl Cpu {
    fn of(pid: u32) -> Self {
        let threads = fs::read_dir(format!("/proc/{pid}/task"))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
            .filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok())
            .sum();
        let ticks = fs::read_to_string(format!("/proc/{pid}/stat"))
            .ok()
            .and_then(|line| {
                let (_, fields) = line.rsplit_once(')')?;
                let mut fields = fields.split_whitespace().skip(11);
                let user: u64 = fields.next()?.parse().ok()?;
                let system: u64 = fields.next()?.parse().ok()?;
                Some((user + system) * tick())
            })
            .unwrap_or(0);
        Self { threads, ticks }
    }

    fn since(self, earlier: Self) -> u64 {
        let threads = self.threads.saturating_sub(earlier.threads);
        let ticks = self.ticks.saturating_sub(earlier.ticks);
        if ticks > threads + threads / 20 + 30_000_000 {
            ticks
        } else {
            threads
        }
    }
}

/// All cores together.
struct Machine {
    busy: u64,
    cores: usize,
}

impl Machine {
    fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let mut cores = stat.lines().filter(|line| line.starts_with("cpu"));
        let total = cores.next().unwrap_or_default();
        let fields = total
            .split_whitespace()
            .skip(1)
            .map(|field| field.parse::<u64>().unwrap_or(0));
        // user, nice, system, idle, iowait, irq, softirq, steal; guest time is in user already.
        let busy: u64 = fields
            .take(8)
            .enumerate()
            .filter(|(at, _)| !matches!(at, 3 | 4))
            .map(|(_, n)| n)
            .sum();
        Self {
            busy: busy * tick(),
            cores: cores.count().max(1),
        }
    }
}

/// Nanoseconds in a clock tick.
fn tick() -> u64 {
    1_000_000_000 / rustix::param::clock_ticks_per_second()
}

fn stderr() -> Stdio {
    if std::env::var_os("BENCH_STDERR").is_some() {
        Stdio::inherit()
    } else {
        Stdio::null()
    }
}

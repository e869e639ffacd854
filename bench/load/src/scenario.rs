//! The runs: start a server, ask, check, measure, stop.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::{
    http_load::{Client, Load, Target},
    message::{Era, Op},
    peers::{Mode, Peer},
    process::{Cores, Server},
    stats::{Phase, Sample},
    stdio_load::Pipes,
};

/// How long and how much.
#[derive(Clone, Debug)]
pub struct Plan {
    pub cores: Cores,
    pub warm: Duration,
    pub measure: Duration,
    pub rounds: usize,
    pub sessions: usize,
    pub spawns: usize,
}

/// Others may use this part of the machine before a measurement is repeated.
const DISTURBED: f64 = 0.05;

/// Warms up, measures, and measures again (up to twice) if others were busy meanwhile; the least
/// disturbed measurement counts, the errors of all do.
fn measure(
    peer: &Peer,
    plan: &Plan,
    mut run: impl FnMut(Duration) -> Result<Phase, String>,
) -> Result<Sample, String> {
    // A script's compiler needs longer to settle.
    let warm = if peer.launch.directory.is_some() {
        plan.warm * 4
    } else {
        plan.warm
    };
    let mut errors = run(warm)?.errors;
    let mut best: Option<Phase> = None;
    for _ in 0..3 {
        let phase = run(plan.measure)?;
        errors.merge(&phase.errors);
        let others = phase.used.others;
        if best.as_ref().is_none_or(|best| others < best.used.others) {
            best = Some(phase);
        }
        if others < DISTURBED {
            break;
        }
    }
    let mut sample = best.ok_or("nothing was measured")?.sample()?;
    sample.errors = errors;
    Ok(sample)
}

/// A sample, and the revision that was spoken.
pub type Measured = Result<(Sample, String), String>;

fn tools(count: usize, mode: &Mode) -> Vec<String> {
    let mut args = vec!["--tools".to_owned(), count.to_string()];
    args.extend(mode.args.iter().map(|arg| (*arg).to_owned()));
    args
}

fn start_http(
    peer: &Peer,
    mode: &Mode,
    count: usize,
    plan: &Plan,
) -> Result<(Server, Target), String> {
    let (mut server, addr) = Server::start_http(&peer.launch, &tools(count, mode), plan.cores)?;
    server.connect(addr)?;
    Ok((
        server,
        Target {
            addr,
            path: peer.path,
            era: mode.era,
        },
    ))
}

/// One operation over HTTP at each of several numbers of connections, on one server.
pub fn http(peer: &Peer, mode: &Mode, op: Op, connections: &[usize], plan: &Plan) -> Vec<Measured> {
    let count = if let Op::List { tools } = op {
        tools
    } else {
        10
    };
    let (server, target) = match start_http(peer, mode, count, plan) {
        Ok(started) => started,
        Err(error) => return vec![Err(error); connections.len()],
    };
    let run = |connections: usize| {
        let mut load = Load::connect(&target, op, connections)?;
        let sample = measure(peer, plan, |time| load.run(&server, time))?;
        Ok((sample, load.revision))
    };
    connections
        .iter()
        .map(|connections| run(*connections))
        .collect()
}

/// `add` over standard streams, 64 in flight.
pub fn stdio(peer: &Peer, mode: &Mode, plan: &Plan) -> Measured {
    let mut args = vec!["--stdio".to_owned()];
    args.extend(tools(10, mode));
    let mut server = Server::start(&peer.launch, &args, true, plan.cores)?;
    let mut pipes = Pipes::open(&mut server, mode.era)?;
    let sample = measure(peer, plan, |time| pipes.run(&server, Op::Add, 64, time))?;
    Ok((sample, pipes.revision))
}

/// What idle sessions cost.
pub struct Idle {
    pub sessions: usize,
    pub bytes_each: f64,
    pub total: u64,
    pub remark: String,
}

/// Opens sessions and leaves them; the memory that stays is theirs.
pub fn idle(peer: &Peer, mode: &Mode, plan: &Plan) -> Result<Idle, String> {
    let wanted = plan.sessions.min(peer.idle);
    let (mut server, target) = start_http(peer, mode, 10, plan)?;
    let mut client = Client::bare(server.connect(target.addr)?, &target)?;
    // The first sessions warm the allocator and everything that is made once.
    for _ in 0..200 {
        client.handshake()?;
        client.ask(1, Op::Add)?;
    }
    if client.session.is_none() {
        return Err("no session id".into());
    }
    let settle = |server: &Server| {
        std::thread::sleep(Duration::from_millis(300));
        server.resident()
    };
    let before = settle(&server);
    let start = Instant::now();
    let mut opened = Vec::with_capacity(wanted);
    let mut remark = String::new();
    while opened.len() < wanted {
        if let Err(error) = client.handshake() {
            remark = format!("refused then: {error}");
            break;
        }
        opened.push(client.session.clone());
        if start.elapsed() > Duration::from_secs(60) {
            remark = "stopped after 60 s".into();
            break;
        }
        if opened.len() % 1_000 == 0 && server.resident() > 10 << 30 {
            remark = "stopped at 10 GiB".into();
            break;
        }
    }
    if opened.is_empty() {
        return Err(remark);
    }
    let total = settle(&server);
    // Sessions that were thrown out cost nothing: look whether they are still there.
    let (mut asked, mut lost) = (0, 0);
    for session in opened.iter().step_by(opened.len().div_ceil(100)) {
        client = Client::bare(server.connect(target.addr)?, &target)?;
        client.session.clone_from(session);
        asked += 1;
        lost += usize::from(client.ask(1, Op::Add).is_err());
    }
    if lost > 0 {
        remark = format!("{remark} {lost} of {asked} looked at were gone")
            .trim()
            .to_owned();
    }
    Ok(Idle {
        sessions: opened.len(),
        bytes_each: total.saturating_sub(before) as f64 / opened.len() as f64,
        total,
        remark,
    })
}

/// Milliseconds from starting the program to its first right answer to `add`.
pub fn cold(peer: &Peer, mode: &Mode, stdio: bool, plan: &Plan) -> Result<Vec<f64>, String> {
    let once = || {
        if stdio {
            let mut args = vec!["--stdio".to_owned()];
            args.extend(tools(10, mode));
            let mut server = Server::start(&peer.launch, &args, true, plan.cores)?;
            let mut pipes = Pipes::open(&mut server, mode.era)?;
            pipes.ask(Op::Add)?;
            Ok(server.started.elapsed())
        } else {
            let (mut server, addr) =
                Server::start_http(&peer.launch, &tools(10, mode), plan.cores)?;
            let target = Target {
                addr,
                path: peer.path,
                era: mode.era,
            };
            Client::open(server.connect(addr)?, &target)?.ask(1, Op::Add)?;
            Ok(server.started.elapsed())
        }
    };
    (0..plan.spawns)
        .map(|_| once().map(|time: Duration| time.as_secs_f64() * 1e3))
        .collect()
}

/// Bytes of the program; nothing for a script.
pub fn size(peer: &Peer) -> Option<u64> {
    if peer.launch.directory.is_some() {
        return None;
    }
    fs::metadata(&peer.launch.program)
        .ok()
        .map(|file| file.len())
}

/// One right answer for each operation in each mode, without measuring.
pub fn check(peer: &Peer, plan: &Plan) -> Vec<(String, Result<String, String>)> {
    let mut seen = Vec::new();
    for mode in &peer.http {
        let run = || {
            let mut spoken = String::new();
            for count in [10, 1_000] {
                let (mut server, target) = start_http(peer, mode, count, plan)?;
                let mut client = Client::open(server.connect(target.addr)?, &target)?;
                for (id, op) in [Op::Add, Op::Big, Op::List { tools: count }, Op::Add]
                    .into_iter()
                    .enumerate()
                {
                    client
                        .ask(id as u64 + 1, op)
                        .map_err(|error| format!("{op:?}: {error}"))?;
                }
                spoken = client.revision;
            }
            Ok(spoken)
        };
        seen.push((format!("http {:?}", mode.era), run()));
    }
    for mode in &peer.stdio {
        let run = || {
            let mut args = vec!["--stdio".to_owned()];
            args.extend(tools(10, mode));
            let mut server = Server::start(&peer.launch, &args, true, plan.cores)?;
            let mut pipes = Pipes::open(&mut server, mode.era)?;
            for op in [Op::Add, Op::Big, Op::List { tools: 10 }, Op::Add] {
                pipes.ask(op).map_err(|error| format!("{op:?}: {error}"))?;
            }
            Ok(pipes.revision)
        };
        seen.push((format!("stdio {:?} {}", mode.era, mode.label), run()));
    }
    seen
}

/// Whether an era has sessions to leave idle.
pub fn has_sessions(mode: &Mode) -> bool {
    mode.era == Era::Session
}

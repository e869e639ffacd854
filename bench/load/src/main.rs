//! Measures MCP servers side by side. See `bench/README.md`.

mod http;
mod http_load;
mod message;
mod peers;
mod process;
mod scenario;
mod stats;
mod stdio_load;
mod table;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use message::{Era, Op};
use peers::{Mode, Peer, Places};
use process::Cores;
use scenario::{Measured, Plan};
use table::{Key, Results};

const USAGE: &str = "\
bench/run [OPTIONS]
  --quick              one short round
  --check              one answer of each kind from each peer, nothing measured
  --only NAME,…        these peers (the floor is always measured along)
  --scenario NAME,…    calls, list, big, stdio, idle, cold, size
  --rounds N           repetitions, interleaved (5)
  --millis N           length of one measurement (1000)
  --sessions N         idle sessions (100000)
  --server-core N      (0)
  --load-core N        (1)
  --markdown FILE      write the tables there too
  --bench DIR          the bench folder (.)
  --bin DIR            where the peers' programs are (target/release)
  --wharf PATH         the Wharf peer's program (BIN/peer-wharf)";

struct Options {
    plan: Plan,
    check: bool,
    only: Vec<String>,
    scenarios: Vec<String>,
    markdown: Option<PathBuf>,
    bench: PathBuf,
    bin: PathBuf,
    wharf: Option<PathBuf>,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        plan: Plan {
            cores: Cores { server: 0, load: 1 },
            warm: Duration::from_millis(500),
            measure: Duration::from_secs(1),
            rounds: 5,
            sessions: 100_000,
            spawns: 5,
        },
        check: false,
        only: Vec::new(),
        scenarios: Vec::new(),
        markdown: None,
        bench: ".".into(),
        bin: "target/release".into(),
        wharf: None,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value\n{USAGE}"));
        let number = |text: String| {
            text.parse::<usize>()
                .map_err(|_| format!("{text} is not a number"))
        };
        let list = |text: String| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        match arg.as_str() {
            "--quick" => {
                options.plan.rounds = 1;
                options.plan.warm = Duration::from_millis(200);
                options.plan.measure = Duration::from_millis(300);
                options.plan.sessions = 10_000;
                options.plan.spawns = 3;
            }
            "--check" => options.check = true,
            "--help" | "-h" => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            "--only" => options.only.extend(list(value()?)),
            "--scenario" => options.scenarios.extend(list(value()?)),
            "--rounds" => options.plan.rounds = number(value()?)?.max(1),
            "--millis" => {
                options.plan.measure = Duration::from_millis(number(value()?)?.max(1) as u64)
            }
            "--sessions" => options.plan.sessions = number(value()?)?.max(1),
            "--server-core" => options.plan.cores.server = number(value()?)?,
            "--load-core" => options.plan.cores.load = number(value()?)?,
            "--markdown" => options.markdown = Some(value()?.into()),
            "--bench" => options.bench = value()?.into(),
            "--bin" => options.bin = value()?.into(),
            "--wharf" => options.wharf = Some(value()?.into()),
            _ => return Err(format!("unknown option {arg}\n{USAGE}")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// True if all was well.
fn run() -> Result<bool, String> {
    let options = options()?;
    let plan = &options.plan;
    plan.cores.pin_load()?;
    let absolute = |path: &PathBuf| std::path::absolute(path).map_err(|error| error.to_string());
    let (bench, bin) = (absolute(&options.bench)?, absolute(&options.bin)?);
    let wharf = options.wharf.as_ref().map(absolute).transpose()?;
    let mut peers = peers::all(&Places {
        bench: &bench,
        bin: &bin,
        wharf: wharf.as_deref(),
    });
    for name in &options.only {
        if !peers.iter().any(|peer| peer.name == name) {
            return Err(format!("no peer is called {name}"));
        }
    }
    let floor = peers[0].name;
    peers.retain(|peer| {
        options.only.is_empty()
            || peer.name == floor
            || options.only.iter().any(|name| name == peer.name)
    });
    let mut missing = Vec::new();
    peers.retain(|peer| {
        let there = !peer.launch.program.has_root() || peer.launch.program.exists();
        if !there {
            missing.push(format!(
                "- {}: not built ({} is not there)",
                peer.name,
                peer.launch.program.display()
            ));
        }
        there
    });
    for line in &missing {
        eprintln!("{line}");
    }
    if options.check {
        return Ok(check(&peers, plan));
    }
    let wanted = |name: &str| {
        options.scenarios.is_empty() || options.scenarios.iter().any(|other| other == name)
    };
    let mut results = Results::default();
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        if wanted("calls") {
            eprintln!("  calls");
            http(
                &mut results,
                &peers,
                plan,
                "`tools/call` of `add` over HTTP",
                Op::Add,
                &[1, 8, 64],
            );
        }
        if wanted("list") {
            for tools in [10, 100, 1_000] {
                eprintln!("  list {tools}");
                http(
                    &mut results,
                    &peers,
                    plan,
                    "`tools/list` over HTTP",
                    Op::List { tools },
                    &[8],
                );
            }
        }
        if wanted("big") {
            eprintln!("  big");
            http(
                &mut results,
                &peers,
                plan,
                "1 MiB of text over HTTP",
                Op::Big,
                &[8],
            );
        }
        if wanted("stdio") {
            eprintln!("  stdio");
            stdio(&mut results, &peers, plan);
        }
        if wanted("cold") {
            eprintln!("  cold");
            cold(&mut results, &peers, plan);
        }
    }
    if wanted("idle") {
        eprintln!("idle sessions");
        for peer in peers.iter().filter(|peer| peer.idle > 0) {
            for mode in peer.http.iter().filter(|mode| scenario::has_sessions(mode)) {
                results
                    .idle
                    .push((title(peer), scenario::idle(peer, mode, plan)));
            }
        }
    }
    if wanted("size") {
        results.sizes = peers
            .iter()
            .map(|peer| (title(peer), scenario::size(peer)))
            .collect();
    }
    let notes: Vec<_> = peers
        .iter()
        .map(|peer| (peer.name.to_owned(), peer.note))
        .collect();
    let mut text = results.markdown(&notes);
    if !missing.is_empty() {
        text += &format!("\n### Not measured\n\n{}\n", missing.join("\n"));
    }
    println!("{text}");
    if let Some(file) = &options.markdown {
        std::fs::write(file, text.trim_start())
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(true)
}

fn title(peer: &Peer) -> String {
    format!("{} {}", peer.name, peer.version)
}

/// The eras are compared each for itself.
fn era(mode: &Mode) -> (usize, &'static str) {
    match mode.era {
        Era::Modern => (0, "stateless"),
        Era::Session => (1, "session"),
    }
}

fn http(
    results: &mut Results,
    peers: &[Peer],
    plan: &Plan,
    table: &'static str,
    op: Op,
    connections: &[usize],
) {
    let order = match op {
        Op::Add => 0,
        Op::List { .. } => 1,
        Op::Big => 2,
    };
    for (place, peer) in peers.iter().enumerate() {
        for mode in &peer.http {
            let keys: Vec<Key> = connections
                .iter()
                .map(|count| {
                    let (era, name) = era(mode);
                    let (rank, load) = match op {
                        Op::List { tools } => (tools, format!("{tools} tools, {name}")),
                        _ => (*count, format!("{count} conn., {name}")),
                    };
                    Key {
                        table: (order, table),
                        load: (era * 10_000 + rank, load),
                        peer: (place, title(peer)),
                        label: mode.label,
                    }
                })
                .collect();
            if keys.iter().all(|key| results.failed(key)) {
                continue;
            }
            let found = scenario::http(peer, mode, op, connections, plan);
            for (key, measured) in keys.into_iter().zip(found) {
                store(results, key, measured);
            }
        }
    }
}

fn stdio(results: &mut Results, peers: &[Peer], plan: &Plan) {
    for (place, peer) in peers.iter().enumerate() {
        for mode in &peer.stdio {
            let (era, name) = era(mode);
            let key = Key {
                table: (3, "`add` over stdio"),
                load: (era, format!("64 in flight, {name}")),
                peer: (place, title(peer)),
                label: mode.label,
            };
            if !results.failed(&key) {
                store(results, key, scenario::stdio(peer, mode, plan));
            }
        }
    }
}

fn store(results: &mut Results, key: Key, measured: Measured) {
    if let Err(error) = &measured {
        eprintln!("    {} {}, {}: {error}", key.peer.1, key.label, key.load.1);
    }
    results.loads.entry(key).or_default().push(measured);
}

fn cold(results: &mut Results, peers: &[Peer], plan: &Plan) {
    for (place, peer) in peers.iter().enumerate() {
        // The newest revision, and the first way of each transport.
        let ways = [
            ("HTTP", peer.http.first(), false),
            ("stdio", peer.stdio.first(), true),
        ];
        for (way, mode, stdio) in ways {
            let Some(mode) = mode else { continue };
            let found = scenario::cold(peer, mode, stdio, plan);
            let entry = results
                .cold
                .entry((place, title(peer), way.to_owned()))
                .or_insert(Ok(Vec::new()));
            match (entry, found) {
                (Ok(times), Ok(more)) => times.extend(more),
                (entry, Err(error)) => *entry = Err(error),
                (Err(_), Ok(_)) => {}
            }
        }
    }
}

fn check(peers: &[Peer], plan: &Plan) -> bool {
    let mut well = true;
    for peer in peers {
        for (way, found) in scenario::check(peer, plan) {
            match found {
                Ok(revision) => println!("ok    {} {way}: {revision}", peer.name),
                Err(error) => {
                    well = false;
                    println!("WRONG {} {way}: {error}", peer.name);
                }
            }
        }
    }
    well
}

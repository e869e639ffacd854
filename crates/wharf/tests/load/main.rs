//! Many streams, readers that do not read, many tasks: what is counted must hold at any speed, and
//! what is measured is printed.
//!
//! ```sh
//! cargo test -p wharf --test load                            # a small size, in seconds
//! WHARF_LOAD=full cargo test -p wharf --test load            # 10,000 streams, 100,000 tasks
//! cargo test -p wharf --test load -- slow                    # one part: streams, slow or tasks
//! ```
//!
//! The same program is the server (with `--serve`) and the clients, so that the memory of the
//! server is that of a process of its own.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test without a harness tells by itself what it does"
)]

#[path = "../wire/mod.rs"]
mod wire;

#[cfg(target_os = "linux")]
mod clients;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod slow;
#[cfg(target_os = "linux")]
mod streams;
#[cfg(target_os = "linux")]
mod tasks;

/// How much of everything.
#[derive(Clone, Copy, Debug)]
struct Size {
    streams: usize,
    slow: usize,
    normal: usize,
    tasks: usize,
}

impl Size {
    fn chosen() -> Self {
        if std::env::var("WHARF_LOAD").is_ok_and(|size| size == "full") {
            return Self {
                streams: 10_000,
                slow: 1_000,
                normal: 100,
                tasks: 100_000,
            };
        }
        Self {
            streams: 2_000,
            slow: 100,
            normal: 25,
            tasks: 4_000,
        }
    }
}

#[cfg(target_os = "linux")]
fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [flag, kind] = arguments.as_slice()
        && flag == "--serve"
    {
        return server::serve(kind);
    }
    let parts = [
        ("streams", streams::run as fn(Size)),
        ("slow", slow::run),
        ("tasks", tasks::run),
    ];
    if arguments.iter().any(|it| it == "--list") {
        return parts.iter().for_each(|(name, _)| println!("{name}: test"));
    }
    let size = Size::chosen();
    process::raise_file_limit(size.streams.max(size.slow + size.normal) + 200);
    let wanted: Vec<_> = arguments.iter().filter(|it| !it.starts_with('-')).collect();
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|it| name.contains(it.as_str())) {
            println!("--- {name}");
            let began = std::time::Instant::now();
            part(size);
            println!("    {name}: {:.1} s in all", began.elapsed().as_secs_f64());
        }
    }
}

/// Memory and open files are read from `/proc`.
#[cfg(not(target_os = "linux"))]
fn main() {
    println!("only on Linux; {:?} is not tried", Size::chosen());
}

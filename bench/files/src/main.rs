//! What the files pack costs: reading against `std::fs::read`, the list of a large directory, and
//! telling of changes in it.
//!
//! `cargo run --release -p files`, in `bench/`. Files are made in the directory for temporary ones.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wharf::protocol::raw::RawJson;
use wharf::protocol::revision::Revision;
use wharf::{Catalog, CatalogHandle, CatalogSettings, Context, Group, InProcess, Items, Server};
use wharf_ready::packs::files::{self, Options};
use wharf_ready::{Pack, Surroundings};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const ROUNDS: usize = 300;

fn main() -> Result {
    let scratch = Scratch::new()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        reads(&scratch.0.join("read")).await?;
        let many = scratch.0.join("many");
        lists(&many).await?;
        println!("\n| a change told in | CPU µs per change |\n|---|---|");
        let few = scratch.0.join("few");
        make(&few, 10)?;
        changes(&few, 10).await?;
        changes(&many, 100_000).await
    })
}

/// One file of 1 MiB, in turns: as the standard library reads it, and as the pack's handlers do.
async fn reads(dir: &Path) -> Result {
    std::fs::create_dir_all(dir)?;
    let line = "A line of a file, with ü and the like, that is read as text.\n";
    let mut text = line.repeat((1 << 20) / line.len() + 1);
    text.truncate(1 << 20);
    let path = dir.join("a.txt");
    std::fs::write(&path, &text)?;
    let pack = open(dir, false, CatalogHandle::default()).await?;
    let catalog = Catalog::build(pack.items, CatalogSettings::default()).map_err(message)?;
    let ctx = Context::default();
    let tool = catalog.tool("read").ok_or("no tool")?;
    let uri = format!("file://{}", path.display());
    let arguments = json!({ "path": "a.txt" }).to_string();
    let (mut std, mut by_tool, mut as_resource) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        black_box(std::fs::read(&path)?);
        std.push(began.elapsed());

        let began = Instant::now();
        let arguments = RawJson::new(&arguments).map_err(message)?;
        let result = tool.call(&ctx, Some(arguments)).await.map_err(message)?;
        by_tool.push(began.elapsed());
        assert_eq!(result.content[0].as_text(), Some(text.as_str()));
        drop(black_box(result));

        let began = Instant::now();
        let result = catalog.read_resource(&ctx, &uri).await.map_err(message)?;
        as_resource.push(began.elapsed());
        drop(black_box(result));
    }
    println!(
        "| 1 MiB of text | µs min | median | × `std::fs::read` min | median |\n|---|---|---|---|---|"
    );
    let floor = sorted(&mut std);
    for (what, times) in [
        ("`std::fs::read`", &mut std.clone()),
        ("tool `read`", &mut by_tool),
        ("`resources/read`", &mut as_resource),
    ] {
        let (min, median) = sorted(times);
        println!(
            "| {what} | {:.0} | {:.0} | {:.2} | {:.2} |",
            micros(min),
            micros(median),
            micros(min) / micros(floor.0),
            micros(median) / micros(floor.1)
        );
    }
    Ok(())
}

/// The list of a directory of 100,000 files, by a server that has not seen it before.
async fn lists(dir: &Path) -> Result {
    make(dir, 100_000)?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (mut first, mut second, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..7 {
        let served = serve(dir, false).await?;
        let began = Instant::now();
        let mut page = served
            .request("resources/list", json!({}))
            .await
            .map_err(message)?;
        first.push(began.elapsed());
        let (mut files, mut pages) = (count(&page), 1);
        while let Value::String(cursor) = page["nextCursor"].take() {
            let turn = Instant::now();
            page = served
                .request("resources/list", json!({ "cursor": cursor }))
                .await
                .map_err(message)?;
            if pages == 1 {
                second.push(turn.elapsed());
            }
            files += count(&page);
            pages += 1;
        }
        all.push(began.elapsed());
        assert_eq!((files, pages), (100_000, 400));
    }
    println!("\n| `resources/list` of 100,000 files | ms min | median |\n|---|---|---|");
    for (what, times) in [
        ("first page, directory not known yet", &mut first),
        ("second page", &mut second),
        ("all 400 pages", &mut all),
    ] {
        let (min, median) = sorted(times);
        println!(
            "| {what} | {:.1} | {:.1} |",
            micros(min) / 1000.0,
            micros(median) / 1000.0
        );
    }
    Ok(())
}

/// What the process works for each change that it tells of. One that reads the directory each time
/// would work a thousand times more in the large one.
async fn changes(dir: &Path, files: usize) -> Result {
    let served = serve(dir, true)
        .await?
        .open(Revision::V2025_11_25)
        .await
        .map_err(message)?;
    let path = dir.join("f000000.txt");
    let uri = format!("file://{}", path.display());
    served
        .request("resources/subscribe", json!({ "uri": uri }))
        .await
        .map_err(message)?;
    // Until the watch has begun.
    for _ in 0..100 {
        std::fs::write(&path, "x")?;
        if told(&served).await {
            break;
        }
    }
    let before = cpu()?;
    let mut heard = 0;
    for _ in 0..30 {
        std::fs::write(&path, "x")?;
        heard += u32::from(told(&served).await);
    }
    let spent = cpu()? - before;
    assert_eq!(heard, 30, "each change is told");
    println!("| {files} files | {:.0} |", micros(spent) / 30.0);
    Ok(())
}

async fn told(served: &InProcess) -> bool {
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if served
            .notifications()
            .iter()
            .any(|heard| heard["method"] == "notifications/resources/updated")
        {
            return true;
        }
    }
    false
}

/// The processor time of all threads.
fn cpu() -> Result<Duration> {
    let mut nanos = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanos += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}

async fn open(dir: &Path, watch: bool, catalog: CatalogHandle) -> Result<Pack> {
    let options = Options {
        watch,
        ..Options::new(dir)
    };
    let at = Surroundings {
        catalog,
        base: dir.to_owned(),
    };
    Ok(files::open(&options, &at).await?)
}

async fn serve(dir: &Path, watch: bool) -> Result<InProcess> {
    struct Offered(Items);
    impl Group for Offered {
        fn items(self: Arc<Self>) -> Items {
            Arc::into_inner(self)
                .map(|offered| offered.0)
                .unwrap_or_default()
        }
    }
    let server = Server::new("files");
    let mut pack = open(dir, watch, server.catalog().clone()).await?;
    // Until the end of the program.
    std::mem::forget(std::mem::take(&mut pack.running));
    server
        .items(Offered(pack.items))
        .in_process()
        .await
        .map_err(|error| message(error).into())
}

fn make(dir: &Path, files: usize) -> Result {
    std::fs::create_dir_all(dir)?;
    for n in 0..files {
        std::fs::write(dir.join(format!("f{n:06}.txt")), "")?;
    }
    Ok(())
}

fn count(page: &Value) -> usize {
    page["resources"].as_array().map_or(0, Vec::len)
}

fn sorted(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    (times[0], times[times.len() / 2])
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn message(error: impl std::fmt::Display) -> String {
    error.to_string()
}

struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir()
            .canonicalize()?
            .join(format!("wharf-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

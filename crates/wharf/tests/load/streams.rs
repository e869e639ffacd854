//! Many open streams, and one change that all of them must hear of.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::process::{Process, each, mib};
use crate::wire::{Stream, Value, Wire, json};
use crate::{Size, clients};

const ID: &str = "io.modelcontextprotocol/subscriptionId";

struct Reader {
    stream: Stream,
    /// The id of the listen request; streams of sessions have none.
    id: Option<usize>,
}

impl Reader {
    /// Reads one message, which must be this notice.
    async fn hear(mut self, method: &'static str) -> (Self, Instant) {
        // Not `expect`: ten thousand take their time on a slow machine.
        let reading = self.stream.message();
        let message = reading.await.expect("the stream goes on");
        let now = Instant::now();
        assert_eq!(message["method"], method);
        let about = message["params"]["_meta"][ID].clone();
        assert_eq!(about, self.id.map_or(Value::Null, |id| json!(id)));
        (self, now)
    }
}

/// Changes something once; gives the readers, and when the last one knew.
async fn change(
    wire: &mut Wire,
    what: &str,
    method: &'static str,
    readers: Vec<Reader>,
) -> (Vec<Reader>, [Duration; 3]) {
    let mut reading = JoinSet::new();
    for reader in readers {
        reading.spawn(reader.hear(method));
    }
    // All of them wait when it happens.
    tokio::task::yield_now().await;
    let began = Instant::now();
    clients::call(wire, "change", json!({"what": what})).await;
    let answered = began.elapsed();
    let (readers, times): (Vec<_>, Vec<_>) = reading.join_all().await.into_iter().unzip();
    let mut times: Vec<_> = times.iter().map(|time| *time - began).collect();
    times.sort_unstable();
    let (middle, last) = (times[times.len() / 2], times[times.len() - 1]);
    (readers, [answered, middle, last])
}

async fn all(size: Size) {
    let process = Process::start("streams");
    let addr = process.served.addr;
    let mut wire = Wire::open(addr).await;
    clients::call(&mut wire, "running", json!({})).await;
    let before = process.resident();

    let half = size.streams / 2;
    let mut readers = Vec::new();
    let mut last = before;
    for (modern, name) in [(true, "listen"), (false, "GET of a session")] {
        let began = Instant::now();
        let streams = clients::open_all(half, move |id| async move {
            let wire = Wire::open(addr).await;
            match modern {
                true => clients::listen(wire, id, false).await,
                false => clients::get(wire, false).await,
            }
        });
        let streams = streams.await;
        let now = process.resident();
        println!(
            "    {half} × {name}: opened in {:.1} s, {} bytes of memory each",
            began.elapsed().as_secs_f64(),
            each(last, now, half)
        );
        last = now;
        readers.extend(streams.into_iter().map(|(id, stream)| Reader {
            stream,
            id: modern.then_some(id),
        }));
    }
    assert_eq!(readers.len(), half * 2);
    assert!(process.open_files() > half * 2, "every stream is there");

    let (readers, first) = change(
        &mut wire,
        "tools",
        "notifications/tools/list_changed",
        readers,
    )
    .await;
    // The next thing that a stream hears is the next change: nothing came twice.
    let (readers, second) = change(
        &mut wire,
        "prompts",
        "notifications/prompts/list_changed",
        readers,
    )
    .await;
    for times in [first, second] {
        let [answered, middle, last] = times.map(|time| time.as_secs_f64() * 1000.0);
        println!(
            "    one change: answered after {answered:.1} ms; known by half of the {} streams after {middle:.0} ms, by the last after {last:.0} ms",
            readers.len()
        );
    }
    let after = process.resident();
    println!(
        "    memory of the server: {:.1} MiB without streams, {:.1} MiB with {}, {:.1} MiB after the notices: {} bytes each",
        mib(before),
        mib(last),
        readers.len(),
        mib(after),
        each(before, after, readers.len())
    );

    drop(readers);
    crate::wire::until(|| process.open_files() < 100).await;
    clients::call(&mut wire, "running", json!({})).await;
    println!(
        "    {:.1} MiB once all of them are gone",
        mib(process.resident())
    );
}

pub(crate) fn run(size: Size) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(all(size));
}

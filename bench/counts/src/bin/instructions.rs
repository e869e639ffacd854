//! Answers N calls and does nothing else: run under callgrind with two different N, the difference
//! is what the calls cost.

fn main() -> wharf::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [era, count] = &arguments[..] else {
        return Err(wharf::Error::new("usage: instructions modern|legacy N"));
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (server, message) = runtime.block_on(counts::server(era))?;
    let length = runtime.block_on(counts::check(&server, message));
    let count: u32 = count.parse()?;
    runtime.block_on(async {
        for _ in 0..count {
            counts::call(&server, message, length).await;
        }
    });
    Ok(())
}

//! Prints the heap allocations of one call.

use std::io::Write;

fn main() -> wharf::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for era in ["modern", "legacy"] {
        let (server, message) = runtime.block_on(counts::server(era))?;
        let length = runtime.block_on(counts::check(&server, message));
        let counted = allocation_counter::measure(|| {
            runtime.block_on(counts::call(&server, message, length));
        });
        writeln!(std::io::stdout(), "{era} allocations {}", counted.count_total)?;
    }
    Ok(())
}

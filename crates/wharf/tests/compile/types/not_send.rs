use std::rc::Rc;

use wharf::tool;

async fn pause() {}

#[tool]
async fn local() -> i64 {
    let one = Rc::new(1);
    pause().await;
    *one
}

fn main() {}

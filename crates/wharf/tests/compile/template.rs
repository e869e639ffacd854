use wharf::{Context, resource};

#[resource("note:{id}{?page}")]
fn missing(id: String) -> String {
    id
}

#[resource("note:{id}")]
fn slip(ctx: &Context, key: String) -> String {
    key
}

#[resource("note:all")]
fn extra(id: String) -> String {
    id
}

#[resource("note:{id")]
fn open(id: String) -> String {
    id
}

#[resource("no scheme")]
fn relative() -> String {
    String::new()
}

#[resource]
fn none() -> String {
    String::new()
}

#[resource(uri = "note:1", uri = "note:2")]
fn twice() -> String {
    String::new()
}

fn main() {
    wharf::Items::new().resource(missing).resource(slip).resource(none);
}

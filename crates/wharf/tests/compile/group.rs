use wharf::{tool, tools};

struct Empty;

#[tools]
impl Empty {
    fn helper(&self) {}
}

struct Wrong;

#[tools(prefix = "x")]
impl Wrong {
    #[tool]
    #[prompt]
    fn two(&self) {}

    #[tol]
    fn slip(&self) {}

    #[resource("note:{id}")]
    fn note(&self) -> String {
        String::new()
    }
}

struct Generic<T>(T);

#[tools]
impl<T> Generic<T> {
    #[tool]
    fn one(&self) {}
}

#[tool]
impl Empty {}

#[tools]
fn single() {}

fn group(_: impl wharf::Group) {}

fn main() {
    group(Empty);
}

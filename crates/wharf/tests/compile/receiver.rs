use wharf::{tool, tools};

struct Math;

impl Math {
    #[tool]
    async fn add(&self, #[header("A")] a: i64) -> i64 {
        a
    }
}

struct Counter(u64);

#[tools]
impl Counter {
    #[tool]
    fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }

    #[tool]
    fn take(self) -> u64 {
        self.0
    }
}

fn group(_: impl wharf::Group) {}

fn main() {
    group(Counter(1));
}

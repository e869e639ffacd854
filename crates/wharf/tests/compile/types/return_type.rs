use wharf::{prompt, resource, tool, tools};

struct Report;

#[tool]
async fn report() -> Report {
    Report
}

#[tool]
fn fallible() -> Result<Report, String> {
    Ok(Report)
}

#[tool]
fn no_display() -> Result<String, Report> {
    Err(Report)
}

#[resource("report:1")]
fn read() -> Report {
    Report
}

#[prompt]
fn ask() -> Report {
    Report
}

struct Group;

#[tools]
impl Group {
    #[tool]
    async fn report(&self) -> Report {
        Report
    }
}

fn main() {}

//! What the attributes write passes lints that are stricter than most users'.

#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications,
    rust_2018_idioms,
    clippy::all,
    clippy::pedantic
)]
#![forbid(unsafe_code)]

use wharf::{Context, IntoTool, Server, State, prompt, resource, tool, tools};

/// A module of tools.
pub mod inner {
    use wharf::{Context, tool};

    /// The attributes of the function are kept.
    #[tool]
    #[must_use]
    #[inline]
    pub async fn text(ctx: &Context, text: String) -> String {
        ctx.info(&text).await;
        text
    }

    /// An attribute for lints reaches the function.
    #[tool(name = "length", description = concat!("The ", "length."))]
    #[cfg_attr(all(), allow(clippy::needless_pass_by_value))]
    pub fn count(text: String) -> usize {
        text.len()
    }

    /// Not there.
    #[cfg(any())]
    #[tool]
    pub fn gone(text: NoSuchType) -> String {
        text
    }

    /// Not there either.
    #[tool]
    #[cfg(any())]
    pub fn gone_too(text: NoSuchType) -> String {
        text
    }
}

/// Its uses are reported, its definition is not.
#[deprecated = "use another"]
#[tool]
pub fn old() {}

/// A path.
#[resource("files:///{+path}")]
pub async fn file(path: String, state: State<String>) -> String {
    tokio::task::yield_now().await;
    format!("{}/{path}", *state)
}

/// A question.
#[prompt]
#[must_use]
pub fn ask(ctx: &Context, what: Option<String>) -> String {
    let _ = ctx;
    what.unwrap_or_default()
}

/// A group.
#[derive(Debug)]
pub struct Adder {
    base: i64,
}

#[tools]
impl Adder {
    /// Adds.
    #[tool]
    #[must_use]
    pub fn add(&self, value: i64) -> i64 {
        self.base + value
    }
}

#[test]
fn everything_can_be_added_and_called() {
    let server = Server::new("lints").tool(inner::text).tool(inner::count);
    let _ = server
        .resource(file)
        .prompt(ask)
        .group("adder", Adder { base: 1 });
    assert_eq!(inner::count.into_tool().name(), "length");
    assert_eq!(ask(&Context::default(), None), "");
    assert_eq!(Adder { base: 1 }.add(1), 2);
}

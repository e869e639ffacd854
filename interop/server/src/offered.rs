//! Resources and prompts.

use wharf::{Image, prompt, resource};

use crate::media::PNG;

pub(crate) const ABOUT: &str = "A server to try other people's clients with.";

/// What this server is.
#[resource("wharf://about", mime_type = "text/plain")]
pub(crate) fn about() -> &'static str {
    ABOUT
}

/// The logo.
#[resource("wharf://logo", mime_type = "image/png")]
pub(crate) fn logo() -> Image {
    Image::png(PNG)
}

/// A personal greeting.
#[resource("greeting://{name}", mime_type = "text/plain")]
pub(crate) fn greeting(#[complete("Ada", "Alan", "Grace")] name: String) -> String {
    format!("Hello, {name}!")
}

/// Ask for a review of some code.
#[prompt]
pub(crate) fn review(
    /// The code to review
    code: String,
) -> String {
    format!("Please review this code:\n\n{code}")
}

/// Ask for an explanation.
#[prompt]
pub(crate) fn explain(
    /// What to explain
    topic: String,
    /// For whom
    #[complete("beginner", "intermediate", "expert")]
    level: String,
) -> String {
    format!("Please explain {topic} to somebody at the level {level:?}.")
}

//! The resources.

use wharf::{Image, resource};

use super::icons;

const ABOUT: &str = include_str!("about.md");
const LOGO: &[u8] = include_bytes!("logo.png");

/// What this server is and what can be done with it.
#[resource(
    "wharf://about",
    title = "About this server",
    mime_type = "text/markdown",
    size = ABOUT.len() as u64,
    icon = icons::PAGE
)]
pub(super) fn about() -> &'static str {
    ABOUT
}

/// An anchor over a wave.
#[resource(
    "wharf://logo",
    title = "Logo",
    mime_type = "image/png",
    size = LOGO.len() as u64,
    icon = icons::PICTURE
)]
pub(super) fn logo() -> Image {
    Image::png(LOGO)
}

/// A personal greeting.
#[resource(
    "greeting://{name}",
    title = "Greeting",
    mime_type = "text/plain",
    icon = icons::PERSON
)]
pub(super) fn greeting(#[complete("Ada", "Alan", "Grace")] name: String) -> String {
    format!("Hello, {name}!")
}

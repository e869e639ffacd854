//! The prompts.

use serde::Deserialize;
use wharf::prompt;

use super::icons;

/// Ask for a review of some code.
#[prompt(title = "Review code", icon = icons::CHECK)]
pub(super) fn review(
    /// The code to review
    code: String,
) -> String {
    format!(
        "Please review this code. Name mistakes first, then what could be simpler, and say what \
         is good.\n\n{code}"
    )
}

/// Whom an explanation is for.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// Knows nothing of it yet.
    Beginner,
    /// Knows the basics.
    Intermediate,
    /// Knows the field.
    Expert,
}

/// Ask for an explanation of a topic.
#[prompt(title = "Explain a topic", icon = icons::QUESTION)]
pub(super) fn explain(
    /// What to explain
    topic: String,
    /// Whom it is for: beginner, intermediate or expert
    level: Level,
) -> String {
    let how = match level {
        Level::Beginner => {
            "to somebody who has never heard of it: everyday words, one example, no jargon"
        }
        Level::Intermediate => {
            "to somebody who knows the basics: how it works, and where it goes wrong"
        }
        Level::Expert => {
            "to an expert: be brief, skip the basics, name trade-offs and open questions"
        }
    };
    format!("Please explain {topic} {how}.")
}

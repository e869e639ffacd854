//! Log messages from a server to its client (spec 2026-07-28, server/utilities/logging).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How severe a log message is: the eight of RFC 5424, ordered from the least to the most severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoggingLevel {
    /// Details for finding faults.
    Debug,
    /// Progress of normal work.
    Info,
    /// Normal but significant.
    Notice,
    /// Something may go wrong.
    Warning,
    /// Something went wrong.
    Error,
    /// A part of the system fails.
    Critical,
    /// Someone must act now.
    Alert,
    /// The system is unusable.
    Emergency,
}

impl LoggingLevel {
    /// All levels, least severe first.
    pub const ALL: [Self; 8] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
        Self::Alert,
        Self::Emergency,
    ];

    /// The name on the wire, such as `warning`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }

    /// The level with this name on the wire; `None` when there is none.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }
}

impl fmt::Display for LoggingLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What `notifications/message` carries.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LoggingMessage {
    /// How severe it is.
    pub level: LoggingLevel,
    /// The name of the logger.
    pub logger: Option<String>,
    /// The message: a string, or any other JSON.
    pub data: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_agree_with_serde_and_order_is_severity() {
        for level in LoggingLevel::ALL {
            let json = serde_json::to_string(&level).expect("a string");
            assert_eq!(json, format!("\"{level}\""));
            assert_eq!(LoggingLevel::parse(level.as_str()), Some(level));
        }
        assert!(LoggingLevel::ALL.windows(2).all(|w| w[0] < w[1]));
        assert_eq!(LoggingLevel::parse("warn"), None);
    }
}

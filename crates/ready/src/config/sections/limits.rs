//! `[limits]`

use schemars::JsonSchema;
use serde::Deserialize;

/// How many requests callers may send over HTTP; beyond it they are told to wait (429).
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Limits {
    /// Requests of one caller in a second, in the long run; 0 for no limit. Default: 100, but none on a
    /// loopback address without `[auth]`.
    pub requests_per_second: Option<u32>,
    /// Requests of one caller at once, after a pause. Default: five times as many.
    pub burst: Option<u32>,
    /// Requests of all callers together in a second; 0 for no limit. Default: 10,000.
    pub requests_per_second_in_all: Option<u32>,
}

impl Limits {
    /// What it comes to; `is_open`: others can reach the server, or have tokens for it.
    pub fn rate(&self, is_open: bool) -> Option<wharf::http::RateLimit> {
        let defaults = wharf::http::RateLimit::default();
        let per_second = match self.requests_per_second {
            Some(given) => given,
            None if is_open || *self != Self::default() => defaults.per_second,
            None => 0,
        };
        if per_second == 0 {
            return None;
        }
        let in_all = self.requests_per_second_in_all;
        Some(wharf::http::RateLimit {
            per_second,
            burst: self.burst.unwrap_or_else(|| per_second.saturating_mul(5)),
            in_all_per_second: in_all.or(defaults.in_all_per_second).filter(|&n| n > 0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_user_has_no_limit_unless_one_is_set() {
        let limits = Limits::default();
        assert_eq!(limits.rate(false), None);
        assert_eq!(limits.rate(true), Some(wharf::http::RateLimit::default()));
        let set = Limits {
            requests_per_second: Some(3),
            ..Limits::default()
        };
        let rate = set.rate(false).expect("a limit");
        assert_eq!((rate.per_second, rate.burst), (3, 15));
        let none = Limits {
            requests_per_second: Some(0),
            ..Limits::default()
        };
        assert_eq!(none.rate(true), None);
    }
}

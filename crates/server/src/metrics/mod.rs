//! [`Metrics`]: numbers about a server, as Prometheus reads them.
//!
//! What is counted is known when this is compiled, so the counters are arrays of atomics and their
//! text is written by hand: a crate for metrics would bring a registry, and find each counter in it
//! by its labels.

mod text;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use wharf_protocol::error::ErrorCode;
use wharf_protocol::method::Method;

use crate::audit::AuditLog;
use crate::observe::{Answered, Counts, Observer, Outcome, Refused};

/// Upper bounds of the classes of durations, in microseconds.
const BOUNDS: [u64; 15] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 5_000_000, 30_000_000,
];
/// Tools that are told apart; those beyond are `other`. Names that no catalog has are never a label.
const TOOLS: usize = 1_000;
/// Outcomes, in the order of [`outcome`].
const OUTCOMES: [Outcome; 6] = [
    Outcome::Result,
    Outcome::ToolError,
    Outcome::InputRequired,
    Outcome::Task,
    Outcome::Error(0),
    Outcome::Dropped,
];
/// Codes that are told apart; all others are `other`.
const CODES: [i32; 10] = [
    ErrorCode::PARSE_ERROR,
    ErrorCode::INVALID_REQUEST,
    ErrorCode::METHOD_NOT_FOUND,
    ErrorCode::INVALID_PARAMS,
    ErrorCode::INTERNAL_ERROR,
    ErrorCode::RESOURCE_NOT_FOUND,
    ErrorCode::URL_ELICITATION_REQUIRED,
    ErrorCode::HEADER_MISMATCH,
    ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY,
    ErrorCode::UNSUPPORTED_PROTOCOL_VERSION,
];

/// Counts what a server does: give it to [`Server::observe`](crate::Server::observe), and its text
/// ([`render`](Self::render)) to Prometheus, most easily with
/// [`http::MetricsServer`](crate::http::MetricsServer). Cheap to clone: all clones are one.
///
/// | name | labels | what |
/// |---|---|---|
/// | `wharf_requests_total` | `method`, `outcome` | requests that were answered, or dropped before |
/// | `wharf_request_duration_seconds` | `method` | how long they took; a histogram |
/// | `wharf_tool_calls_total` | `tool`, `outcome` | calls of tools, by name |
/// | `wharf_errors_total` | `code` | JSON-RPC errors in answers to requests |
/// | `wharf_refused_total` | `reason` | what HTTP turned away |
/// | `wharf_reloads_total` | `outcome` | [`reloaded`](Self::reloaded) |
/// | `wharf_audit_lost_total` | | lines that the audit log lost |
/// | `wharf_sessions`, `wharf_streams`, `wharf_tasks`, `wharf_connections` | | what is open or runs now |
/// | `wharf_start_time_seconds`, `wharf_build_info` | `version` | |
///
/// Labels have a bounded number of values: methods of the specification, the first 1,000 tools of
/// the catalog that are called, and `other`.
#[derive(Clone, Default)]
pub struct Metrics {
    shared: Arc<Shared>,
}

struct Shared {
    methods: Vec<OfMethod>,
    tools: Mutex<HashMap<Box<str>, Arc<ByOutcome>>>,
    other_tools: ByOutcome,
    errors: [AtomicU64; CODES.len() + 1],
    refused: [AtomicU64; Refused::ALL.len()],
    reloads: [AtomicU64; 2],
    counts: Mutex<Option<Counts>>,
    audit: OnceLock<AuditLog>,
    started: SystemTime,
}

impl Default for Shared {
    fn default() -> Self {
        // One more for what is no method.
        let methods = (0..=Method::ALL.len()).map(|_| OfMethod::default());
        Self {
            methods: methods.collect(),
            tools: Mutex::default(),
            other_tools: ByOutcome::default(),
            errors: Default::default(),
            refused: Default::default(),
            reloads: Default::default(),
            counts: Mutex::default(),
            audit: OnceLock::new(),
            started: SystemTime::now(),
        }
    }
}

type ByOutcome = [AtomicU64; OUTCOMES.len()];

#[derive(Default)]
struct OfMethod {
    outcomes: ByOutcome,
    /// Those of each class of durations, and those beyond the last.
    durations: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Nothing is counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a reload of the configuration, and whether the new one is in use.
    pub fn reloaded(&self, ok: bool) {
        add(&self.shared.reloads[usize::from(!ok)]);
    }

    /// Also tells how many lines an audit log has lost. Only the first one is kept.
    pub fn watch_audit(&self, log: &AuditLog) {
        let _ = self.shared.audit.set(log.clone());
    }

    /// The numbers of now, in the text format of Prometheus (version 0.0.4).
    pub fn render(&self) -> String {
        text::render(&self.shared)
    }
}

impl Shared {
    fn tools(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<ByOutcome>>> {
        self.tools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> MutexGuard<'_, Option<Counts>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_tool(&self, name: Option<&str>, outcome: usize) {
        let Some(name) = name else {
            return add(&self.other_tools[outcome]);
        };
        let mut tools = self.tools();
        if let Some(tool) = tools.get(name) {
            add(&tool[outcome]);
        } else if tools.len() < TOOLS {
            let tool = ByOutcome::default();
            add(&tool[outcome]);
            tools.insert(name.into(), Arc::new(tool));
        } else {
            add(&self.other_tools[outcome]);
        }
    }
}

impl Observer for Metrics {
    fn answered(&self, request: &Answered<'_>) {
        let shared = &self.shared;
        let method = request.method();
        let of_method = &shared.methods[method.map_or(Method::ALL.len(), |method| method as usize)];
        let outcome = index(request.outcome());
        add(&of_method.outcomes[outcome]);
        let micros = micros(request.elapsed());
        add(&of_method.durations[BOUNDS.partition_point(|&bound| bound < micros)]);
        of_method.micros.fetch_add(micros, Ordering::Relaxed);
        if method == Some(Method::ToolsCall) {
            shared.count_tool(request.tool().as_deref(), outcome);
        }
        if let Outcome::Error(code) = request.outcome() {
            let known = CODES.iter().position(|&known| known == code);
            add(&shared.errors[known.unwrap_or(CODES.len())]);
        }
    }

    fn refused(&self, why: Refused, _: Option<IpAddr>) {
        if let Some(known) = Refused::ALL.iter().position(|&known| known == why) {
            add(&self.shared.refused[known]);
        }
    }

    fn started(&self, counts: Counts) {
        *self.shared.counts() = Some(counts);
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn index(outcome: Outcome) -> usize {
    match outcome {
        Outcome::Result => 0,
        Outcome::ToolError => 1,
        Outcome::InputRequired => 2,
        Outcome::Task => 3,
        Outcome::Error(_) => 4,
        Outcome::Dropped => 5,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_and_method_has_a_place() {
        for (place, outcome) in OUTCOMES.iter().enumerate() {
            assert_eq!(index(*outcome), place);
        }
        for (place, method) in Method::ALL.iter().enumerate() {
            assert_eq!(*method as usize, place);
        }
    }

    #[test]
    fn tools_beyond_the_limit_are_one() {
        let metrics = Metrics::new();
        for number in 0..TOOLS + 50 {
            metrics.shared.count_tool(Some(&format!("t{number}")), 0);
        }
        assert_eq!(metrics.shared.tools().len(), TOOLS);
        let text = metrics.render();
        let other = r#"wharf_tool_calls_total{tool="other",outcome="ok"} 50"#;
        assert!(text.lines().any(|line| line == other), "{text}");
    }
}

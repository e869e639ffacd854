//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use wharf_protocol::method::Method;

use super::{BOUNDS, CODES, OUTCOMES, OfMethod, Shared};
use crate::handler::text::shown;
use crate::observe::Refused;

/// Everything that was counted. What has never happened is left out where it has labels for methods
/// or tools, of which there are many.
pub(super) fn render(shared: &Shared) -> String {
    let mut text = Text(String::with_capacity(8 * 1024));
    requests(&mut text, shared);
    durations(&mut text, shared);
    tools(&mut text, shared);

    text.head(
        "wharf_errors_total",
        "counter",
        "JSON-RPC errors in answers to requests",
    );
    for (place, count) in shared.errors.iter().enumerate() {
        match CODES.get(place) {
            Some(code) => text.line("wharf_errors_total", &[("code", code)], read(count)),
            None => text.line("wharf_errors_total", &[("code", &"other")], read(count)),
        }
    }
    text.head(
        "wharf_refused_total",
        "counter",
        "Requests and connections that HTTP turned away",
    );
    for (why, count) in Refused::ALL.iter().zip(&shared.refused) {
        text.line(
            "wharf_refused_total",
            &[("reason", &why.as_str())],
            read(count),
        );
    }
    text.head(
        "wharf_reloads_total",
        "counter",
        "Reloads of the configuration",
    );
    for (outcome, count) in ["ok", "failed"].iter().zip(&shared.reloads) {
        text.line("wharf_reloads_total", &[("outcome", outcome)], read(count));
    }
    if let Some(audit) = shared.audit.get() {
        text.single(
            "wharf_audit_lost_total",
            "counter",
            "Lines that the audit log lost",
            audit.lost(),
        );
    }
    let counts = shared.counts().clone();
    if let Some(counts) = counts {
        for (name, help, count) in [
            ("wharf_sessions", "Open sessions", counts.sessions()),
            (
                "wharf_streams",
                "Open streams of notices, HTTP+SSE streams and WebSocket connections",
                counts.streams(),
            ),
            ("wharf_tasks", "Tasks that run", counts.tasks()),
            (
                "wharf_connections",
                "Open connections",
                counts.connections(),
            ),
        ] {
            text.single(name, "gauge", help, count);
        }
    }
    let started = shared.started.duration_since(SystemTime::UNIX_EPOCH);
    let started = started.unwrap_or_default().as_secs();
    text.single(
        "wharf_start_time_seconds",
        "gauge",
        "When counting began, in seconds since 1970",
        started,
    );
    text.head("wharf_build_info", "gauge", "The version of Wharf");
    text.line(
        "wharf_build_info",
        &[("version", &env!("CARGO_PKG_VERSION"))],
        1,
    );
    text.0
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn methods(shared: &Shared) -> impl Iterator<Item = (&'static str, &OfMethod)> {
    let names = Method::ALL.iter().map(|method| method.as_str());
    names.chain(["other"]).zip(&shared.methods)
}

fn requests(text: &mut Text, shared: &Shared) {
    const NAME: &str = "wharf_requests_total";
    text.head(
        NAME,
        "counter",
        "Requests that were answered, or dropped before",
    );
    for (method, counted) in methods(shared) {
        for (outcome, count) in OUTCOMES.iter().zip(&counted.outcomes) {
            let count = read(count);
            if count > 0 {
                text.line(
                    NAME,
                    &[("method", &method), ("outcome", &outcome.as_str())],
                    count,
                );
            }
        }
    }
}

fn durations(text: &mut Text, shared: &Shared) {
    const NAME: &str = "wharf_request_duration_seconds";
    text.head(
        NAME,
        "histogram",
        "From the whole request to the whole answer",
    );
    for (method, counted) in methods(shared) {
        // Read once: the sums must agree with one another.
        let classes = counted.durations.each_ref().map(read);
        if classes.iter().all(|&count| count == 0) {
            continue;
        }
        let mut so_far = 0;
        for (place, count) in classes.iter().enumerate() {
            so_far += count;
            let bucket = "wharf_request_duration_seconds_bucket";
            match BOUNDS.get(place) {
                Some(&bound) => {
                    text.line(
                        bucket,
                        &[("method", &method), ("le", &seconds(bound))],
                        so_far,
                    );
                }
                None => text.line(bucket, &[("method", &method), ("le", &"+Inf")], so_far),
            }
        }
        let labels: &[(&str, &dyn Display)] = &[("method", &method)];
        let sum = seconds(read(&counted.micros));
        text.line("wharf_request_duration_seconds_sum", labels, sum);
        text.line("wharf_request_duration_seconds_count", labels, so_far);
    }
}

fn tools(text: &mut Text, shared: &Shared) {
    const NAME: &str = "wharf_tool_calls_total";
    text.head(NAME, "counter", "Calls of tools");
    let mut all: Vec<_> = shared
        .tools()
        .iter()
        .map(|(name, counts)| (name.clone(), counts.each_ref().map(read)))
        .collect();
    all.sort();
    all.push(("other".into(), shared.other_tools.each_ref().map(read)));
    for (tool, counts) in all {
        for (outcome, count) in OUTCOMES.iter().zip(counts) {
            if count > 0 {
                text.line(
                    NAME,
                    &[("tool", &tool), ("outcome", &outcome.as_str())],
                    count,
                );
            }
        }
    }
}

/// Microseconds as seconds.
fn seconds(micros: u64) -> f64 {
    std::time::Duration::from_micros(micros).as_secs_f64()
}

struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(name, &[], value);
    }

    fn line(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        self.0.push_str(name);
        for (place, (label, value)) in labels.iter().enumerate() {
            let open = if place == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{open}{label}=\"{}\"", escaped(&value.to_string()));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{close} {value}");
    }
}

/// A value of a label: names of tools are the application's, and can be any text.
fn escaped(value: &str) -> String {
    let value = shown(value).to_string();
    value.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_stays_within_its_quotes() {
        assert_eq!(escaped("a\"} 1\nb\\"), "a\\\"} 1\\\\u{a}b\\\\");
    }
}

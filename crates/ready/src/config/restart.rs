//! What of a configuration is looked at only when the server starts.

use super::load::Config;

/// The keys that are different and that a reload does not change.
pub(super) fn needed(before: &Config, after: &Config) -> Vec<&'static str> {
    let (a, b) = (&before.settings, &after.settings);
    [
        ("name", a.name != b.name),
        ("title", a.title != b.title),
        ("version", a.version != b.version),
        ("description", a.description != b.description),
        ("instructions", a.instructions != b.instructions),
        ("state", a.state != b.state),
        ("[http]", a.http != b.http),
        ("[tls]", a.tls != b.tls),
        ("[limits]", a.limits != b.limits),
        ("[audit]", a.audit != b.audit),
        ("[metrics]", a.metrics != b.metrics),
    ]
    .into_iter()
    .filter_map(|(key, differs)| differs.then_some(key))
    .collect()
}

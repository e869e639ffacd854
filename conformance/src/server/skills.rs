//! Skills: the suite takes whatever it finds, and wants one with a directory in it.

use wharf::{Server, Skill};

pub(crate) fn add(server: Server) -> Server {
    let refunds = Skill::new(
        "refunds",
        "Process customer refund requests per company policy.",
    )
    .field("license", "MIT")
    .field(
        "metadata",
        serde_json::json!({"version": "1.0", "audience": ["support"]}),
    )
    .instructions("# Refunds\n\nAnswer as in `templates/approved.md`.\n")
    .file("templates/approved.md", "Your refund is on its way.\n")
    .file(
        "templates/regional/eu.md",
        "You may return it within 14 days.\n",
    )
    .under("acme/billing");
    let greet = Skill::new("greet", "Greet customers.").instructions("Say hello.\n");
    server.skill(refunds).skill(greet)
}

//! Other people's clients and servers, and the official suite: run by `ci/test`.

use std::path::Path;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn seed_d07_the_inspector_and_real_clients_are_run_with_the_tests() {
    let all = read("ci/test");
    for run in [
        "conformance/run --server",
        "conformance/run-client",
        "interop/run --server",
        "interop/run-servers",
    ] {
        assert!(all.contains(run), "ci/test does not run {run}");
    }
    let steps = all
        .lines()
        .find(|line| line.contains("steps=(format"))
        .expect("the steps");
    assert!(
        steps.contains("conformance") && steps.contains("interop"),
        "{steps}"
    );
    // SDKs of three languages, each as client and as server; the Inspector is made of the first.
    let interop = read("interop/README.md");
    for other in ["ts1", "ts2", "py1", "py2", "rmcp"] {
        assert!(
            interop.contains(other),
            "interop/README.md does not know {other}"
        );
    }
}

//! What `docs/features.md` and `docs/founding.md` say exists: headings of the guide, tests, steps of
//! the interop suite.

use std::path::Path;

use serde_json::Value;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands between two marks, everywhere in a text.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(open)
        .skip(1)
        .filter_map(move |rest| Some(rest.split_once(close)?.0))
}

/// A heading as the end of a link.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn examples_are_where_the_features_say() {
    let features = read("docs/features.md");
    let links: Vec<_> = between(&features, "](../crates/", ")").collect();
    assert!(links.len() > 40, "{links:?}");
    for link in links {
        let (file, heading) = link
            .split_once('#')
            .unwrap_or_else(|| panic!("no heading: {link}"));
        let page = read(&format!("crates/{file}"));
        let headings = page.lines().filter_map(|line| line.strip_prefix("## "));
        assert!(
            headings.map(anchor).any(|known| known == heading),
            "no such heading: {link}"
        );
    }
}

#[test]
fn tests_are_where_the_features_say() {
    for page in ["docs/features.md", "docs/founding.md"] {
        let page = read(page);
        let tests = page.split('`').filter_map(|code| code.split_once("::"));
        let tests: Vec<_> = tests.filter(|(file, _)| file.ends_with(".rs")).collect();
        assert!(tests.len() > 20, "{tests:?}");
        for (file, name) in tests {
            assert!(
                read(file).contains(&format!("fn {name}()")),
                "no test {name} in {file}"
            );
        }
    }
}

#[test]
fn steps_are_what_the_features_say() {
    let features = read("docs/features.md");
    let expected: Value = serde_json::from_str(&read("interop/expected.json")).expect("JSON");
    let steps: Vec<_> = between(&features, "interop `", "`").collect();
    assert!(steps.len() > 20, "{steps:?}");
    for step in steps {
        assert!(expected["steps"].get(step).is_some(), "no step {step}");
    }
}

//! Packs as arguments: the same types, the same errors, with the argument as the place.

use wharf_ready::config::{Config, Given, check};

fn given(packs: &[&str]) -> Given {
    Given {
        packs: packs.iter().map(ToString::to_string).collect(),
        ..Given::default()
    }
}

fn said(packs: &[&str]) -> String {
    match Config::load(&given(packs)) {
        Ok(_) => "right".into(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn arguments_that_are_right() {
    for packs in [
        &["starter:"][..],
        &["starter", "llm"],
        &["starter:?prefix=a&deny=echo,add&read_only"],
        &["files:docs?write=true&prefix=docs&include=*.md,*.txt&max_bytes=4096"],
        &["files:docs?write"],
        &["files:a%3Fb%26c"],
        &["notes:", "notes:my.db?prefix=more&format=markdown"],
        &["notes:?path=my.db"],
        &["llm:openrouter/meta/llama-4"],
        &["llm:echo"],
        &["prompts:p", "skills:s?under=a/b"],
    ] {
        assert_eq!(said(packs), "right", "{packs:?}");
    }
}

#[test]
fn arguments_that_are_wrong() {
    for (pack, expected) in [
        (
            "fils:docs",
            "fils:docs: there is no kind of pack `fils`\n   | fils:docs\n   | ^^^^\n   = did you mean `files`?",
        ),
        (
            "files:",
            "files:: `files:` has no `path`\n   | files:\n   | ^^^^^^\n   = write `files:…`",
        ),
        (
            "files:docs?wirte=true",
            "files:docs?wirte=true: there is no key `wirte` in `files:`\n   | files:docs?wirte=true\n   |            ^^^^^\n   = did you mean `write`?",
        ),
        (
            "files:docs?write=maybe",
            "files:docs?write=maybe: this is a text, and should be true or false\n   | files:docs?write=maybe\n   |                  ^^^^^",
        ),
        (
            "files:docs?path=other",
            "files:docs?path=other: `path` is given twice\n   | files:docs?path=other\n   |            ^^^^",
        ),
        (
            "starter:docs",
            "starter:docs: `starter:` has nothing behind the colon\n   | starter:docs\n   |         ^^^^",
        ),
        (
            "files:docs?max_bytes=1",
            "files:docs?max_bytes=1: `max_bytes` must be between 1024 and 67108864\n   | files:docs?max_bytes=1\n   |                      ^",
        ),
        (
            "llm:opnai/gpt-5",
            "llm:opnai/gpt-5: `opnai` is none of the values\n   | llm:opnai/gpt-5\n   |     ^^^^^\n   = did you mean `openai`?",
        ),
    ] {
        assert_eq!(said(&[pack]), expected);
    }
}

#[test]
fn a_key_in_an_argument_is_refused_and_not_shown() {
    let said = said(&["llm:openai/gpt-5?key=sk-abcdef"]);
    assert!(
        said.contains("`key` is a secret") && said.contains("${LLM_KEY}"),
        "{said}"
    );
    assert!(!said.contains("sk-abcdef"), "{said}");
}

#[tokio::test]
async fn patterns_of_arguments_must_fit_a_tool() {
    let mut asked = given(&["starter:"]);
    asked.allow = vec!["ad*".into(), "eco".into()];
    asked.deny = vec!["echo".into()];
    let problems = check(&asked)
        .await
        .expect_err("a pattern that fits nothing");
    assert_eq!(
        problems.to_string(),
        "eco: `eco` fits no tool of what is served\n   | eco\n   | ^^^\n   = did you mean `echo`?"
    );
    asked.allow.pop();
    assert_eq!(check(&asked).await.expect("right").tools, 1);
}

#[tokio::test]
async fn nothing_is_the_starter_with_a_model() {
    let config = Config::load(&Given::default()).expect("right");
    assert!(config.is_starter());
    let served = check(&Given::default()).await.expect("right");
    assert!(
        served.model && served.tools > 4 && served.prompts > 1,
        "{served:?}"
    );
    assert!(
        !Config::load(&given(&["starter:"]))
            .expect("right")
            .is_starter()
    );
}

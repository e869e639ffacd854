//! Each `cases/NAME.toml` is checked, and what is said of it is `cases/NAME.txt`. With
//! `WHARF_BLESS=1` the texts are written anew: read them before they are kept.

use wharf_ready::config::check_config;

use crate::{SECRET, config, here};

async fn said_of(text: &str) -> String {
    let checked = match config(text) {
        Ok(config) => check_config(config).await,
        Err(problems) => Err(problems),
    };
    let base = here().join("place").display().to_string();
    match checked {
        Ok(served) => format!("{served:#?}\n"),
        Err(problems) => format!("{problems}\n").replace(&base, "PLACE"),
    }
}

#[tokio::test]
async fn what_is_said_of_files() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(here().join("cases")).expect("cases") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        count += 1;
        let text = std::fs::read_to_string(&path).expect("a file");
        let said = said_of(&text).await;
        for secret in [SECRET, "hunter2", "sk-written"] {
            assert!(!said.contains(secret), "{}: {said}", path.display());
        }
        let expected = path.with_extension("txt");
        if std::env::var_os("WHARF_BLESS").is_some() {
            std::fs::write(&expected, &said).expect("written");
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        if said != expected {
            wrong.push(format!(
                "{}\n--- expected\n{expected}--- said\n{said}",
                path.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 10, "{count} cases");
    let made = here().join("place/not-made.db");
    assert!(!made.exists(), "a check makes no file");
}

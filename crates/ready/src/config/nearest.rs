//! "Did you mean": names that are like one that does not exist.

/// What may be meant, or what there is if it is little.
pub(super) fn did_you_mean<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let names: Vec<&str> = names.into_iter().collect();
    let lower = wanted.to_lowercase();
    let near = names
        .iter()
        .map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), *name))
        .filter(|(score, _)| *score >= 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match near {
        Some((_, name)) => Some(format!("did you mean `{name}`?")),
        None if names.is_empty() => None,
        None => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let are = if names.len() == 1 { "is" } else { "are" };
            Some(format!("there {are} {}", names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn names_that_are_meant() {
        let names = ["allow", "deny", "prefix"];
        for (wanted, said) in [
            ("alow", Some("did you mean `allow`?")),
            ("Prefx", Some("did you mean `prefix`?")),
            ("zzz", Some("there are `allow`, `deny`, `prefix`")),
        ] {
            assert_eq!(did_you_mean(wanted, names).as_deref(), said);
        }
        assert_eq!(did_you_mean("x", []), None);
    }
}

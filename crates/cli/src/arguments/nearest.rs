//! "Did you mean": the names that are most like one that does not exist.

/// Up to three names, best first.
pub(crate) fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let lower = wanted.to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let other = name.to_lowercase();
            let mut score = strsim::jaro_winkler(&lower, &other);
            if !lower.is_empty() && (other.contains(&lower) || lower.contains(&other)) {
                score = score.max(0.9);
            }
            (score >= 0.75).then_some((score, name))
        })
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn names_that_are_meant() {
        let names = ["add", "calculate", "countdown", "echo", "greet_me"];
        assert_eq!(nearest("ad", names), ["add"]);
        assert_eq!(nearest("calc", names), ["calculate"]);
        assert_eq!(nearest("greetMe", names), ["greet_me"]);
        assert!(nearest("zzz", names).is_empty());
    }
}

//! [`Admit`]: which tools are served.

/// Which tools are served. Deny wins over allow.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Admit {
    /// Only tools that say that they change nothing.
    pub(super) read_only: bool,
    /// Patterns of the names that are served; all, if there are none given.
    pub(super) allow: Option<Vec<String>>,
    /// Patterns of the names that are not.
    pub(super) deny: Vec<String>,
}

impl Admit {
    /// Whether a tool of this name is served.
    pub(super) fn admits(&self, name: &str, is_read_only: bool) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, name));
        (is_read_only || !self.read_only)
            && self.allow.as_deref().is_none_or(any)
            && !any(&self.deny)
    }
}

/// Whether a name fits a pattern, in which `*` stands for any characters, none and dots included.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        // The first place that fits leaves the most room for the others.
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("add", "add", true),
            ("add", "adds", false),
            ("*", "anything.at_all", true),
            ("*", "", true),
            ("docs.*", "docs.read", true),
            ("docs.*", "docs.", true),
            ("docs.*", "docsread", false),
            ("*.delete", "docs.delete", true),
            ("*.delete", "docs.delete2", false),
            ("d*.d*e", "docs.delete", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*a*b*", "xxayybzz", true),
            ("*a*b*", "ba", false),
            ("**", "x", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn deny_wins_and_read_only_needs_a_promise() {
        let admit = Admit {
            read_only: true,
            allow: Some(vec!["docs.*".into()]),
            deny: vec!["*.list".into()],
        };
        for (name, is_read_only, served) in [
            ("docs.read", true, true),
            ("docs.write", false, false),
            ("docs.list", true, false),
            ("add", true, false),
        ] {
            assert_eq!(admit.admits(name, is_read_only), served, "{name}");
        }
        assert!(Admit::default().admits("anything", false));
        let none = Admit {
            allow: Some(Vec::new()),
            ..Admit::default()
        };
        assert!(
            !none.admits("anything", true),
            "an empty list allows nothing"
        );
    }
}

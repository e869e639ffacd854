//! [`Names`]: names of tools that providers take.

use std::collections::{HashMap, HashSet};

/// The longest name that all providers take.
const MAX: usize = 64;

/// The names of tools, as a provider knows them: letters, digits, `_` and `-`, at most 64. Other
/// characters become `_`, and what is then twice there gets a number.
#[derive(Debug, Default)]
pub(super) struct Names {
    theirs: HashMap<String, String>,
    ours: HashMap<String, String>,
}

impl Names {
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut all = Self::default();
        // A name that fits is kept, whatever another one is made into.
        let mut taken: HashSet<String> = names
            .clone()
            .filter(|name| fitted(name) == *name)
            .map(str::to_owned)
            .collect();
        for name in names {
            let mut theirs = fitted(name);
            if theirs != name {
                let mut number = 2;
                while taken.contains(&theirs) {
                    let end = format!("_{number}");
                    theirs = fitted(name);
                    theirs.truncate(MAX - end.len());
                    theirs.push_str(&end);
                    number += 1;
                }
                taken.insert(theirs.clone());
            }
            all.ours.insert(theirs.clone(), name.to_owned());
            all.theirs.insert(name.to_owned(), theirs);
        }
        all
    }

    /// The provider's name of a tool. A tool that is not offered keeps its own.
    pub(super) fn theirs<'a>(&'a self, name: &'a str) -> &'a str {
        self.theirs.get(name).map_or(name, String::as_str)
    }

    /// The tool that the provider calls so.
    pub(super) fn ours<'a>(&'a self, name: &'a str) -> &'a str {
        self.ours.get(name).map_or(name, String::as_str)
    }
}

fn fitted(name: &str) -> String {
    let fit = |c: char| match c {
        c if c.is_ascii_alphanumeric() || c == '_' || c == '-' => c,
        _ => '_',
    };
    name.chars().map(fit).take(MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_a_name_of_its_own() {
        let long = "n".repeat(100);
        let all = [
            "math.add",
            "math/add",
            "math_add",
            "plain",
            "größe",
            &long,
            &format!("{long}!"),
        ];
        let names = Names::new(all.into_iter());
        let theirs: HashSet<_> = all.iter().map(|name| names.theirs(name)).collect();
        assert_eq!(theirs.len(), all.len(), "{theirs:?}");
        for name in all {
            let theirs = names.theirs(name);
            assert!(theirs.len() <= MAX && fitted(theirs) == theirs, "{theirs}");
            assert_eq!(names.ours(theirs), name);
        }
        assert_eq!(names.theirs("math_add"), "math_add");
        assert_eq!(
            (names.theirs("other.x"), names.ours("x.y")),
            ("other.x", "x.y")
        );
    }
}

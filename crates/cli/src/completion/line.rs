//! [`Line`]: a command line that is being typed.

use clap::Command;

/// What the word that is being typed should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A server.
    Target,
    Tool,
    Resource,
    Prompt,
    /// A prompt or a template.
    Reference,
    /// `key=value` of this tool.
    ToolArgument(String),
    /// `key=value` of this prompt.
    PromptArgument(String),
    /// `key=value` of this template.
    Variable(String),
}

/// A command line, up to the word that is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) wanted: Wanted,
    /// The server, where it was given already.
    pub(super) target: String,
    /// Headers for it.
    pub(super) headers: Vec<String>,
    /// The arguments before, such as `a=1`.
    pub(super) before: Vec<String>,
    /// What there is of the word.
    pub(super) current: String,
}

impl Line {
    /// Reads words, the first of which is our own name. `None` where nothing live is wanted.
    pub(super) fn read(definition: &Command, words: &[String]) -> Option<Self> {
        let (current, before) = words.split_last()?;
        let mut before = before.iter().skip(1);
        let name = before.next()?;
        let command = definition.find_subcommand(name)?;
        let mut positionals: Vec<String> = Vec::new();
        let mut headers = Vec::new();
        while let Some(word) = before.next() {
            match takes_value(command, word) {
                // The value of an option is being typed.
                Some(true) => {
                    let value = before.next()?;
                    if word == "--header" {
                        headers.push(value.clone());
                    }
                }
                Some(false) => {}
                None => positionals.push(word.clone()),
            }
        }
        if current.starts_with('-') {
            return None;
        }
        let mut positionals = positionals.into_iter();
        let (target, second) = (positionals.next(), positionals.next());
        let has_target = command
            .get_positionals()
            .next()
            .is_some_and(|first| first.get_id() == "target");
        if !has_target {
            return None;
        }
        let wanted = match (name.as_str(), &target, second) {
            (_, None, _) => Wanted::Target,
            ("call", Some(_), None) => Wanted::Tool,
            ("call", Some(_), Some(tool)) => Wanted::ToolArgument(tool),
            ("read" | "watch", Some(_), None) => Wanted::Resource,
            ("watch", Some(_), Some(_)) => Wanted::Resource,
            ("read", Some(_), Some(template)) => Wanted::Variable(template),
            ("prompt", Some(_), None) => Wanted::Prompt,
            ("complete", Some(_), None) => Wanted::Reference,
            ("complete", Some(_), Some(template)) if template.contains("{") => {
                Wanted::Variable(template)
            }
            ("prompt" | "complete", Some(_), Some(prompt)) => Wanted::PromptArgument(prompt),
            _ => return None,
        };
        Some(Self {
            wanted,
            target: target.unwrap_or_default(),
            headers,
            before: positionals.collect(),
            current: current.clone(),
        })
    }
}

/// Whether a word is an option, and whether a value follows it.
fn takes_value(command: &Command, word: &str) -> Option<bool> {
    let option = word.strip_prefix('-').filter(|rest| !rest.is_empty())?;
    if word.contains('=') {
        return Some(false);
    }
    let long = option.strip_prefix('-');
    let known = command.get_arguments().find(|argument| match long {
        Some(long) => argument.get_long() == Some(long),
        None => argument.get_short() == option.chars().next() && option.chars().count() == 1,
    });
    Some(known.is_some_and(|argument| argument.get_action().takes_values()))
}

/// The words of a line that is not finished: an open quote goes to its end.
pub(super) fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        let word = words.last_mut();
        match (c, quote) {
            ('\\', None | Some('"')) => word.into_iter().for_each(|word| word.extend(rest.next())),
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => quote = Some(c),
            (' ' | '\t', None) => {
                if word.is_some_and(|word| !word.is_empty()) {
                    words.push(String::new());
                }
            }
            (c, _) => word.into_iter().for_each(|word| word.push(c)),
        }
    }
    words
}

/// The part of a word that bash replaces: what comes after the last `:` or `=` of what was typed.
pub(super) fn after_break<'a>(word: &'a str, typed: &str) -> &'a str {
    let at = typed.rfind([':', '=']).map_or(0, |at| at + 1);
    word.get(at..).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Line> {
        Line::read(&crate::commands::definition(), &words(line))
    }

    #[test]
    fn what_is_wanted_where() {
        let wanted = |line: &str| read(line).map(|line| (line.wanted, line.current));
        let tool = |name: &str| Wanted::ToolArgument(name.into());
        for (line, expected) in [
            ("wharf ca", None),
            ("wharf call ", Some((Wanted::Target, ""))),
            ("wharf call --timeout 5s gi", Some((Wanted::Target, "gi"))),
            ("wharf call --timeout ", None),
            (
                "wharf call --json http://a.example/mcp ad",
                Some((Wanted::Tool, "ad")),
            ),
            ("wharf call 'npx x y' ad", Some((Wanted::Tool, "ad"))),
            ("wharf call T add a=1 b", Some((tool("add"), "b"))),
            ("wharf call T add --", None),
            ("wharf read T ", Some((Wanted::Resource, ""))),
            ("wharf watch T a://b c", Some((Wanted::Resource, "c"))),
            (
                "wharf prompt T explain level=",
                Some((Wanted::PromptArgument("explain".into()), "level=")),
            ),
            ("wharf complete T gre", Some((Wanted::Reference, "gre"))),
            ("wharf hosts ", None),
            ("wharf serve ", None),
            ("wharf nonsense x", None),
            ("wharf", None),
            ("", None),
        ] {
            assert_eq!(
                wanted(line),
                expected.map(|(wanted, current)| (wanted, current.to_owned())),
                "{line}"
            );
        }
        let line = read("wharf call --header 'A: b' T add a=1 b").expect("a line");
        assert_eq!(
            (line.target.as_str(), line.headers, line.before),
            ("T", vec!["A: b".to_owned()], vec!["a=1".to_owned()])
        );
    }

    #[test]
    fn lines_of_bash() {
        assert_eq!(
            words("wharf call 'a b' \"c d\"e f\\ g"),
            ["wharf", "call", "a b", "c de", "f g"]
        );
        assert_eq!(words("wharf  x "), ["wharf", "x", ""]);
        assert_eq!(words("wharf 'open quote"), ["wharf", "open quote"]);
        assert_eq!(after_break("http://a/mcp", "http:"), "//a/mcp");
        assert_eq!(after_break("level=expert", "level="), "expert");
        assert_eq!(after_break("level=", "le"), "level=");
    }
}

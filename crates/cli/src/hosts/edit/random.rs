//! Files that nobody thought of: made at random, always the same ones.

use serde_json::json;

use super::*;

/// A generator of numbers that is good enough for this (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).unwrap_or_default()
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    fn blanks(&mut self, end: &str) -> String {
        let mut text = String::new();
        for _ in 0..self.below(4) {
            match self.below(9) {
                0 => text.push_str(&format!("// , }} \"x\": {{{end}")),
                1 => text.push_str("/* , { */"),
                2 => text.push('\t'),
                3..=5 => text.push_str(end),
                _ => text.push(' '),
            }
        }
        text
    }

    fn value(&mut self, depth: usize, end: &str) -> String {
        match self.below(if depth == 0 { 4 } else { 6 }) {
            0 => "\"a // \\\" } ,\"".into(),
            1 => "-1.5e3".into(),
            2 => "null".into(),
            3 => format!("[{}1,{}true]", self.blanks(end), self.blanks(end)),
            _ => {
                let names = &["a", "b", "c", "mcpServers", "new "][..];
                let names: Vec<_> = names.iter().filter(|_| self.below(2) == 0).collect();
                let names: Vec<_> = names.into_iter().copied().collect();
                self.object(&names, depth - 1, end)
            }
        }
    }

    fn object(&mut self, names: &[&str], depth: usize, end: &str) -> String {
        let mut text = String::from("{");
        for (number, name) in names.iter().enumerate() {
            if number > 0 {
                text.push(',');
            }
            let value = if *name == "mcpServers" {
                let names = &["x", "y"][..self.below(3)];
                self.object(names, 1, end)
            } else {
                self.value(depth, end)
            };
            text.push_str(&format!(
                "{}\"{name}\"{}:{}{value}{}",
                self.blanks(end),
                self.blanks(end),
                self.blanks(end),
                self.blanks(end)
            ));
        }
        if !names.is_empty() && self.below(3) == 0 {
            text.push(',');
        }
        text.push_str(&self.blanks(end));
        text.push('}');
        text
    }
}

#[test]
fn any_json_comes_back() {
    let mut dice = Dice(7);
    let value = json!({"command": "w", "args": ["{", "//"], "env": {"A": "}"}});
    let way = Way {
        section: &["mcpServers"],
        name: "new",
    };
    for round in 0..20_000 {
        let end = dice.of(&["\n", "\r\n"]);
        let names: &[&str] = match dice.below(4) {
            0 => &[],
            1 => &["mcpServers"],
            2 => &["a", "mcpServers", "b"],
            _ => &["a", "b"],
        };
        let before = format!(
            "{}{}{}{}",
            dice.of(&["", "\u{feff}"]),
            dice.blanks(end),
            dice.object(names, 2, end),
            dice.blanks(end)
        );
        let put = put(Format::Commented, &before, way, &value)
            .unwrap_or_else(|why| panic!("round {round}: {why}: {before}"));
        let meant = |text: &str| {
            crate::hosts::read::parse(Format::Commented, text)
                .unwrap_or_else(|why| panic!("round {round}: {why}: {before}\n---\n{text}"))
        };
        let mut expected = meant(&before);
        expected["mcpServers"]["new"] = value.clone();
        assert_eq!(
            meant(&put.text),
            expected,
            "round {round}: {before}\n---\n{}",
            put.text
        );
        let back = take(Format::Commented, &put.text, way, Some(&put.base));
        assert_eq!(
            back.as_deref(),
            Ok(before.as_str()),
            "round {round}\n---\n{}",
            put.text
        );
    }
}

//! A digest of a call's arguments that does not depend on how a client happens to write them.

use ring::digest::{SHA256, digest};

/// Objects and arrays within each other beyond this are compared as they are written. No handler
/// sees them: serde_json gives up at the same depth.
const MAX_DEPTH: usize = 128;

/// SHA-256 over the arguments with the keys of every object sorted, white space left out and
/// strings without needless escapes. Numbers are taken as written: `1` and `1.0` differ.
///
/// Not RFC 8785: nobody else computes it.
pub(crate) fn arguments_digest(json: &str) -> [u8; 32] {
    let mut canonical = Canonical {
        text: json,
        at: 0,
        out: Vec::with_capacity(json.len() + 1),
    };
    let written = canonical.value(0);
    canonical.space();
    let out = if written.is_some() && canonical.at == json.len() {
        canonical.out
    } else {
        // No JSON begins like this, so nothing else has the same digest.
        [&[0xff], json.as_bytes()].concat()
    };
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, &out).as_ref());
    bytes
}

struct Canonical<'a> {
    text: &'a str,
    at: usize,
    out: Vec<u8>,
}

impl Canonical<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Steps over a byte after white space, if it is there.
    fn skip(&mut self, byte: u8) -> bool {
        self.space();
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        self.space();
        match self.peek()? {
            b'{' if depth < MAX_DEPTH => self.object(depth),
            b'[' if depth < MAX_DEPTH => self.array(depth),
            b'{' | b'[' => None,
            b'"' => self.string(),
            _ => self.scalar(),
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        self.out.push(b'[');
        if !self.skip(b']') {
            loop {
                self.value(depth + 1)?;
                if self.skip(b']') {
                    break;
                }
                self.skip(b',').then(|| self.out.push(b','))?;
            }
        }
        self.out.push(b']');
        Some(())
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        self.out.push(b'{');
        let begin = self.out.len();
        // Where each member begins, where its key ends and where it ends.
        let mut members: Vec<(usize, usize, usize)> = Vec::new();
        if !self.skip(b'}') {
            loop {
                self.space();
                let member = self.out.len();
                (self.peek() == Some(b'"')).then(|| self.string())??;
                let key_end = self.out.len();
                self.skip(b':').then(|| self.out.push(b':'))?;
                self.value(depth + 1)?;
                self.out.push(b',');
                members.push((member, key_end, self.out.len()));
                if self.skip(b'}') {
                    break;
                }
                self.skip(b',').then_some(())?;
            }
        }
        let key = |&(begin, end, _): &(usize, usize, usize)| &self.out[begin..end];
        if !members.is_sorted_by_key(key) {
            // Stable: of two members with one key the order still counts.
            members.sort_by_key(|member| key(member).to_vec());
            let mut sorted = Vec::with_capacity(self.out.len() - begin);
            for &(begin, _, end) in &members {
                sorted.extend_from_slice(&self.out[begin..end]);
            }
            self.out.truncate(begin);
            self.out.append(&mut sorted);
        }
        self.out.push(b'}');
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        let begin = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let written = self.text.get(begin..self.at)?;
        match serde_json::from_str::<String>(written) {
            Ok(text) if escaped => serde_json::to_writer(&mut self.out, &text).ok()?,
            // Half a surrogate pair has no other way of being written.
            _ => self.out.extend_from_slice(written.as_bytes()),
        }
        Some(())
    }

    fn scalar(&mut self) -> Option<()> {
        let begin = self.at;
        while self
            .peek()
            .is_some_and(|byte| !b",:]}[{\" \t\n\r".contains(&byte))
        {
            self.at += 1;
        }
        self.out
            .extend_from_slice(self.text.as_bytes().get(begin..self.at)?);
        (self.at > begin).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_written() {
        for (one, other) in [
            (
                r#"{"a":1,"b":[true,null]}"#,
                "\n{ \"b\" : [ true ,\tnull ] , \"a\" : 1 }\r\n",
            ),
            (
                r#"{"x":{"b":{"d":1,"c":2},"a":""}}"#,
                r#"{"x":{"a":"","b":{"c":2,"d":1}}}"#,
            ),
            (r#"[{"b":1,"a":2},{}]"#, r#"[{"a":2,"b":1},{ }]"#),
            (
                r#"{"é":"\"","ab":"/"}"#,
                r#"{"\u0061b":"\/","\u00E9":"\u0022"}"#,
            ),
            (r#"{"":[[],[ ]],"a,b":"}"}"#, r#"{"a,b":"}","":[[ ],[]]}"#),
        ] {
            assert_eq!(
                arguments_digest(one),
                arguments_digest(other),
                "{one} and {other}"
            );
        }
    }

    #[test]
    fn whatever_is_different() {
        let texts = [
            "{}",
            "[]",
            "null",
            "\"null\"",
            "true",
            "0",
            "1",
            "1.0",
            "1e0",
            "-1",
            "\"1\"",
            "[1]",
            "[[1]]",
            "[1,2]",
            "[2,1]",
            "[12]",
            r#"{"a":1}"#,
            r#"{"a":2}"#,
            r#"{"b":1}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":1,"b":1}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":2,"a":1}"#,
            r#"{"a":[1,{"b":2}]}"#,
            r#"{"a":[{"b":2},1]}"#,
            r#"["a,b"]"#,
            r#"["a","b"]"#,
            r#""\ud800""#,
            r#""\ud801""#,
            r#""\\u0041""#,
            r#""A""#,
            "9007199254740993",
            "9007199254740992",
            "",
            "{",
            "{}{}",
            "{} x",
            r#"{"a" 1}"#,
            r#"{"a":1,}"#,
            "[1 2]",
            "\"",
            "\"\\",
            "[,]",
            r#"{a:1}"#,
        ];
        for (index, one) in texts.iter().enumerate() {
            for other in &texts[index + 1..] {
                assert_ne!(
                    arguments_digest(one),
                    arguments_digest(other),
                    "{one} and {other}"
                );
            }
        }
    }

    #[test]
    fn the_form_that_is_digested() {
        // Every member ends in a comma.
        let digest = arguments_digest(r#"{ "b": null, "a": [1.50, "\u00e9"] }"#);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let digest = ring::digest::digest(&SHA256, "{\"a\":[1.50,\"é\"],\"b\":null,}".as_bytes());
        let expected: String = digest
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hex, expected);
    }

    #[test]
    fn depth_takes_no_stack() {
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_ne!(arguments_digest(&deep(128)), arguments_digest(&deep(129)));
        assert_eq!(
            arguments_digest(&deep(128)),
            arguments_digest(&format!(" {}", deep(128)))
        );
        assert_ne!(
            arguments_digest(&deep(1_000_000)),
            arguments_digest(&deep(1_000_001))
        );
        assert_ne!(
            arguments_digest(&"[".repeat(1_000_000)),
            arguments_digest(&"{\"a\":".repeat(200_000))
        );
    }
}

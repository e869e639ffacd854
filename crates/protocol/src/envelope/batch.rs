//! Batches: several messages in one array, which only 2025-03-26 knows
//! (spec 2025-03-26, `basic`, "Batching").

use super::{EnvelopeError, Kind};
use crate::raw::{Scanner, Span};

/// Whether these bytes begin like an array, which no single message does.
pub fn is_batch(bytes: &[u8]) -> bool {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    first == Some(&b'[')
}

/// The members of a batch of at most `limit`, each as it stands in the text; whether they are
/// messages is not looked at. The text has less than 4 GiB.
///
/// # Errors
/// What is not JSON (`-32700`); what is no array, an empty one, or one with more members
/// (`-32600`).
pub fn batch(text: &str, limit: usize) -> Result<Vec<&str>, EnvelopeError> {
    let mut scanner = Scanner::new(text);
    if scanner.next_token() != b'[' {
        return Err(refused("a batch is an array".into()));
    }
    let mut count = 0;
    let mut spans: Vec<Span> = Vec::new();
    let scanned = scanner.array(|span| {
        count += 1;
        if count <= limit {
            spans.push(span);
        }
    });
    if scanned.and_then(|()| scanner.end()).is_err() {
        return Err(EnvelopeError::not_json(scanner.failure()));
    }
    if count == 0 {
        return Err(refused("a batch has at least one message".into()));
    }
    if count > limit {
        let reason = format!("a batch of {count} messages: at most {limit} are taken at once");
        return Err(refused(reason));
    }
    let text_of = |span: Span| span.of(text).map(|raw| raw.get());
    Ok(spans.into_iter().filter_map(text_of).collect())
}

fn refused(reason: String) -> EnvelopeError {
    EnvelopeError {
        kind: Kind::Batch,
        reason,
        id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_seen_by_its_first_byte() {
        for text in ["[", "[]", " \r\n\t[{}]"] {
            assert!(is_batch(text.as_bytes()), "{text:?}");
        }
        for text in ["", " ", "{}", "{[", "7", "\"[\""] {
            assert!(!is_batch(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn members_are_given_as_they_stand() {
        let text = " [ {\"a\":[1,{}]} ,7,[[]], \"]\" ] ";
        assert_eq!(
            batch(text, 4).unwrap(),
            ["{\"a\":[1,{}]}", "7", "[[]]", "\"]\""]
        );
    }

    #[test]
    fn what_is_no_batch_is_refused() {
        for (text, code) in [
            ("[", -32700),
            ("[1", -32700),
            ("[1,]", -32700),
            ("[1] 2", -32700),
            ("[1,,2]", -32700),
            ("[]", -32600),
            ("[1,2,3]", -32600),
            ("{}", -32600),
        ] {
            let error = batch(text, 2).expect_err(text);
            assert_eq!((error.code(), error.id()), (code, None), "{text}");
        }
    }
}

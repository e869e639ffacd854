//! What is asked and what must come back.

use std::borrow::Cow;

use serde::Deserialize;

/// The revision of the stateless requests.
pub const MODERN: &str = "2026-07-28";
/// The revision offered in `initialize`.
pub const LEGACY: &str = "2025-11-25";

const META: &[u8] = br#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"wharf-load","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}"#;

/// `initialize`, always with id 0.
pub const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"wharf-load","version":"1.0.0"}}}"#;
pub const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// One of the two ways to speak: each request for itself, or after a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Era {
    Modern,
    Session,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Add,
    Big,
    /// The whole list, over as many pages as the server makes of it.
    List {
        tools: usize,
    },
}

impl Op {
    pub fn method(self) -> &'static str {
        match self {
            Op::Add | Op::Big => "tools/call",
            Op::List { .. } => "tools/list",
        }
    }

    pub fn name(self) -> Option<&'static str> {
        match self {
            Op::Add => Some("add"),
            Op::Big => Some("big"),
            Op::List { .. } => None,
        }
    }
}

/// A request that waits for its answer.
#[derive(Clone, Debug)]
pub struct Pending {
    pub id: u64,
    pub op: Op,
    sum: i64,
    /// Tools seen on the pages so far.
    listed: usize,
    cursor: Option<String>,
}

impl Pending {
    pub fn new(id: u64, op: Op) -> Self {
        Self {
            id,
            op,
            sum: 0,
            listed: 0,
            cursor: None,
        }
    }

    /// Writes the request; the numbers to add differ from call to call.
    pub fn write(&mut self, era: Era, out: &mut Vec<u8>) {
        let mut number = itoa::Buffer::new();
        out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        out.extend_from_slice(number.format(self.id).as_bytes());
        out.extend_from_slice(match self.op {
            Op::Add => br#","method":"tools/call","params":{"name":"add","arguments":{"a":"#,
            Op::Big => {
                br#","method":"tools/call","params":{"name":"big","arguments":{}"#.as_slice()
            }
            Op::List { .. } => br#","method":"tools/list","params":{"#,
        });
        match self.op {
            Op::Add => {
                let a = (self.id % 1_000) as i64;
                let b = (self.id.wrapping_mul(7_919) % 1_000_003) as i64 - 500_000;
                self.sum = a + b;
                out.extend_from_slice(number.format(a).as_bytes());
                out.extend_from_slice(br#","b":"#);
                out.extend_from_slice(number.format(b).as_bytes());
                out.push(b'}');
            }
            Op::Big => {}
            Op::List { .. } => {
                if let Some(cursor) = &self.cursor {
                    out.extend_from_slice(br#""cursor":"#);
                    // A cursor is any string: let serde_json quote it.
                    let _ = serde_json::to_writer(&mut *out, cursor);
                }
            }
        }
        if era == Era::Modern {
            let bare = matches!(self.op, Op::List { .. }) && self.cursor.is_none();
            out.extend_from_slice(if bare { &META[1..] } else { META });
        }
        out.extend_from_slice(b"}}");
    }

    /// Compares the answer with what was asked.
    pub fn check(&mut self, answer: &[u8]) -> Result<Verdict, String> {
        let wrong = |what: &str| Err(format!("{what}: {}", excerpt(answer)));
        match self.op {
            Op::Add | Op::Big => {
                let result: CallResult<'_> = match self.envelope(answer)? {
                    Some(result) => result,
                    None => return wrong("no result"),
                };
                let [Content { kind: "text", text }] = result.content.as_slice() else {
                    return wrong("not one text block");
                };
                let right = match self.op {
                    Op::Add => text.parse::<i64>() == Ok(self.sum),
                    _ => is_big(text.as_bytes()),
                };
                if result.is_error
                    || !right
                    || !matches!(result.result_type, None | Some("complete"))
                {
                    return wrong("wrong result");
                }
                Ok(Verdict::Done)
            }
            Op::List { tools } => {
                let result: ListResult<'_> = match self.envelope(answer)? {
                    Some(result) => result,
                    None => return wrong("no result"),
                };
                self.listed += result.tools.len();
                if result.tools.iter().any(|tool| tool.name.is_empty()) {
                    return wrong("a tool without a name");
                }
                match result.next_cursor {
                    Some(cursor) if self.listed < tools => {
                        self.cursor = Some(cursor);
                        Ok(Verdict::More)
                    }
                    None if self.listed == tools => Ok(Verdict::Done),
                    _ => Err(format!("{} tools listed, {tools} expected", self.listed)),
                }
            }
        }
    }

    fn envelope<'a, R: Deserialize<'a>>(&self, answer: &'a [u8]) -> Result<Option<R>, String> {
        let reply: Reply<'a, R> = serde_json::from_slice(answer)
            .map_err(|error| format!("unreadable answer ({error}): {}", excerpt(answer)))?;
        if reply.jsonrpc != "2.0" {
            return Err(format!("not JSON-RPC 2.0: {}", excerpt(answer)));
        }
        if reply.id != Some(self.id) {
            return Err(format!(
                "id {:?} instead of {}: {}",
                reply.id,
                self.id,
                excerpt(answer)
            ));
        }
        Ok(reply.result)
    }
}

pub enum Verdict {
    Done,
    /// Ask for the next page.
    More,
}

#[derive(Deserialize)]
struct Reply<'a, R> {
    #[serde(borrow)]
    jsonrpc: Cow<'a, str>,
    id: Option<u64>,
    result: Option<R>,
}

#[derive(Deserialize)]
struct CallResult<'a> {
    #[serde(borrow)]
    content: Vec<Content<'a>>,
    #[serde(default, rename = "isError")]
    is_error: bool,
    #[serde(default, rename = "resultType")]
    result_type: Option<&'a str>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow, default)]
    text: Cow<'a, str>,
}

#[derive(Deserialize)]
struct ListResult<'a> {
    #[serde(borrow)]
    tools: Vec<Listed<'a>>,
    #[serde(default, rename = "nextCursor")]
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// The id of a message that came over a shared stream, or nothing for a notification.
pub fn id_of(message: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Id {
        id: Option<u64>,
    }
    serde_json::from_slice::<Id>(message).ok()?.id
}

/// The revision that an answer to `initialize` agrees to.
pub fn agreed_revision(answer: &[u8]) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Initialized {
        #[serde(rename = "protocolVersion")]
        protocol_version: String,
    }
    serde_json::from_slice::<Reply<'_, Initialized>>(answer)
        .ok()
        .filter(|reply| reply.id == Some(0))
        .and_then(|reply| reply.result)
        .map(|result| result.protocol_version)
        .ok_or_else(|| format!("initialize was answered with {}", excerpt(answer)))
}

const LINE: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_\n";

fn is_big(text: &[u8]) -> bool {
    text.len() == 1 << 20 && text.chunks_exact(64).all(|line| line == LINE)
}

/// The start of an answer, fit for a message to a human.
pub fn excerpt(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(240)];
    String::from_utf8_lossy(shown).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(op: Op) -> Pending {
        let mut pending = Pending::new(5, op);
        let mut out = Vec::new();
        pending.write(Era::Modern, &mut out);
        serde_json::from_slice::<serde_json::Value>(&out).expect("a request is JSON");
        pending
    }

    fn answer(id: u64, text: &str) -> Vec<u8> {
        serde_json::to_vec(&serde_json::json!({"jsonrpc": "2.0", "id": id,
            "result": {"content": [{"type": "text", "text": text}]}}))
        .expect("an answer")
    }

    #[test]
    fn every_request_is_json_in_both_eras() {
        for era in [Era::Modern, Era::Session] {
            for op in [Op::Add, Op::Big, Op::List { tools: 3 }] {
                let mut pending = Pending::new(9, op);
                pending.cursor = Some("a\"b".into());
                let mut out = Vec::new();
                pending.write(era, &mut out);
                let value: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
                assert_eq!(value["params"]["_meta"].is_object(), era == Era::Modern);
            }
        }
    }

    #[test]
    fn a_wrong_sum_and_a_wrong_id_are_errors() {
        let mut pending = asked(Op::Add);
        let sum = pending.sum.to_string();
        assert!(pending.check(&answer(5, &sum)).is_ok());
        assert!(pending.check(&answer(6, &sum)).is_err());
        assert!(pending.check(&answer(5, "1000001")).is_err());
        assert!(
            pending
                .check(br#"{"jsonrpc":"2.0","id":5,"error":{"code":1,"message":""}}"#)
                .is_err()
        );
    }

    #[test]
    fn a_big_text_is_compared_byte_for_byte() {
        let mut text = String::from_utf8(LINE.repeat(1 << 14)).expect("ASCII");
        assert!(asked(Op::Big).check(&answer(5, &text)).is_ok());
        text.replace_range(500_000..500_001, "?");
        assert!(asked(Op::Big).check(&answer(5, &text)).is_err());
    }

    #[test]
    fn a_list_is_counted_over_its_pages() {
        let page = br#"{"jsonrpc":"2.0","id":5,"result":{"tools":[{"name":"x"},{"name":"y"}],"nextCursor":"n"}}"#;
        let last = br#"{"jsonrpc":"2.0","id":5,"result":{"tools":[{"name":"z"}]}}"#;
        let mut pending = asked(Op::List { tools: 3 });
        assert!(matches!(pending.check(page), Ok(Verdict::More)));
        assert!(matches!(pending.check(last), Ok(Verdict::Done)));
        assert!(asked(Op::List { tools: 3 }).check(last).is_err());
    }
}

use serde_json::json;

use super::*;

const WAY: Way<'_> = Way {
    section: &["mcpServers"],
    name: "new",
};

fn value() -> Value {
    json!({"command": "wharf", "args": ["serve", "--stdio"]})
}

/// Puts the entry in, compares, and takes it out again.
fn there_and_back(format: Format, before: &str, after: &str) {
    let put = put(format, before, WAY, &value()).unwrap_or_else(|why| panic!("{before}: {why}"));
    assert_eq!(put.text, after, "put into {before}");
    let back = take(format, &put.text, WAY, Some(&put.base));
    assert_eq!(back.as_deref(), Ok(before), "taken out of {after}");
}

#[test]
fn json_is_kept_byte_for_byte() {
    for (before, after) in [
        // Nothing there.
        (
            "",
            "{\n  \"mcpServers\": {\n    \"new\": {\n      \"command\": \"wharf\",\n      \"args\": [\"serve\", \"--stdio\"]\n    }\n  }\n}\n",
        ),
        (
            " \n\n",
            "{\n  \"mcpServers\": {\n    \"new\": {\n      \"command\": \"wharf\",\n      \"args\": [\"serve\", \"--stdio\"]\n    }\n  }\n}\n",
        ),
        (
            "\u{feff}",
            "\u{feff}{\n  \"mcpServers\": {\n    \"new\": {\n      \"command\": \"wharf\",\n      \"args\": [\"serve\", \"--stdio\"]\n    }\n  }\n}\n",
        ),
        (
            "// mine",
            "// mine\n{\n  \"mcpServers\": {\n    \"new\": {\n      \"command\": \"wharf\",\n      \"args\": [\"serve\", \"--stdio\"]\n    }\n  }\n}\n",
        ),
        // Empty objects, as they are written in many ways.
        (
            "{}",
            "{\n  \"mcpServers\": {\n    \"new\": {\n      \"command\": \"wharf\",\n      \"args\": [\"serve\", \"--stdio\"]\n    }\n  }\n}",
        ),
        (
            "{ }\n",
            "{\n  \"mcpServers\": {\n    \"new\": {\n      \"command\": \"wharf\",\n      \"args\": [\"serve\", \"--stdio\"]\n    }\n  }\n}\n",
        ),
        (
            "{\r\n}\r\n",
            "{\r\n  \"mcpServers\": {\r\n    \"new\": {\r\n      \"command\": \"wharf\",\r\n      \"args\": [\"serve\", \"--stdio\"]\r\n    }\r\n  }\r\n}\r\n",
        ),
        (
            "{\n  // nothing yet\n}\n",
            "{\n  // nothing yet\n  \"mcpServers\": {\n    \"new\": {\n      \"command\": \"wharf\",\n      \"args\": [\"serve\", \"--stdio\"]\n    }\n  }\n}\n",
        ),
        (
            "{\"mcpServers\":{}}",
            "{\"mcpServers\":{\"new\":{\"command\":\"wharf\",\"args\":[\"serve\",\"--stdio\"]}}}",
        ),
        (
            "{\"a\": 1, \"mcpServers\": { }}\n",
            "{\"a\": 1, \"mcpServers\": {\"new\": {\"command\": \"wharf\", \"args\": [\"serve\", \"--stdio\"]}}}\n",
        ),
        (
            "{\n\t\"mcpServers\": {}\n}",
            "{\n\t\"mcpServers\": {\n\t\t\"new\": {\n\t\t\t\"command\": \"wharf\",\n\t\t\t\"args\": [\"serve\", \"--stdio\"]\n\t\t}\n\t}\n}",
        ),
        (
            "{\n \"mcpServers\": {\n   // later\n\n }\n}",
            "{\n \"mcpServers\": {\n   // later\n  \"new\": {\n   \"command\": \"wharf\",\n   \"args\": [\"serve\", \"--stdio\"]\n  }\n }\n}",
        ),
        // Without the section.
        (
            "{\n   \"theme\": \"dark\" // mine\n}",
            "{\n   \"theme\": \"dark\", // mine\n   \"mcpServers\": {\n      \"new\": {\n         \"command\": \"wharf\",\n         \"args\": [\"serve\", \"--stdio\"]\n      }\n   }\n}",
        ),
        (
            "{\n    \"theme\": \"dark\", /* a */ // b\n    // c\n}\n",
            "{\n    \"theme\": \"dark\", /* a */ // b\n    \"mcpServers\": {\n        \"new\": {\n            \"command\": \"wharf\",\n            \"args\": [\"serve\", \"--stdio\"]\n        }\n    },\n    // c\n}\n",
        ),
        (
            "{\"theme\":\"dark\"}",
            "{\"theme\":\"dark\",\"mcpServers\":{\"new\":{\"command\":\"wharf\",\"args\":[\"serve\",\"--stdio\"]}}}",
        ),
        // Beside others.
        (
            "{\n  \"mcpServers\": {\n    \"old\": {\n      \"command\": \"a\"\n    }\n  },\n  \"z\": 1\n}\n",
            "{\n  \"mcpServers\": {\n    \"old\": {\n      \"command\": \"a\"\n    },\n    \"new\": {\n      \"command\": \"wharf\",\n      \"args\": [\"serve\", \"--stdio\"]\n    }\n  },\n  \"z\": 1\n}\n",
        ),
        (
            "{\n  \"mcpServers\": {\n    \"old\": { \"command\": \"a\" }, // , } not this\n    /* nor this: , */\n  },\n}\n",
            "{\n  \"mcpServers\": {\n    \"old\": { \"command\": \"a\" }, // , } not this\n    \"new\": {\n      \"command\": \"wharf\",\n      \"args\": [\"serve\", \"--stdio\"]\n    },\n    /* nor this: , */\n  },\n}\n",
        ),
        (
            "{\n  \"mcpServers\": {\n    \"old\": {} /* , */ , // x\n  }\n}",
            "{\n  \"mcpServers\": {\n    \"old\": {} /* , */ , // x\n    \"new\": {\n      \"command\": \"wharf\",\n      \"args\": [\"serve\", \"--stdio\"]\n    },\n  }\n}",
        ),
        (
            "{\r\n\t\"mcpServers\": {\r\n\t\t\"old\": {\r\n\t\t\t\"command\": \"a\"\r\n\t\t} // end\r\n\t}\r\n}",
            "{\r\n\t\"mcpServers\": {\r\n\t\t\"old\": {\r\n\t\t\t\"command\": \"a\"\r\n\t\t}, // end\r\n\t\t\"new\": {\r\n\t\t\t\"command\": \"wharf\",\r\n\t\t\t\"args\": [\"serve\", \"--stdio\"]\r\n\t\t}\r\n\t}\r\n}",
        ),
        (
            "{ \"mcpServers\": { \"old\": { \"command\": \"a\" } } }",
            "{ \"mcpServers\": { \"old\": { \"command\": \"a\" }, \"new\": {\"command\": \"wharf\", \"args\": [\"serve\", \"--stdio\"]} } }",
        ),
        (
            "{\n  \"mcpServers\": { \"old\": {} }\n}\n",
            "{\n  \"mcpServers\": { \"old\": {}, \"new\": {\"command\": \"wharf\", \"args\": [\"serve\", \"--stdio\"]} }\n}\n",
        ),
        // Another step inside than outside.
        (
            "{\n  \"mcpServers\": {\n      \"old\": {\n          \"command\": \"a\"\n      }\n  }\n}",
            "{\n  \"mcpServers\": {\n      \"old\": {\n          \"command\": \"a\"\n      },\n      \"new\": {\n          \"command\": \"wharf\",\n          \"args\": [\"serve\", \"--stdio\"]\n      }\n  }\n}",
        ),
        (
            "{\n  \"mcpServers\": {\n    \"old\": {} }\n}",
            "{\n  \"mcpServers\": {\n    \"old\": {},\n    \"new\": {\n      \"command\": \"wharf\",\n      \"args\": [\"serve\", \"--stdio\"]\n    } }\n}",
        ),
    ] {
        there_and_back(Format::Commented, before, after);
    }
}

#[test]
fn toml_is_kept_byte_for_byte() {
    const BLOCK: &str = "[mcpServers.new]\ncommand = \"wharf\"\nargs = [\"serve\", \"--stdio\"]";
    let windows = BLOCK.replace('\n', "\r\n");
    for (before, after) in [
        ("", format!("{BLOCK}\n")),
        ("\n", format!("{BLOCK}\n")),
        ("\u{feff}", format!("\u{feff}{BLOCK}\n")),
        ("model = 'x'", format!("model = 'x'\n\n{BLOCK}")),
        (
            "model = 'x' # mine\n",
            format!("model = 'x' # mine\n\n{BLOCK}\n"),
        ),
        ("model = 'x'\n\n", format!("model = 'x'\n\n{BLOCK}\n")),
        (
            "model = 'x'\r\n[a]\r\nb = 1\r\n",
            format!("model = 'x'\r\n[a]\r\nb = 1\r\n\r\n{windows}\r\n"),
        ),
        (
            "[mcpServers.old]\n\tcommand = \"a\"\n# the end\n",
            format!("[mcpServers.old]\n\tcommand = \"a\"\n# the end\n\n{BLOCK}\n"),
        ),
        (
            "[mcpServers]\n[mcpServers.old]\ncommand = 'a'\n[mcpServers.old.env]\nA = '1'\n",
            format!(
                "[mcpServers]\n[mcpServers.old]\ncommand = 'a'\n[mcpServers.old.env]\nA = '1'\n\n{BLOCK}\n"
            ),
        ),
        (
            "mcpServers.old.command = 'a'\n",
            format!("mcpServers.old.command = 'a'\n\n{BLOCK}\n"),
        ),
    ] {
        there_and_back(Format::Toml, before, &after);
    }
}

/// Others come and go between putting in and taking out, and come out in any order.
#[test]
fn what_others_did_meanwhile_stays() {
    let other = |name| Way {
        section: WAY.section,
        name,
    };
    let value = value();
    for (format, before) in [
        (Format::Commented, "{\n  \"a\": 1\n}\n"),
        (Format::Commented, "{\"a\":1}"),
        (Format::Commented, "{}"),
        (Format::Commented, ""),
        (Format::Commented, "{\n  \"mcpServers\": { } // x\n}"),
        (
            Format::Commented,
            "{\n  \"mcpServers\": {\n    \"x\": {},\n  }\n}",
        ),
        (Format::Toml, ""),
        (Format::Toml, "a = 1"),
        (Format::Toml, "a = 1\n\n"),
    ] {
        let one = put(format, before, other("one"), &value).expect("put");
        let two = put(format, &one.text, other("two"), &value).expect("put");
        for first in ["one", "two"] {
            let base = |name| Base {
                around: if name == "one" {
                    one.base.around.clone()
                } else {
                    two.base.around.clone()
                },
                ..one.base.clone()
            };
            let second = if first == "one" { "two" } else { "one" };
            let text = take(format, &two.text, other(first), Some(&base(first))).expect("taken");
            let text = take(format, &text, other(second), Some(&base(second)));
            assert_eq!(text.as_deref(), Ok(before), "{first} first");
        }
    }
    // A comment in the section that we made keeps the section.
    let one = put(Format::Commented, "{\n  \"a\": 1\n}", WAY, &value).expect("put");
    let text = one
        .text
        .replace("{\n    \"new\"", "{\n    // theirs\n    \"new\"");
    assert_eq!(
        take(Format::Commented, &text, WAY, Some(&one.base)).as_deref(),
        Ok("{\n  \"a\": 1,\n  \"mcpServers\": {\n    // theirs\n  }\n}")
    );
    // So does another setting in the file that we made.
    let one = put(Format::Json, "", WAY, &value).expect("put");
    let text = one.text.replacen('{', "{\n  \"z\": 1,", 1);
    assert_eq!(
        take(Format::Json, &text, WAY, Some(&one.base)).as_deref(),
        Ok("{\n  \"z\": 1\n}\n")
    );
    // Without a base the entry goes and its surroundings stay.
    for (text, rest) in [
        (
            "{\"mcpServers\": {\"new\": {}, \"b\": {}}}",
            "{\"mcpServers\": { \"b\": {}}}",
        ),
        (
            "{\"mcpServers\": {\n  // c\n  \"new\": {}, \"b\": {}}}",
            "{\"mcpServers\": {\n  // c\n   \"b\": {}}}",
        ),
        ("{\"mcpServers\": {\"new\": {}}}", "{\"mcpServers\": {}}"),
    ] {
        assert_eq!(
            take(Format::Commented, text, WAY, None).as_deref(),
            Ok(rest)
        );
    }
    assert_eq!(
        take(
            Format::Toml,
            "a = 1\n\n[mcpServers.new]\nb = 1\n[mcpServers.new.env]\nc = 2 # d\n\n[z]\n",
            WAY,
            None
        )
        .as_deref(),
        Ok("a = 1\n\n[z]\n")
    );
}

#[test]
fn another_takes_the_place_of_an_entry() {
    for (format, before, after) in [
        (
            Format::Commented,
            "{\n\t\"mcpServers\": {\n\t\t\"new\": {\"url\": \"x\"}, // mine\n\t\t\"b\": {\n\t\t\t\"c\": 1\n\t\t}\n\t}\n}",
            "{\n\t\"mcpServers\": {\n\t\t\"new\": {\n\t\t\t\"command\": \"wharf\",\n\t\t\t\"args\": [\"serve\", \"--stdio\"]\n\t\t}, // mine\n\t\t\"b\": {\n\t\t\t\"c\": 1\n\t\t}\n\t}\n}",
        ),
        (
            Format::Toml,
            "[mcpServers.new]\nurl = 'x' # mine\n# next\n[z]\n",
            "[mcpServers.new]\ncommand = \"wharf\"\nargs = [\"serve\", \"--stdio\"]\n# next\n[z]\n",
        ),
    ] {
        let put = put(format, before, WAY, &value()).expect("put");
        assert_eq!(put.text, after);
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    for (format, text, reason) in [
        (Format::Json, "{\"a\": \"s3cret\"", "not JSON (line 1"),
        (Format::Json, "{} // no comments here", "not JSON"),
        (Format::Json, "{\"a\": 1,}", "not JSON"),
        (Format::Commented, "{\"a\": 1 \"b\": 2}", "not JSON"),
        (Format::Commented, "[]", "not an object"),
        (
            Format::Commented,
            "{\"mcpServers\": []}",
            "`mcpServers` is not an object",
        ),
        (
            Format::Commented,
            "{\"mcpServers\": null}",
            "`mcpServers` is not an object",
        ),
        (
            Format::Commented,
            "{\"mcpServers\": {}, \"mcpServers\": {}}",
            "\"mcpServers\" twice",
        ),
        (
            Format::Commented,
            "{\"mcpServers\": {\"new\": 1, \"new\": 2}}",
            "\"new\" twice",
        ),
        (Format::Toml, "a = \"s3cret\"\nb = [", "not TOML (line"),
        (
            Format::Toml,
            "mcpServers = { old = { command = 'a' } }",
            "written in braces",
        ),
        (
            Format::Toml,
            "mcpServers = 1",
            "`mcpServers` is not a table",
        ),
        (
            Format::Toml,
            "[[mcpServers]]\na = 1",
            "`mcpServers` is not a table",
        ),
    ] {
        let error = put(format, text, WAY, &value()).expect_err(text);
        assert!(error.contains(reason), "{text}: {error}");
        assert!(
            !error.contains("s3cret") && !error.contains('\n'),
            "{error}"
        );
    }
    let error = take(Format::Json, "{\"mcpServers\": {}}", WAY, None).expect_err("nothing");
    assert!(error.contains("has no \"new\""), "{error}");
}

#[test]
fn text_survives_both_formats() {
    let nasty = json!({"command": "C:\\Tools\\a \"b\"\u{7f}\u{1}\u{2028}ä'", "args": ["\n", "#", "${x}"], "env": {"A.B": "=", "C": ""}});
    for (format, before) in [(Format::Json, "{}"), (Format::Toml, "x = 1\n")] {
        let put = put(format, before, WAY, &nasty).expect("put");
        let read = crate::hosts::read::parse(format, &put.text).expect("read");
        assert_eq!(read["mcpServers"]["new"], nasty, "{}", put.text);
        let back = take(format, &put.text, WAY, Some(&put.base));
        assert_eq!(back.as_deref(), Ok(before));
    }
}

//! The tool `read`.

use serde_json::json;
use wharf::protocol::content::ContentBlock;

use super::support::{Scratch, Served};

#[tokio::test]
async fn text_is_read_whole_or_in_lines() {
    let scratch = Scratch::with(&[
        ("dir/a b.md", "one\ntwo\nthree\n"),
        ("empty", ""),
        ("ü.txt", "Grüße"),
    ]);
    let served = scratch.serve().await;
    assert_eq!(
        served.ok("read", json!({"path": "dir/a b.md"})).await,
        ["one\ntwo\nthree\n"]
    );
    assert_eq!(
        served.ok("read", json!({"path": "./dir//a b.md"})).await,
        ["one\ntwo\nthree\n"]
    );
    assert_eq!(
        served
            .ok("read", json!({"path": scratch.uri("dir/a%20b.md")}))
            .await,
        ["one\ntwo\nthree\n"]
    );
    assert_eq!(
        served
            .ok("read", json!({"path": scratch.at("ü.txt")}))
            .await,
        ["Grüße"]
    );
    assert_eq!(served.ok("read", json!({"path": "empty"})).await, [""]);
    assert_eq!(
        served
            .ok("read", json!({"path": "dir/a b.md", "from": 2, "to": 2}))
            .await,
        ["two\n", "[lines 2 to 2 of 3; go on with `from`: 3]"]
    );
    assert_eq!(
        served
            .ok("read", json!({"path": "dir/a b.md", "from": 9}))
            .await,
        ["", "[the file has 3 lines: line 9 is after the end]"]
    );
    for (arguments, why) in [
        (
            json!({"path": "gone.md"}),
            "`gone.md`: there is no such file",
        ),
        (json!({"path": "gone/x.md"}), "there is no such file"),
        (json!({"path": "dir"}), "`dir` is a directory: `list` shows"),
        (json!({"path": "dir/a b.md/x"}), "is not a directory"),
        (
            json!({"path": "dir/a b.md", "from": 3, "to": 2}),
            "`from` (3) is after `to` (2)",
        ),
        (
            json!({"path": "dir/a b.md", "offset": 3, "to": 2}),
            "without `from` and `to`",
        ),
        (json!({"path": "dir/a b.md", "lines": 3}), "lines"),
    ] {
        let told = served.fails("read", arguments.clone()).await;
        assert!(told.contains(why), "{arguments}: {told}");
    }
}

#[tokio::test]
async fn what_is_longer_is_read_in_parts_that_join() {
    let text: String = (0..3000).map(|n| format!("line {n} with ü\n")).collect();
    let long_line = "é".repeat(5000);
    let scratch = Scratch::with(&[("long.txt", &text), ("line.txt", &long_line)]);
    let mut options = scratch.options();
    options.max_bytes = 4096;
    let served = Served::new(&options).await;
    let (mut joined, mut arguments) = (String::new(), json!({"path": "long.txt"}));
    for _ in 0..100 {
        let told = served.ok("read", arguments.clone()).await;
        assert!(told[0].len() <= 4096);
        joined.push_str(&told[0]);
        assert!(told[1].contains("of 3000"), "{}", told[1]);
        let Some((_, from)) = told[1].split_once("go on with `from`: ") else {
            break;
        };
        let from: u64 = from.trim_end_matches(']').parse().expect("a number");
        arguments = json!({"path": "long.txt", "from": from});
    }
    assert_eq!(joined, text);

    let first = served.ok("read", json!({"path": "line.txt"})).await;
    assert!(
        first[1].contains("line 1 is cut: go on with `offset`: 4096"),
        "{}",
        first[1]
    );
    let second = served
        .ok("read", json!({"path": "line.txt", "offset": 4096}))
        .await;
    assert_eq!(
        second[1],
        "[bytes 4096 to 8192 of 10000; go on with `offset`: 8192]"
    );
    let third = served
        .ok("read", json!({"path": "line.txt", "offset": 8192}))
        .await;
    assert_eq!(third[1], "[bytes 8192 to 10000 of 10000]");
    assert_eq!(format!("{}{}{}", first[0], second[0], third[0]), long_line);
    let after = served
        .ok("read", json!({"path": "line.txt", "offset": 99_999}))
        .await;
    assert_eq!(after[0], "");
}

#[tokio::test]
async fn pictures_and_sound_are_such_and_other_bytes_are_linked() {
    let scratch = Scratch::new();
    scratch.put("logo", b"\x89PNG\r\n\x1a\n\0\0\xff");
    scratch.put("a.wav", b"RIFF\xff\xff\xff\xffWAVE");
    scratch.put("a.bin", b"\xff\xfe\0\x01");
    let served = scratch.serve().await;
    let content = served.call("read", json!({"path": "logo"})).await.content;
    assert!(
        matches!(&content[..], [ContentBlock::Image(image)] if image.mime_type == "image/png"),
        "{content:?}"
    );
    let content = served.call("read", json!({"path": "a.wav"})).await.content;
    assert!(
        matches!(&content[..], [ContentBlock::Audio(sound)] if sound.mime_type == "audio/wav"),
        "{content:?}"
    );
    for arguments in [
        json!({"path": "a.bin"}),
        json!({"path": "a.bin", "from": 1}),
        json!({"path": "a.bin", "offset": 0}),
    ] {
        let content = served.call("read", arguments).await.content;
        assert!(
            matches!(&content[..], [ContentBlock::Text(text), ContentBlock::ResourceLink(link)]
                if text.text.contains("no text") && link.resource.uri == scratch.uri("a.bin")),
            "{content:?}"
        );
    }
}

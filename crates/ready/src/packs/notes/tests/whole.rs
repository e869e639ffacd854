//! What a client finds.

use super::*;

#[tokio::test]
async fn a_note_is_created_listed_read_changed_and_deleted() {
    for revision in Revision::ALL {
        let server = serve(&in_memory()).await.at(revision).await;
        let made = server
            .tool(
                "create_note",
                json!({"title": " Tides ", "content": "Twice a day.\u{200b}"}),
            )
            .await;
        assert_eq!(text(&made), "Created note 1: Tides");
        if revision >= Revision::V2025_06_18 {
            let about = &made["structuredContent"];
            assert_eq!(about["id"], "1");
            assert_eq!(about["uri"], "note:///1");
            let link = &made["content"][1];
            assert_eq!(link["type"], "resource_link");
            assert_eq!(link["uri"], "note:///1");
            assert_eq!(link["name"], "Tides");
        } else {
            assert!(made.get("structuredContent").is_none(), "{made}");
            assert!(!made.to_string().contains("resource_link"), "{made}");
        }

        let listed = server.listed().await;
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0]["uri"], "note:///1");
        assert_eq!(listed[0]["name"], "Tides");
        assert_eq!(listed[0]["mimeType"], "text/plain");
        if revision >= Revision::V2025_06_18 {
            assert!(
                listed[0]["annotations"]["lastModified"]
                    .as_str()
                    .is_some_and(|time| time.ends_with('Z')),
                "{listed:?}"
            );
        }
        let read = async || {
            let read = server.request("resources/read", json!({"uri": "note:///1"}));
            read.await.expect("a note")["contents"][0].clone()
        };
        let note = read().await;
        assert_eq!(
            note,
            json!({"uri": "note:///1", "mimeType": "text/plain", "text": "Twice a day.\u{200b}"}),
            "as it was written, with what cannot be seen"
        );

        let changed = server
            .tool("update_note", json!({"id": 1, "content": "Twice."}))
            .await;
        assert_eq!(text(&changed), "Note 1 was changed: Tides");
        let again = server
            .tool(
                "update_note",
                json!({"id": "note:///1", "content": "Twice."}),
            )
            .await;
        assert_eq!(text(&again), "Note 1 is like that already: Tides");
        assert_eq!(read().await["text"], "Twice.");

        let gone = server.tool("delete_note", json!({"id": "1"})).await;
        assert_eq!(text(&gone), "Deleted note 1: Tides\nThis was in it:");
        assert_eq!(gone["content"][1]["resource"]["text"], "Twice.");
        assert!(server.listed().await.is_empty());
        let error = server.read("note:///1").await.expect_err("it is gone");
        let not_found = if revision.is_modern() { -32602 } else { -32002 };
        assert_eq!(error.code, not_found, "{error:?}");
        assert_eq!(
            server.create("Next", "").await,
            "2",
            "an id is not given twice"
        );
    }
}

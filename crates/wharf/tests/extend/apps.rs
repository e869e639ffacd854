//! Pages and the tools that name them, over both transports in both eras.

use wharf::{App, AppPermission, Context, Error, NoArguments, Resource, Server, Tool, tool};

use crate::wire::{Kind, Peer, all_capabilities, json, text};

const MIME: &str = "text/html;profile=mcp-app";

/// What time it is.
#[tool(ui = "ui://clock/dial", model_only)]
async fn time(ctx: &Context) -> &'static str {
    match ctx.client_shows_apps() {
        true => "see the dial",
        false => "noon",
    }
}

/// Winds the clock.
#[tool(app_only)]
async fn wind() {}

fn server() -> Server {
    let dial = App::new("ui://clock/dial", "<!DOCTYPE html><title>Dial</title>")
        .title("A dial")
        .connect_domain("https://a.example")
        .connect_domain("wss://b.example")
        .resource_domain("https://*.example")
        .frame_domain("https://c.example")
        .base_uri_domain("https://d.example")
        .permission(AppPermission::Camera)
        .permission(AppPermission::ClipboardWrite)
        .domain("x.host.example")
        .prefers_border(true);
    let plain = App::function("ui://clock/plain", |ctx: Context| async move {
        assert!(ctx.principal().is_none());
        Ok::<_, Error>("<!DOCTYPE html>".to_owned())
    });
    Server::new("Test")
        .app(dial)
        .app(plain.unlisted())
        .tool(time)
        .tool(wind)
}

#[tokio::test]
async fn a_page_says_what_it_needs() {
    let ui = json!({
        "csp": {"connectDomains": ["https://a.example", "wss://b.example"],
            "resourceDomains": ["https://*.example"], "frameDomains": ["https://c.example"],
            "baseUriDomains": ["https://d.example"]},
        "permissions": {"camera": {}, "clipboardWrite": {}},
        "domain": "x.host.example",
        "prefersBorder": true,
    });
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        let reply = peer.request("resources/list", json!({})).await;
        let listed = reply.result()["resources"].as_array().unwrap();
        assert_eq!(listed.len(), 1, "{kind:?}: the other one is unlisted");
        assert_eq!(
            (&listed[0]["mimeType"], &listed[0]["_meta"]["ui"]),
            (&json!(MIME), &ui)
        );
        let reply = peer
            .request("resources/read", json!({"uri": "ui://clock/dial"}))
            .await;
        let contents = &reply.result()["contents"][0];
        assert_eq!(
            (&contents["mimeType"], &contents["_meta"]["ui"]),
            (&json!(MIME), &ui)
        );
        assert!(
            contents["text"]
                .as_str()
                .is_some_and(|html| html.starts_with("<!DOCTYPE"))
        );
        let reply = peer
            .request("resources/read", json!({"uri": "ui://clock/plain"}))
            .await;
        let contents = &reply.result()["contents"][0];
        assert_eq!(
            (&contents["mimeType"], contents.get("_meta")),
            (&json!(MIME), None)
        );
    }
}

#[tokio::test]
async fn tools_name_their_page_and_who_sees_them() {
    for kind in Kind::ALL {
        let mut peer = Peer::open(kind, server()).await;
        let reply = peer.request("tools/list", json!({})).await;
        let tools = &reply.result()["tools"];
        let ui = json!({"resourceUri": "ui://clock/dial", "visibility": ["model"]});
        assert_eq!(tools[0]["_meta"]["ui"], ui);
        assert_eq!(tools[1]["_meta"]["ui"], json!({"visibility": ["app"]}));
    }
}

#[tokio::test]
async fn a_tool_knows_whether_its_page_is_shown() {
    for kind in Kind::ALL {
        for (mime, said) in [
            (Some(MIME), "see the dial"),
            (Some("text/html"), "noon"),
            (None, "noon"),
        ] {
            let mut capabilities = all_capabilities();
            if let Some(mime) = mime {
                capabilities["extensions"] =
                    json!({"io.modelcontextprotocol/ui": {"mimeTypes": [mime]}});
            }
            let mut peer = Peer::open_as(kind, server(), capabilities).await;
            let reply = peer.call("time", json!({})).await;
            assert_eq!(text(reply.result()), said, "{kind:?} {mime:?}");
        }
    }
}

#[tokio::test]
async fn the_extension_is_declared_with_the_first_page() {
    let mut peer = Peer::open(Kind::ModernLine, server()).await;
    let about = peer.request("server/discover", json!({})).await;
    let declared = &about.result()["capabilities"]["extensions"];
    assert_eq!(declared, &json!({"io.modelcontextprotocol/ui": {}}));
    let mut peer = Peer::open(Kind::ModernLine, Server::new("Test").tool(wind)).await;
    let about = peer.request("server/discover", json!({})).await;
    assert_eq!(about.result()["capabilities"].get("extensions"), None);
}

#[tokio::test]
async fn a_page_must_be_there_and_in_its_place() {
    let refused = |server: Server| async {
        let error = server.in_process().await.expect_err("refused");
        assert!(error.is_invalid_definition(), "{error}");
        error.message().to_owned()
    };
    let lost = refused(Server::new("Test").tool(time)).await;
    assert!(
        lost.contains("tool `time`") && lost.contains("ui://clock/dial"),
        "{lost}"
    );
    let misplaced = refused(Server::new("Test").app(App::new("page:1", ""))).await;
    assert!(misplaced.contains("`ui://`"), "{misplaced}");
    // Any resource will do, and one that came before the start.
    let server = Server::new("Test");
    let page = Resource::text("ui://clock/dial", "<!DOCTYPE html>").mime_type(MIME);
    server
        .catalog()
        .update(|edit| edit.add_resource(page))
        .unwrap();
    server.tool(time).in_process().await.unwrap();
    let tool = Tool::new("t").ui("ui://x").app_only();
    let tool = tool.handler(|_: NoArguments, _: Context| async {});
    let app = App::new("ui://x", "<!DOCTYPE html>");
    Server::new("Test")
        .tool(tool)
        .app(app)
        .in_process()
        .await
        .unwrap();
}

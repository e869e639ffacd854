//! Content of results, shown.

use serde_json::Value;
use wharf_protocol::{
    CallToolResult, ContentBlock, PromptMessage, Resource, ResourceContents, Role,
};

use super::save::decode;
use super::{Out, Saver};
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::terminal::{DIM, ERROR, LITERAL, STRONG, say, styled};

/// A tool's result. One that says that the tool failed goes to standard error, and ends with
/// code 5.
pub(crate) fn result(result: &CallToolResult, out: Out, saver: &mut Saver) -> Result<(), Failure> {
    if result.is_error == Some(true) {
        let texts: Vec<&str> = result
            .content
            .iter()
            .filter_map(ContentBlock::as_text)
            .collect();
        let text = if texts.is_empty() {
            "the tool failed and does not say why".into()
        } else {
            texts.join("\n")
        };
        say(format_args!(
            "{} {}",
            styled(ERROR, "the tool failed:"),
            escape::text(text.trim_end())
        ));
        return Err(Failure::silent(Exit::Tool));
    }
    let structured: Option<Value> = result
        .structured_content
        .as_ref()
        .and_then(|raw| serde_json::from_str(raw.get()).ok());
    // What the text repeats is shown once, as data.
    let repeated = structured.as_ref().is_some_and(|data| {
        let text = match result.content.as_slice() {
            [ContentBlock::Text(text)] => serde_json::from_str::<Value>(&text.text).ok(),
            [] => return true,
            _ => None,
        };
        text.as_ref() == Some(data)
    });
    if !repeated {
        for block in &result.content {
            show(block, out, saver)?;
        }
    }
    match structured {
        Some(data) if repeated || result.content.is_empty() => {
            let pretty = serde_json::to_string_pretty(&data).unwrap_or_else(|_| data.to_string());
            put(
                &escape::json(&pretty),
                "result",
                Some("application/json"),
                out,
                saver,
            )
        }
        Some(data) => {
            let pretty = serde_json::to_string_pretty(&data).unwrap_or_else(|_| data.to_string());
            out.text(&escape::json(&pretty))
        }
        None => Ok(()),
    }
}

/// One block.
fn show(block: &ContentBlock, out: Out, saver: &mut Saver) -> Result<(), Failure> {
    match block {
        ContentBlock::Text(text) => put(&text.text, "text", None, out, saver),
        ContentBlock::Image(image) => {
            bytes("image", &image.data, Some(&image.mime_type), out, saver)
        }
        ContentBlock::Audio(audio) => {
            bytes("audio", &audio.data, Some(&audio.mime_type), out, saver)
        }
        ContentBlock::ResourceLink(link) => out.words(&link_line(&link.resource)),
        ContentBlock::Resource(embedded) => {
            out.words(&head(&embedded.resource))?;
            contents(&embedded.resource, out, saver)
        }
    }
}

/// What `resources/read` gave. One text is shown as it is; several with their URIs.
pub(crate) fn resource_contents(
    all: &[ResourceContents],
    out: Out,
    saver: &mut Saver,
) -> Result<(), Failure> {
    for one in all {
        if all.len() > 1 && !saver.is_wanted() {
            out.words(&head(one))?;
        }
        if let (ResourceContents::Blob(blob), [_], false, false) =
            (one, all, out.terminal, saver.is_wanted())
        {
            // Into a file or a program goes what the resource is.
            let decoded = decode(&blob.blob)
                .map_err(|why| Failure::new(format!("{}: {why}", escape::line(&blob.uri))))?;
            return out.bytes(&decoded);
        }
        contents(one, out, saver)?;
    }
    Ok(())
}

/// The messages of a prompt.
pub(crate) fn messages(
    messages: &[PromptMessage],
    out: Out,
    saver: &mut Saver,
) -> Result<(), Failure> {
    for (at, message) in messages.iter().enumerate() {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let gap = if at == 0 { "" } else { "\n" };
        out.words(&format!("{gap}{}\n", styled(STRONG, format!("{role}:"))))?;
        show(&message.content, out, saver)?;
    }
    Ok(())
}

fn contents(contents: &ResourceContents, out: Out, saver: &mut Saver) -> Result<(), Failure> {
    match contents {
        ResourceContents::Text(text) => put(
            &text.text,
            "resource",
            text.mime_type.as_deref(),
            out,
            saver,
        ),
        ResourceContents::Blob(blob) => bytes(
            "resource",
            &blob.blob,
            blob.mime_type.as_deref(),
            out,
            saver,
        ),
    }
}

/// Text, to the file that the person named or to standard output.
fn put(
    text: &str,
    name: &str,
    mime: Option<&str>,
    out: Out,
    saver: &mut Saver,
) -> Result<(), Failure> {
    if !saver.is_wanted() {
        return out.text(text);
    }
    let path = saver.save(text.as_bytes(), name, mime)?;
    say(styled(
        DIM,
        format_args!("{} bytes of text: {}", text.len(), path.display()),
    ));
    Ok(())
}

/// Bytes, to a file.
fn bytes(
    name: &str,
    base64: &str,
    mime: Option<&str>,
    out: Out,
    saver: &mut Saver,
) -> Result<(), Failure> {
    let decoded = match decode(base64) {
        Ok(decoded) => decoded,
        Err(why) => return out.words(&format!("[{name}: {}]\n", escape::line(&why))),
    };
    let path = saver.save(&decoded, name, mime)?;
    let mime = escape::line(mime.unwrap_or("unknown type"));
    let line = format!(
        "[{name}, {mime}, {} bytes: {}]",
        decoded.len(),
        path.display()
    );
    if saver.is_wanted() {
        say(styled(DIM, line));
        return Ok(());
    }
    out.words(&format!("{line}\n"))
}

fn head(contents: &ResourceContents) -> String {
    format!(
        "{}\n",
        styled(DIM, format!("[{}]", escape::line(contents.uri())))
    )
}

fn link_line(resource: &Resource) -> String {
    let name = resource.title.as_deref().unwrap_or(&resource.name);
    let mut facts = Vec::new();
    facts.extend(
        resource
            .mime_type
            .as_deref()
            .map(|mime| escape::line(mime).into_owned()),
    );
    facts.extend(resource.size.map(|size| format!("{size} bytes")));
    let facts = if facts.is_empty() {
        String::new()
    } else {
        format!(" ({})", facts.join(", "))
    };
    let described = resource
        .description
        .as_deref()
        .map(|text| format!(": {}", escape::line(text)));
    format!(
        "[link] {} {}{facts}{}\n",
        styled(LITERAL, escape::line(&resource.uri)),
        escape::line(name),
        described.unwrap_or_default(),
    )
}

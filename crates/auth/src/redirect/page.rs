//! [`Page`]: what the browser shows after a sign-in.

use crate::Error;

/// What the browser shows after a sign-in.
pub(crate) enum Page {
    SignedIn {
        server: String,
    },
    Failed {
        why: String,
    },
    /// The answer has not the `state` that was sent.
    NotOurs,
    /// An answer has come already.
    Over,
    /// The program did not say.
    Unknown,
    NotHere,
}

impl Page {
    pub(crate) fn of(result: Result<(), &Error>, server: &str) -> Self {
        match result {
            Ok(()) => Self::SignedIn {
                server: server.to_owned(),
            },
            Err(error) => Self::Failed {
                why: error.to_string(),
            },
        }
    }

    pub(crate) fn html(&self) -> String {
        let (title, text) = match self {
            Self::SignedIn { server } => (
                "Signed in",
                format!("You are signed in to {server}. You can close this page."),
            ),
            Self::Failed { why } => ("Not signed in", format!("It did not work: {why}.")),
            Self::NotOurs => (
                "Not signed in",
                "This answer belongs to no sign-in that was begun here. Please begin anew."
                    .to_owned(),
            ),
            Self::Over => ("Already answered", "This sign-in is over.".to_owned()),
            Self::Unknown => (
                "Answered",
                "The answer has been passed on. The program that asked says what came of it."
                    .to_owned(),
            ),
            Self::NotHere => ("Nothing here", "There is no such page.".to_owned()),
        };
        format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}}\
             @media(prefers-color-scheme:dark){{body{{background:#111;color:#eee}}}}</style>\
             <h1>{title}</h1><p>{}</p></html>",
            escape(&text)
        )
    }
}

fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_is_no_markup() {
        let error = Error::refused_by_server("<script>alert('1')</script>");
        let html = Page::of(Err(&error), "").html();
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("&lt;script&gt;"));
        let page = Page::of(Ok(()), "https://x.example/\"><b>").html();
        assert!(!page.contains("<b>"));
    }
}

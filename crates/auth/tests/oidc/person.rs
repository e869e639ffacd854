//! A person with a browser, who says yes to everything.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use url::Url;
use wharf_auth::{DeviceCode, Error, Interaction, Pending, Shown, SignIn};

use crate::client::http;

/// Opens the page, follows redirects, keeps cookies, sends every form.
pub(crate) struct Person {
    has_browser: bool,
}

impl Default for Person {
    fn default() -> Self {
        Self { has_browser: true }
    }
}

impl Person {
    /// One in front of a terminal.
    pub(crate) fn without_browser() -> Self {
        Self { has_browser: false }
    }
}

impl Interaction for Person {
    fn sign_in<'a>(&'a self, sign_in: &'a SignIn) -> Pending<'a, Result<Shown, Error>> {
        assert!(self.has_browser);
        let page = sign_in.page().to_owned();
        Box::pin(async move {
            // The answer goes to the listener, as from any browser.
            let ended = tokio::spawn(async move { browse(&page).await })
                .await
                .unwrap();
            panic!("the browser shows {ended}");
        })
    }

    fn show_code<'a>(&'a self, code: &'a DeviceCode) -> Pending<'a, Result<(), Error>> {
        let page = code.complete_page().unwrap().to_owned();
        assert!(page.contains(code.code()));
        Box::pin(async move {
            let ended = tokio::spawn(async move { browse(&page).await })
                .await
                .unwrap();
            assert!(ended.contains("Success"), "the browser shows {ended}");
            Ok(())
        })
    }

    fn has_browser(&self) -> bool {
        self.has_browser
    }
}

async fn browse(page: &str) -> String {
    let mut url = Url::parse(page).unwrap();
    let mut cookies = BTreeMap::new();
    let mut form: Option<Vec<(String, String)>> = None;
    for _ in 0..30 {
        let mut request = match form.take() {
            Some(fields) => {
                let mut body = url::form_urlencoded::Serializer::new(String::new());
                let body = body.extend_pairs(fields).finish();
                let kind = "application/x-www-form-urlencoded";
                http()
                    .post(url.as_str())
                    .header("content-type", kind)
                    .body(body)
            }
            None => http().get(url.as_str()),
        };
        let jar: Vec<String> = cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        request = request.header(COOKIE, jar.join("; "));
        let answer = request.send().await.unwrap();
        keep(&mut cookies, answer.headers());
        if let Some(next) = answer.headers().get(LOCATION) {
            url = url.join(next.to_str().unwrap()).unwrap();
            continue;
        }
        let html = answer.text().await.unwrap();
        let Some(action) = attribute(&html, "<form", "action") else {
            return html;
        };
        url = url.join(&action).unwrap();
        form = Some(fields(&html));
    }
    panic!("lost at {url}");
}

fn keep(cookies: &mut BTreeMap<String, String>, headers: &HeaderMap) {
    for cookie in headers.get_all(SET_COOKIE) {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        cookies.insert(name.to_owned(), value.to_owned());
    }
}

fn fields(html: &str) -> Vec<(String, String)> {
    let inputs = html.split("<input").skip(1);
    let field = |input: &str| {
        let input = format!("<input{input}");
        let name = attribute(&input, "<input", "name")?;
        Some((
            name,
            attribute(&input, "<input", "value").unwrap_or_default(),
        ))
    };
    inputs.filter_map(field).collect()
}

fn attribute(html: &str, tag: &str, name: &str) -> Option<String> {
    let tag = &html[html.find(tag)?..];
    let tag = &tag[..tag.find('>')?];
    let value = tag.split_once(&format!(" {name}=\""))?.1;
    Some(value.split('"').next()?.replace("&amp;", "&"))
}

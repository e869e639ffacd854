//! URI templates, as far as an attribute must know them.

use syn::LitStr;
use wharf_protocol::uri_template::UriTemplate;

/// The names of the variables of a URI template, which is checked.
pub(crate) fn variables(uri: &LitStr) -> syn::Result<Vec<String>> {
    let text = uri.value();
    let wrong = |message: String| Err(syn::Error::new(uri.span(), message));
    if !has_scheme(&text) {
        return wrong("a URI begins with a scheme: `notes://…`, `file:///…`".to_owned());
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return wrong("a URI has no blanks: write `%20`".to_owned());
    }
    match UriTemplate::parse(&text) {
        Ok(template) => Ok(template.variables().map(str::to_owned).collect()),
        Err(error) => wrong(format!("not a URI template: {error}")),
    }
}

/// Does it begin with a scheme (RFC 3986, section 3.1)?
fn has_scheme(uri: &str) -> bool {
    let Some((scheme, _)) = uri.split_once(':') else {
        return false;
    };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

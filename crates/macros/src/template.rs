//! URI templates, as far as an attribute must know them.

use syn::LitStr;

/// The names of the variables of a URI template.
pub(crate) fn variables(uri: &LitStr) -> syn::Result<Vec<String>> {
    let text = uri.value();
    let wrong = |why: &str| {
        Err(syn::Error::new(
            uri.span(),
            format!("not a URI template: {why}"),
        ))
    };
    let scheme = text.split(':').next().unwrap_or_default();
    let mut letters = scheme.chars();
    if scheme.len() == text.len()
        || !letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        || !letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    {
        return Err(syn::Error::new(
            uri.span(),
            "a URI begins with a scheme: `notes://…`, `file:///…`",
        ));
    }
    let mut names = Vec::new();
    let mut rest = text.as_str();
    while let Some(open) = rest.find(['{', '}']) {
        if rest[open..].starts_with('}') {
            return wrong("`}` without `{`");
        }
        let Some(close) = rest.find('}') else {
            return wrong("`{` without `}`");
        };
        let expression =
            rest[open + 1..close].trim_start_matches(['+', '#', '.', '/', ';', '?', '&']);
        for variable in expression.split(',') {
            let name = variable.trim_end_matches('*');
            if name.is_empty()
                || !name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_.%".contains(c))
            {
                return wrong(&format!("`{variable}` is not the name of a variable"));
            }
            names.push(name.to_owned());
        }
        rest = &rest[close + 1..];
    }
    Ok(names)
}

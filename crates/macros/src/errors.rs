//! Several compile errors at once, and the nearest name to a wrong one.

use std::fmt::Display;

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned;

/// Collects errors, so that one compilation shows all of them.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds `message`, pointing at `tokens`.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds an error.
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            none => *none = Some(error),
        }
    }

    /// Keeps the value, or the error and nothing.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Did nothing go wrong so far?
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// `value`, if nothing went wrong.
    pub(crate) fn finish<T>(self, value: T) -> syn::Result<T> {
        self.0.map_or(Ok(value), Err)
    }
}

/// The span for code that the compiler's errors about are shown at `place`, while its names mean what
/// they mean in the rest of our code.
pub(crate) fn at(place: impl Spanned) -> Span {
    Span::call_site().located_at(place.span())
}

/// Both values, or the errors of both.
pub(crate) fn both<A, B>(a: syn::Result<A>, b: syn::Result<B>) -> syn::Result<(A, B)> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(mut a), Err(b)) => {
            a.combine(b);
            Err(a)
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// `` `a`, `b` and `c` ``.
pub(crate) fn list<S: AsRef<str>>(names: &[S]) -> String {
    let mut text = String::new();
    for (i, name) in names.iter().enumerate() {
        let before = match i {
            0 => "",
            _ if i + 1 == names.len() => " and ",
            _ => ", ",
        };
        text.push_str(before);
        text.push('`');
        text.push_str(name.as_ref());
        text.push('`');
    }
    text
}

/// The name in `known` that `wrong` was probably meant to be.
pub(crate) fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let wrong = wrong.to_ascii_lowercase().replace('_', "");
    known
        .iter()
        .map(|name| (distance(&wrong, &name.replace('_', "")), *name))
        .filter(|(distance, name)| *distance <= name.len() * 2 / 5)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters must be added, removed or changed (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names() {
        let known = ["name", "title", "read_only", "mime_type"];
        assert_eq!(nearest("readonly", &known), Some("read_only"));
        assert_eq!(nearest("mimetype", &known), Some("mime_type"));
        assert_eq!(nearest("tilte", &known), Some("title"));
        assert_eq!(nearest("namw", &known), Some("name"));
        assert_eq!(nearest("banana", &known), None);
    }

    #[test]
    fn lists_read_like_a_sentence() {
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}

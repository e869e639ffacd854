//! Doc comments as descriptions.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// An expression of type `&'static str` with the text of the doc comments among `attrs`.
///
/// One leading space is taken from each line; lines and paragraphs stay as written, so that lists
/// and code survive. `#[doc = include_str!("…")]` works too.
pub(crate) fn description(attrs: &[Attribute]) -> Option<TokenStream> {
    let values: Vec<&Expr> = attrs.iter().filter_map(doc_value).collect();
    let lines: Option<Vec<String>> = values.iter().map(|value| literal(value)).collect();
    match lines {
        Some(lines) => {
            let text = lines.join("\n").trim().to_owned();
            (!text.is_empty()).then(|| text.to_token_stream())
        }
        None => {
            let lines = values.iter().map(|value| match literal(value) {
                Some(line) => line.to_token_stream(),
                None => value.to_token_stream(),
            });
            Some(quote!(::core::concat!(#(#lines, "\n"),*)))
        }
    }
}

/// The value of `#[doc = value]`.
fn doc_value(attr: &Attribute) -> Option<&Expr> {
    match &attr.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => Some(&pair.value),
        _ => None,
    }
}

/// A line that is written out, without the space after `///`.
fn literal(value: &Expr) -> Option<String> {
    let Expr::Lit(ExprLit {
        lit: Lit::Str(text),
        ..
    }) = value
    else {
        return None;
    };
    let text = text.value();
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(item: &syn::ItemFn) -> Option<String> {
        description(&item.attrs).map(|tokens| tokens.to_string())
    }

    #[test]
    fn lines_and_paragraphs_are_kept() {
        let item: syn::ItemFn = syn::parse_quote! {
            /// One line
            /// and another.
            ///
            ///   - a list
            #[doc(hidden)]
            fn f() {}
        };
        assert_eq!(
            of(&item).as_deref(),
            Some(r#""One line\nand another.\n\n  - a list""#)
        );
    }

    #[test]
    fn a_description_from_a_file() {
        let item: syn::ItemFn = syn::parse_quote! {
            /// From a file:
            #[doc = include_str!("words.md")]
            fn f() {}
        };
        let text = of(&item).unwrap_or_default();
        assert!(text.contains("concat"), "{text}");
        assert!(
            text.contains(r#""From a file:" , "\n" , include_str ! ("words.md")"#),
            "{text}"
        );
    }

    #[test]
    fn nothing_to_say() {
        let item: syn::ItemFn = syn::parse_quote! {
            ///
            fn f() {}
        };
        assert_eq!(of(&item), None);
    }
}

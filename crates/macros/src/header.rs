//! `#[header("Region")]`: an argument that is also sent as the HTTP header `Mcp-Param-Region`
//! (spec 2026-07-28, server/tools#x-mcp-header).

use syn::{Attribute, LitStr, Type};
use wharf_protocol::headers::is_tchar_token;

use crate::errors::Errors;
use crate::param::{Param, text};

/// The name in `#[header("Region")]`.
pub(crate) fn parse(attr: &Attribute) -> syn::Result<LitStr> {
    let wrong = "write `#[header(\"Region\")]`: the argument is then also sent as the header `Mcp-Param-Region`";
    let syn::Meta::List(list) = &attr.meta else {
        return Err(syn::Error::new_spanned(attr, wrong));
    };
    let name: LitStr = list
        .parse_args()
        .map_err(|_| syn::Error::new_spanned(attr, wrong))?;
    if !is_tchar_token(&name.value()) {
        let message = "the name of a header has letters, digits and `!#$%&'*+-.^_`|~` only";
        return Err(syn::Error::new(name.span(), message));
    }
    Ok(name)
}

/// A header has a primitive value, and its name is used once.
pub(crate) fn check(params: &[Param], errors: &mut Errors) {
    let mut seen: Vec<String> = Vec::new();
    for param in params {
        let Some(header) = &param.header else {
            continue;
        };
        let name = header.value().to_ascii_lowercase();
        if seen.contains(&name) {
            errors.at(
                header,
                "two arguments have this header; upper and lower case are the same",
            );
        }
        seen.push(name);
        if let Some(why) = not_primitive(&param.ty) {
            let message = format!(
                "`#[header]` is for text, whole numbers and booleans; `{}` is {why}",
                text(&param.ty)
            );
            errors.at(&param.ty, message);
        }
    }
}

/// Why a value of this type cannot be a header, as far as its name tells. The types of users are
/// checked with their schema, when the server is built.
fn not_primitive(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Array(_) | Type::Slice(_) => Some("a list"),
        Type::Tuple(_) => Some("a list"),
        Type::Group(group) => not_primitive(&group.elem),
        Type::Paren(paren) => not_primitive(&paren.elem),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            match last.ident.to_string().as_str() {
                "Vec" | "VecDeque" | "HashSet" | "BTreeSet" | "IndexSet" => Some("a list"),
                "HashMap" | "BTreeMap" | "IndexMap" | "Map" => Some("an object"),
                "Value" => Some("any value"),
                "f32" | "f64" => Some("a number with a fraction"),
                "Option" | "Box" | "Arc" => match &last.arguments {
                    syn::PathArguments::AngleBracketed(generic) => match generic.args.first()? {
                        syn::GenericArgument::Type(inner) => not_primitive(inner),
                        _ => None,
                    },
                    _ => None,
                },
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primitives() {
        for ty in [
            "String",
            "i64",
            "bool",
            "Option<u8>",
            "Region",
            "std::borrow::Cow<'static, str>",
        ] {
            let ty: Type = syn::parse_str(ty).expect("a type");
            assert_eq!(not_primitive(&ty), None, "{}", text(&ty));
        }
        for ty in [
            "Vec<String>",
            "Option<f64>",
            "std::collections::HashMap<String, i64>",
            "(i64, i64)",
            "[u8; 4]",
        ] {
            let ty: Type = syn::parse_str(ty).expect("a type");
            assert!(not_primitive(&ty).is_some(), "{}", text(&ty));
        }
    }
}

//! One parameter of a function: what it is given, and the attributes that only we know.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Expr, ExprPath, GenericArgument, Ident, LitStr, Pat, PatIdent, PathArguments, Token,
    Type, TypeReference,
};

use crate::errors::{Errors, list, nearest};
use crate::header;
use crate::options::Kind;

/// What a parameter is given.
pub(crate) enum Role {
    /// `&Context`
    Context,
    /// `State<T>`
    State,
    /// A value that the client sends.
    Argument,
}

/// What completes an argument.
pub(crate) enum Complete {
    /// `#[complete("Ada", "Alan")]`
    Values(Vec<Expr>),
    /// `#[complete(function)]`
    Function(ExprPath),
}

/// One parameter.
pub(crate) struct Param {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) role: Role,
    /// Doc comments, `#[serde]` and `#[schemars]`: for the field of the arguments' struct.
    pub(crate) attrs: Vec<Attribute>,
    /// `#[header("Region")]`
    pub(crate) header: Option<LitStr>,
    pub(crate) complete: Option<Complete>,
    /// `#[serde(rename = "file-name")]` of an argument that is text.
    rename: Option<LitStr>,
}

impl Param {
    /// The name that clients use.
    pub(crate) fn name(&self) -> String {
        match &self.rename {
            Some(name) => name.value(),
            None => self.ident.unraw().to_string(),
        }
    }

    /// Reads a parameter; attributes that are not ours go to `rest`.
    pub(crate) fn read(
        kind: Kind,
        attrs: Vec<Attribute>,
        pattern: &Pat,
        ty: &Type,
        rest: &mut Vec<Attribute>,
        errors: &mut Errors,
    ) -> syn::Result<Self> {
        let ident = match pattern {
            Pat::Ident(PatIdent {
                by_ref: None,
                subpat: None,
                ident,
                ..
            }) => ident.clone(),
            Pat::Wild(wild) => {
                let message = "a parameter needs a name: clients see it. Write `_name` for one that is not used";
                return Err(syn::Error::new_spanned(wild, message));
            }
            other => {
                let message = "a parameter is a plain name, which clients see: take the value apart inside of the function";
                return Err(syn::Error::new_spanned(other, message));
            }
        };
        let role = role(kind, ty)?;
        let mut param = Param {
            ident,
            ty: ty.clone(),
            role,
            attrs: Vec::new(),
            header: None,
            complete: None,
            rename: None,
        };
        for attr in attrs {
            let result = param.attribute(kind, attr, rest);
            errors.keep(result);
        }
        Ok(param)
    }

    fn attribute(
        &mut self,
        kind: Kind,
        attr: Attribute,
        rest: &mut Vec<Attribute>,
    ) -> syn::Result<()> {
        let Some(name) = attr.path().get_ident().map(Ident::to_string) else {
            rest.push(attr);
            return Ok(());
        };
        let ours: &[&str] = match (kind, &self.role) {
            (_, Role::Context | Role::State) => &["doc"],
            (Kind::Tool, Role::Argument) => &["doc", "serde", "schemars", "header"],
            (Kind::Resource | Kind::Prompt, Role::Argument) => &["doc", "complete", "serde"],
        };
        match name.as_str() {
            "cfg" | "cfg_attr" => {
                return Err(syn::Error::new_spanned(
                    attr,
                    format!(
                        "write two functions with `#[{name}]`: the parameters of one are fixed"
                    ),
                ));
            }
            "doc" => self.attrs.push(attr),
            name if ours.contains(&name) => match name {
                "header" => self.header = Some(header::parse(&attr)?),
                "complete" => self.complete = Some(complete(&attr)?),
                "serde" if kind != Kind::Tool => self.rename = Some(rename(kind, &attr)?),
                _ => self.attrs.push(attr),
            },
            "serde" | "schemars" | "header" | "complete" => {
                let message = match self.role {
                    Role::Argument => {
                        format!("`#[{name}]` is not for a parameter of {}", kind.attribute())
                    }
                    _ => format!(
                        "`#[{name}]` is for arguments; this parameter is given by the server"
                    ),
                };
                return Err(syn::Error::new_spanned(attr, message));
            }
            name => {
                // The compiler knows the rest, unless it is one of ours with a slip.
                if let Some(near) = nearest(name, &["header", "complete", "schemars", "serde"]) {
                    let message =
                        format!("unknown attribute `#[{name}]`, did you mean `#[{near}]`?");
                    return Err(syn::Error::new_spanned(attr, message));
                }
                rest.push(attr);
            }
        }
        Ok(())
    }
}

/// What a parameter of this type is given.
fn role(kind: Kind, ty: &Type) -> syn::Result<Role> {
    match ty {
        Type::Reference(TypeReference {
            elem,
            mutability,
            lifetime,
            ..
        }) => {
            if is_named(elem, "Context") {
                if let Some(mutability) = mutability {
                    return Err(syn::Error::new_spanned(
                        mutability,
                        "the context is shared: take `&Context`",
                    ));
                }
                // A lifetime of the function's own is reported where it is declared.
                if let Some(lifetime) = lifetime
                    .as_ref()
                    .filter(|lifetime| lifetime.ident == "static")
                {
                    return Err(syn::Error::new_spanned(
                        lifetime,
                        "leave the lifetime out: take `&Context`",
                    ));
                }
                return Ok(Role::Context);
            }
            if is_named(elem, "State") && has_one_type(elem) {
                return Err(syn::Error::new_spanned(
                    ty,
                    format!("take the state by value: `{}`", text(elem)),
                ));
            }
            let hint = match text(elem).as_str() {
                "str" => ": take a `String`".to_owned(),
                _ => match &**elem {
                    Type::Slice(slice) => format!(": take a `Vec<{}>`", text(&slice.elem)),
                    _ => format!(": take `{}`", text(elem)),
                },
            };
            let message = format!(
                "an argument owns its value{hint}. Only the context is taken by reference, as `&Context`"
            );
            Err(syn::Error::new_spanned(ty, message))
        }
        Type::ImplTrait(_) => {
            let message = format!(
                "{} needs the type of its argument, `impl Trait` is none",
                kind.attribute()
            );
            Err(syn::Error::new_spanned(ty, message))
        }
        _ if is_named(ty, "Context") => Err(syn::Error::new_spanned(
            ty,
            "take the context by reference: `&Context`",
        )),
        _ if is_named(ty, "State") && has_one_type(ty) => Ok(Role::State),
        _ => match find_borrow(ty.to_token_stream()) {
            Some(borrow) => Err(syn::Error::new(
                borrow,
                "an argument owns its value: use `String`, `Vec` or another type that borrows nothing",
            )),
            None => Ok(Role::Argument),
        },
    }
}

/// Is the last segment of the type's path `name`?
fn is_named(ty: &Type, name: &str) -> bool {
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == name),
        Type::Group(group) => is_named(&group.elem, name),
        Type::Paren(paren) => is_named(&paren.elem, name),
        _ => false,
    }
}

/// Has the last segment exactly one generic argument, a type?
fn has_one_type(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => {
            path.path
                .segments
                .last()
                .is_some_and(|segment| match &segment.arguments {
                    PathArguments::AngleBracketed(generic) => {
                        generic.args.len() == 1
                            && matches!(generic.args.first(), Some(GenericArgument::Type(_)))
                    }
                    _ => false,
                })
        }
        Type::Group(group) => has_one_type(&group.elem),
        Type::Paren(paren) => has_one_type(&paren.elem),
        _ => false,
    }
}

/// The place of a reference or a lifetime other than `'static` in a type.
fn find_borrow(tokens: TokenStream) -> Option<proc_macro2::Span> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '&' => return Some(punct.span()),
            TokenTree::Punct(punct) if punct.as_char() == '\'' => match tokens.peek() {
                Some(TokenTree::Ident(ident)) if ident != "static" => return Some(ident.span()),
                _ => {}
            },
            TokenTree::Group(group) => {
                if let Some(found) = find_borrow(group.stream()) {
                    return Some(found);
                }
            }
            _ => {}
        }
    }
    None
}
/// A type as users write it, not as token streams are printed.
pub(crate) fn text(ty: &Type) -> String {
    ty.to_token_stream()
        .to_string()
        .replace(" :: ", "::")
        .replace(" < ", "<")
        .replace(" >", ">")
        .replace(" ,", ",")
}

/// `#[serde(rename = "file-name")]`. There is no struct that serde would read: the rest of what it
/// knows means nothing here.
fn rename(kind: Kind, attr: &Attribute) -> syn::Result<LitStr> {
    let mut name = None;
    attr.parse_nested_meta(|meta| {
        if meta.path.is_ident("rename") {
            name = Some(meta.value()?.parse()?);
            return Ok(());
        }
        let message = format!(
            "a parameter of {} can only be renamed: `#[serde(rename = \"name\")]`",
            kind.attribute()
        );
        Err(meta.error(message))
    })?;
    name.ok_or_else(|| syn::Error::new_spanned(attr, "write `#[serde(rename = \"name\")]`"))
}

/// `#[complete("Ada", "Alan")]` or `#[complete(function)]`.
fn complete(attr: &Attribute) -> syn::Result<Complete> {
    fn wrong(place: impl ToTokens) -> syn::Error {
        let message = "write `#[complete(\"one\", \"two\")]`, or `#[complete(function)]` with the name of a function";
        syn::Error::new_spanned(place, message)
    }
    let syn::Meta::List(list) = &attr.meta else {
        return Err(wrong(attr));
    };
    let values = list.parse_args_with(Punctuated::<Expr, Token![,]>::parse_terminated)?;
    if let (Some(Expr::Path(path)), 1) = (values.first(), values.len()) {
        return Ok(Complete::Function(path.clone()));
    }
    let is_text = |value: &&Expr| match value {
        Expr::Lit(literal) => matches!(literal.lit, syn::Lit::Str(_)),
        _ => false,
    };
    match values.iter().find(|value| !is_text(value)) {
        Some(odd) => Err(wrong(odd)),
        None if values.is_empty() => Err(wrong(attr)),
        None => Ok(Complete::Values(values.into_iter().collect())),
    }
}

/// The names of parameters, for a message.
pub(crate) fn names<'a>(params: impl Iterator<Item = &'a Param>) -> String {
    let names: Vec<String> = params.map(Param::name).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        list(&names)
    }
}

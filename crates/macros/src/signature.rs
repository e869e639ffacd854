//! A function's signature, read for what it wants: arguments, `&Context`, `State<T>`.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Attribute, Expr, ExprPath, FnArg, GenericArgument, Ident, LitStr, Pat, PatIdent, PathArguments,
    Receiver, ReturnType, Signature, Token, Type, TypeReference,
};

use crate::errors::{Errors, at, list, nearest};
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
}

impl Param {
    /// The name that clients use.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }
}

/// A function that can become a tool, a resource or a prompt.
pub(crate) struct Function {
    pub(crate) ident: Ident,
    pub(crate) is_async: bool,
    /// `&self`, in a method.
    pub(crate) receiver: Option<Receiver>,
    pub(crate) params: Vec<Param>,
    /// The type behind the arrow, `()` without one.
    pub(crate) output: Type,
}

impl Function {
    /// Reads `signature`, and takes from it the attributes of parameters that only we know.
    pub(crate) fn take(kind: Kind, signature: &mut Signature) -> syn::Result<Self> {
        let mut errors = Errors::default();
        refuse_qualifiers(kind, signature, &mut errors);
        let output = match &signature.output {
            ReturnType::Default => Type::Tuple(syn::TypeTuple {
                paren_token: syn::token::Paren(signature.ident.span()),
                elems: Punctuated::new(),
            }),
            ReturnType::Type(_, ty) => {
                if let Some(impl_) = find_impl(ty) {
                    let message = format!(
                        "{} needs the name of the type it returns, `impl Trait` has none",
                        kind.attribute()
                    );
                    errors.at(impl_, message);
                }
                (**ty).clone()
            }
        };
        let mut receiver = None;
        let mut params = Vec::new();
        for input in &mut signature.inputs {
            match input {
                FnArg::Receiver(this) => receiver = Some(this.clone()),
                FnArg::Typed(input) => {
                    let attrs = std::mem::take(&mut input.attrs);
                    let param = Param::read(
                        kind,
                        attrs,
                        &input.pat,
                        &input.ty,
                        &mut input.attrs,
                        &mut errors,
                    );
                    params.extend(errors.keep(param));
                }
            }
        }
        header::check(&params, &mut errors);
        let mut contexts = params
            .iter()
            .filter(|param| matches!(param.role, Role::Context));
        if let (Some(_), Some(second)) = (contexts.next(), contexts.next()) {
            errors.at(&second.ident, "the context is given once");
        }
        let is_async = signature.asyncness.is_some();
        errors.finish(Function {
            ident: signature.ident.clone(),
            is_async,
            receiver,
            params,
            output,
        })
    }

    /// The name that clients use, unless an option says another.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// The parameters that clients fill in.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &Param> {
        self.params
            .iter()
            .filter(|param| matches!(param.role, Role::Argument))
    }

    /// The values to call the function with, in their order, inside of a handler: `ctx`, the
    /// state, and `argument` of each argument.
    pub(crate) fn values(
        &self,
        named: impl Fn(&Type) -> TokenStream,
        argument: impl Fn(&Param) -> TokenStream,
    ) -> Vec<TokenStream> {
        let value = |param: &Param| match param.role {
            Role::Context => quote!(__ctx),
            Role::State => {
                let ty = named(&param.ty);
                quote_spanned!(at(&param.ty)=> <#ty>::from_context(__ctx)?)
            }
            Role::Argument => argument(param),
        };
        self.params.iter().map(value).collect()
    }

    /// `.await`, if the function is async.
    pub(crate) fn dot_await(&self) -> Option<TokenStream> {
        self.is_async.then(|| quote!(.await))
    }
}

fn refuse_qualifiers(kind: Kind, signature: &Signature, errors: &mut Errors) {
    let attribute = kind.attribute();
    if !signature.generics.params.is_empty() {
        let only_lifetimes =
            signature.generics.lifetimes().count() == signature.generics.params.len();
        let message = if only_lifetimes {
            format!(
                "{attribute} takes no lifetime: write `&Context`, and arguments that own their values"
            )
        } else {
            format!(
                "{attribute} cannot be generic: a client calls it by name, so its types must be known. \
                     Write one function for each type, which call a generic one"
            )
        };
        errors.at(&signature.generics, message);
    }
    if let Some(clause) = &signature.generics.where_clause {
        errors.at(clause, format!("{attribute} cannot have a `where` clause"));
    }
    if let Some(unsafety) = &signature.unsafety {
        errors.at(
            unsafety,
            format!("{attribute} cannot be `unsafe`: anyone may call it"),
        );
    }
    if let Some(abi) = &signature.abi {
        errors.at(
            abi,
            format!("{attribute} is a Rust function, without `extern`"),
        );
    }
    if let Some(variadic) = &signature.variadic {
        errors.at(
            variadic,
            format!("{attribute} has a fixed list of parameters"),
        );
    }
}

impl Param {
    fn read(
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
            (Kind::Resource | Kind::Prompt, Role::Argument) => &["doc", "complete"],
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

/// An `impl Trait` inside of a type.
fn find_impl(ty: &Type) -> Option<TokenTree> {
    fn find(tokens: TokenStream) -> Option<TokenTree> {
        tokens.into_iter().find_map(|token| match token {
            TokenTree::Ident(ref ident) if ident == "impl" => Some(token),
            TokenTree::Group(group) => find(group.stream()),
            _ => None,
        })
    }
    find(ty.to_token_stream())
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

/// `#[complete("Ada", "Alan")]` or `#[complete(function)]`.
fn complete(attr: &Attribute) -> syn::Result<Complete> {
    let wrong = "write `#[complete(\"one\", \"two\")]`, or `#[complete(function)]` with the name of a function";
    let wrong = |span| syn::Error::new(span, wrong);
    let values = match &attr.meta {
        syn::Meta::List(list) => {
            list.parse_args_with(Punctuated::<Expr, Token![,]>::parse_terminated)?
        }
        _ => return Err(wrong(attr.span())),
    };
    let is_text = |value: &Expr| {
        matches!(
            value,
            Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(_),
                ..
            })
        )
    };
    if values.is_empty() {
        return Err(wrong(attr.span()));
    }
    if let (Some(Expr::Path(path)), 1) = (values.first(), values.len()) {
        return Ok(Complete::Function(path.clone()));
    }
    if let Some(odd) = values.iter().find(|value| !is_text(value)) {
        return Err(wrong(odd.span()));
    }
    Ok(Complete::Values(values.into_iter().collect()))
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

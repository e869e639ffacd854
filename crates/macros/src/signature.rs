//! A function's signature, read for what it wants: arguments, `&Context`, `State<T>`.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{FnArg, Ident, Receiver, ReturnType, Signature, Type};

use crate::errors::{Errors, at};
use crate::header;
use crate::options::Kind;
use crate::param::{Param, Role};

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

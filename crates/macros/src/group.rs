//! `#[tools]` on an `impl` block: its methods become a group of tools, resources and prompts.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, ImplItem, ImplItemFn, ItemImpl, Meta};

use crate::errors::{Errors, at, both, nearest};
use crate::options::{Kind, Options};
use crate::signature::Function;
use crate::target::Target;
use crate::{prompt, resource, tool};

/// The whole of `#[tools] impl …`. The block is changed in place: also after an error it is left
/// as the compiler knows it.
pub(crate) fn expand(options: TokenStream, block: &mut ItemImpl) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    if !options.is_empty() {
        errors.at(
            options,
            "`#[tools]` takes no options: they belong to the `#[tool]` of each method",
        );
    }
    if let Some((_, path, _)) = &block.trait_ {
        errors.at(
            path,
            "`#[tools]` is for the methods of a type: `impl Math { … }`",
        );
    }
    if !block.generics.params.is_empty() {
        let message = "`#[tools]` cannot be generic: a client calls its methods by name, so their types must be known";
        errors.at(&block.generics, message);
    }
    let group = (*block.self_ty).clone();
    let mut pushes = Vec::new();
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item {
            let push = push(method, &group);
            pushes.extend(errors.keep(push).flatten());
        }
    }
    if pushes.is_empty() && errors.is_empty() {
        errors.at(
            &group,
            "an empty group: put `#[tool]`, `#[resource(…)]` or `#[prompt]` on its methods",
        );
    }
    let conditions = block.attrs.iter().filter(|attr| is_condition(attr));
    errors.finish(quote! {
        #(#conditions)*
        #[automatically_derived]
        impl ::wharf::__private::Group for #group {
            fn items(self: ::std::sync::Arc<Self>) -> ::wharf::__private::Items {
                let mut __items = <::wharf::__private::Items as ::core::default::Default>::default();
                #(#pushes)*
                __items
            }
        }
    })
}

/// The statement that adds a method to the group, if it has one of our attributes.
fn push(method: &mut ImplItemFn, group: &syn::Type) -> syn::Result<Option<TokenStream>> {
    let mut errors = Errors::default();
    let mut ours = Vec::new();
    method.attrs.retain(|attr| match kind(attr) {
        Ok(Some(kind)) => {
            ours.push((kind, attr.clone()));
            false
        }
        Ok(None) => true,
        Err(error) => {
            errors.push(error);
            false
        }
    });
    let mut ours = ours.into_iter();
    let Some((kind, attr)) = ours.next() else {
        return errors.finish(None);
    };
    if let Some((_, second)) = ours.next() {
        errors.at(second, "a method is one of tool, resource and prompt");
    }
    let options = match &attr.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(pair) => {
            let message = format!(
                "write the options in brackets: `{}(…)`",
                kind.attribute().trim_end_matches(']')
            );
            errors.at(pair, message);
            TokenStream::new()
        }
    };
    let function = Function::take(kind, &mut method.sig);
    let options = Options::parse(kind, options);
    let Some((function, options)) = errors.keep(both(function, options)) else {
        return errors.finish(None);
    };
    let Some(target) = errors.keep(Target::method(&function, group)) else {
        return errors.finish(None);
    };
    let attrs = &method.attrs;
    let pushed = match kind {
        Kind::Tool => {
            let value = tool::value(&function, &options, attrs, &target);
            quote!(__items.tools.push(#value);)
        }
        Kind::Resource => match errors.keep(resource::value(&function, &options, attrs, &target)) {
            Some(value) => quote!(__items.resources.push(#value);),
            None => TokenStream::new(),
        },
        Kind::Prompt => {
            let value = prompt::value(&function, &options, attrs, &target);
            quote!(__items.prompts.push(#value);)
        }
    };
    let conditions = attrs.iter().filter(|attr| is_condition(attr));
    let pushed = quote_spanned!(at(&method.sig.ident)=> #(#conditions)* { #pushed });
    errors.finish(Some(pushed))
}

/// Which of our attributes this is.
fn kind(attr: &Attribute) -> syn::Result<Option<Kind>> {
    let Some(last) = attr.path().segments.last() else {
        return Ok(None);
    };
    let name = last.ident.to_string();
    Ok(match name.as_str() {
        "tool" => Some(Kind::Tool),
        "resource" => Some(Kind::Resource),
        "prompt" => Some(Kind::Prompt),
        _ if attr.path().segments.len() == 1 => {
            match nearest(&name, &["tool", "resource", "prompt"]) {
                Some(near) => {
                    let message =
                        format!("unknown attribute `#[{name}]`, did you mean `#[{near}]`?");
                    return Err(syn::Error::new(last.ident.span(), message));
                }
                None => None,
            }
        }
        _ => None,
    })
}

fn is_condition(attr: &Attribute) -> bool {
    attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr")
}

/// What stands in for a group that could not be read.
pub(crate) fn stand_in(block: &ItemImpl) -> TokenStream {
    if block.trait_.is_some() || !block.generics.params.is_empty() {
        return TokenStream::new();
    }
    let group = &block.self_ty;
    quote! {
        impl ::wharf::__private::Group for #group {
            fn items(self: ::std::sync::Arc<Self>) -> ::wharf::__private::Items {
                ::core::unreachable!()
            }
        }
    }
}

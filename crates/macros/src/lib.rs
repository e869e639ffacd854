//! The attributes of Wharf. Use them through the crate `wharf`, which the code they write refers
//! to.
//!
//! They hold no logic that a function could hold: what they write calls the server's own builders
//! and traits.

mod callable;
mod doc;
mod errors;
mod group;
mod header;
mod options;
mod param;
mod prompt;
mod resource;
mod signature;
mod target;
mod template;
mod tool;
mod value;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as TokenStream2;
use quote::{ToTokens, quote};
use syn::parse::Parse;
use syn::{DeriveInput, ItemFn, ItemImpl};

use crate::options::Kind;

#[doc = include_str!("docs/tool.md")]
#[proc_macro_attribute]
pub fn tool(options: TokenStream, item: TokenStream) -> TokenStream {
    on_function(options, item, Kind::Tool, tool::expand)
}

#[doc = include_str!("docs/resource.md")]
#[proc_macro_attribute]
pub fn resource(options: TokenStream, item: TokenStream) -> TokenStream {
    on_function(options, item, Kind::Resource, resource::expand)
}

#[doc = include_str!("docs/prompt.md")]
#[proc_macro_attribute]
pub fn prompt(options: TokenStream, item: TokenStream) -> TokenStream {
    on_function(options, item, Kind::Prompt, prompt::expand)
}

#[doc = include_str!("docs/tools.md")]
#[proc_macro_attribute]
pub fn tools(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut block: ItemImpl = match syn::parse(item.clone()) {
        Ok(block) => block,
        Err(error) => {
            let message = "`#[tools]` is for an `impl` block, with `#[tool]` on its methods";
            return beside(&wrong_item::<ItemFn>(&item, message, error), item.into());
        }
    };
    let stand_in = group::stand_in(&block);
    let group = match group::expand(options.into(), &mut block) {
        Ok(group) => group.into(),
        Err(errors) => beside(&errors, stand_in),
    };
    let mut tokens = TokenStream::from(block.into_token_stream());
    tokens.extend(group);
    tokens
}

fn on_function(
    options: TokenStream,
    item: TokenStream,
    kind: Kind,
    expand: fn(TokenStream2, ItemFn) -> syn::Result<TokenStream2>,
) -> TokenStream {
    let function: ItemFn = match syn::parse(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let message = format!(
                "`{}` is for a function; on an `impl` block write `#[tools]`",
                kind.attribute()
            );
            return beside(&wrong_item::<ItemImpl>(&item, &message, error), item.into());
        }
    };
    let stand_in = callable::stand_in(kind, &function);
    match expand(options.into(), function) {
        Ok(tokens) => tokens.into(),
        Err(errors) => beside(&errors, stand_in),
    }
}

/// Why an item cannot be read: it is another kind of item, or it has a slip of its own.
fn wrong_item<Other: Parse>(item: &TokenStream, message: &str, error: syn::Error) -> syn::Error {
    let other_kind = syn::parse::<Other>(item.clone()).is_ok()
        || syn::parse::<DeriveInput>(item.clone()).is_ok();
    if other_kind {
        syn::Error::new_spanned(TokenStream2::from(item.clone()), message)
    } else {
        error
    }
}

/// Errors, and beside them what spares the user errors about errors.
fn beside(errors: &syn::Error, stand_in: TokenStream2) -> TokenStream {
    let errors = errors.to_compile_error();
    quote!(#errors #stand_in).into()
}

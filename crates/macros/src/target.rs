//! What a handler calls: a function by its name, or a method of a group.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Type;

use crate::param::Param;
use crate::signature::Function;

/// What a handler calls, and what it holds to do so.
pub(crate) struct Target {
    /// The type of the handler's only field.
    pub(crate) held: TokenStream,
    /// The field's value, where the handler is made.
    pub(crate) hold: TokenStream,
    /// The group, in place of `Self`.
    group: Option<Type>,
}

impl Target {
    /// A function outside of an `impl`.
    pub(crate) fn function(function: &Function) -> syn::Result<Self> {
        if let Some(this) = &function.receiver {
            let message = "a method belongs to a group: put `#[tools]` on its `impl` block";
            return Err(syn::Error::new_spanned(this, message));
        }
        Ok(Target {
            held: quote!(()),
            hold: quote!(()),
            group: None,
        })
    }

    /// A method of `group`, which `self` is an `Arc` of where the handler is made.
    pub(crate) fn method(function: &Function, group: &Type) -> syn::Result<Self> {
        if let Some(this) = &function.receiver {
            let by_reference =
                this.reference.is_some() && this.mutability.is_none() && this.colon_token.is_none();
            if !by_reference {
                let message = "calls run side by side and share the group: take `&self`, with a lock around what changes";
                return Err(syn::Error::new_spanned(this, message));
            }
        }
        Ok(Target {
            held: quote!(::std::sync::Arc<#group>),
            hold: quote!(::std::sync::Arc::clone(&self)),
            group: Some(group.clone()),
        })
    }

    /// Calls the function inside of a handler.
    pub(crate) fn call(
        &self,
        function: &Function,
        argument: impl Fn(&Param) -> TokenStream,
    ) -> TokenStream {
        let ident = &function.ident;
        let values = function.values(|ty| self.named(ty), argument);
        let dot_await = function.dot_await();
        match (&self.group, &function.receiver) {
            (Some(group), Some(_)) => quote!(<#group>::#ident(&self.0, #(#values),*) #dot_await),
            (Some(group), None) => quote!(<#group>::#ident(#(#values),*) #dot_await),
            (None, _) => quote!(#ident(#(#values),*) #dot_await),
        }
    }

    /// The function's return type.
    pub(crate) fn output(&self, function: &Function) -> TokenStream {
        self.named(&function.output)
    }

    /// A type or path of the signature, as it is written outside of the `impl` block.
    pub(crate) fn named(&self, tokens: &impl ToTokens) -> TokenStream {
        match &self.group {
            Some(group) => replace_self(tokens.to_token_stream(), group),
            None => tokens.to_token_stream(),
        }
    }
}

/// Writes `<Group>` for each `Self`.
fn replace_self(tokens: TokenStream, group: &Type) -> TokenStream {
    let replace = |token| match token {
        TokenTree::Ident(ident) if ident == "Self" => quote!(<#group>),
        TokenTree::Group(inner) => {
            let mut replaced =
                proc_macro2::Group::new(inner.delimiter(), replace_self(inner.stream(), group));
            replaced.set_span(inner.span());
            TokenTree::Group(replaced).into_token_stream()
        }
        other => other.into_token_stream(),
    };
    tokens.into_iter().flat_map(replace).collect()
}

//! What `#[tool] async fn add(…)` leaves behind: a unit struct `add` that dereferences to the
//! function's pointer, so that both `server.tool(add)` and `add(1, 2).await` compile.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Attribute, FnArg, Ident, ItemFn, Pat, Visibility};

use crate::errors::at;
use crate::options::Kind;
use crate::param::Role;
use crate::signature::Function;

/// The attributes of a function, sorted by where they go.
struct Sorted {
    /// What the outside sees: doc comments, `#[deprecated]`.
    outer: Vec<Attribute>,
    /// What decides whether the item exists.
    conditions: Vec<Attribute>,
    /// Levels of lints, for both.
    lints: Vec<Attribute>,
    /// Everything else stays on the function.
    inner: Vec<Attribute>,
}

impl Sorted {
    fn new(attrs: Vec<Attribute>) -> Self {
        let mut sorted = Sorted {
            outer: Vec::new(),
            conditions: Vec::new(),
            lints: Vec::new(),
            inner: Vec::new(),
        };
        for attr in attrs {
            let name = attr
                .path()
                .get_ident()
                .map(Ident::to_string)
                .unwrap_or_default();
            match name.as_str() {
                "doc" | "deprecated" => &mut sorted.outer,
                "cfg" | "cfg_attr" => &mut sorted.conditions,
                "allow" | "warn" | "deny" | "forbid" => &mut sorted.lints,
                _ => &mut sorted.inner,
            }
            .push(attr);
        }
        sorted
    }
}

/// The unit struct, the function behind it, and `impls` beside them, where the function can be
/// called by its name.
pub(crate) fn unit_struct(
    mut item: ItemFn,
    function: &Function,
    impls: &TokenStream,
) -> TokenStream {
    let Sorted {
        outer,
        conditions,
        lints,
        inner,
    } = Sorted::new(std::mem::take(&mut item.attrs));
    item.attrs = inner;
    let visibility = std::mem::replace(&mut item.vis, Visibility::Inherited);
    let ident = &function.ident;
    let deref = deref(function);
    let shields = shields(&item);
    let declaration = declaration(ident, &visibility);
    quote! {
        #(#conditions)*
        #(#outer)*
        #(#lints)*
        #declaration

        #(#conditions)*
        #(#lints)*
        const _: () = {
            #shields
            #item
            #deref
            #impls
        };
    }
}

/// What stands in for an item that could not be read, so that its uses give no further errors.
pub(crate) fn stand_in(kind: Kind, item: &ItemFn) -> TokenStream {
    let mut plain = item.clone();
    for input in &mut plain.sig.inputs {
        if let FnArg::Typed(input) = input {
            input.attrs.clear();
        }
    }
    if plain.sig.receiver().is_some() {
        // A method: nothing else may stand in an `impl`.
        return plain.into_token_stream();
    }
    let ident = &item.sig.ident;
    let declaration = declaration(ident, &item.vis);
    let into = into(kind, ident, &quote!(::core::unreachable!()));
    let shields = shields(&plain);
    quote! {
        #declaration
        #into

        // Kept for its own errors and uses of names.
        #[allow(dead_code, unused_variables)]
        const _: () = {
            #shields
            #plain
        };
    }
}

/// `impl IntoTool for add`.
pub(crate) fn into(kind: Kind, ident: &Ident, value: &TokenStream) -> TokenStream {
    let (trait_, method, made) = match kind {
        Kind::Tool => (quote!(IntoTool), quote!(into_tool), quote!(Tool)),
        Kind::Resource => (
            quote!(IntoResource),
            quote!(into_resource),
            quote!(Resource),
        ),
        Kind::Prompt => (quote!(IntoPrompt), quote!(into_prompt), quote!(Prompt)),
    };
    quote! {
        #[allow(deprecated)]
        impl ::wharf::__private::#trait_ for #ident {
            fn #method(self) -> ::wharf::__private::#made {
                #value
            }
        }
    }
}

/// Lets a parameter have the name of a tool beside it.
///
/// A binding cannot shadow a unit struct, but it can shadow a function, and a function in this
/// block shadows a unit struct outside of it.
fn shields(item: &ItemFn) -> TokenStream {
    let names = item.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(input) => match &*input.pat {
            Pat::Ident(pattern) if pattern.ident != item.sig.ident => Some(&pattern.ident),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    });
    quote!(#(#[allow(dead_code, non_snake_case)] fn #names() {})*)
}

fn declaration(ident: &Ident, visibility: &Visibility) -> TokenStream {
    quote! {
        #[allow(non_camel_case_types)]
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        #visibility struct #ident;
    }
}

/// `impl Deref for add`, to `fn(i64, i64) -> i64` or to a function that boxes the future.
fn deref(function: &Function) -> TokenStream {
    let ident = &function.ident;
    let output = &function.output;
    let names: Vec<Ident> = (0..function.params.len())
        .map(|i| format_ident!("__{i}"))
        .collect();
    let types: Vec<_> = function
        .params
        .iter()
        .map(|param| param.ty.to_token_stream())
        .collect();
    let (output, pointer) = if function.is_async {
        let borrows = function
            .params
            .iter()
            .any(|param| matches!(param.role, Role::Context));
        let lifetime = if borrows { quote!('_) } else { quote!('static) };
        let output = quote! {
            ::core::pin::Pin<::std::boxed::Box<
                dyn ::core::future::Future<Output = #output> + ::core::marker::Send + #lifetime
            >>
        };
        // An error about a future that is not `Send` points at the function's name.
        let boxed = quote_spanned!(at(ident)=> ::std::boxed::Box::pin(#ident(#(#names),*)));
        let pointer = quote! {{
            fn __wharf_boxed(#(#names: #types),*) -> #output {
                #boxed
            }
            __wharf_boxed
        }};
        (output, pointer)
    } else {
        (output.to_token_stream(), ident.to_token_stream())
    };
    let target = quote_spanned!(at(&function.output)=> fn(#(#types),*) -> #output);
    quote! {
        #[allow(deprecated, clippy::all, clippy::pedantic)]
        impl ::core::ops::Deref for #ident {
            type Target = #target;

            fn deref(&self) -> &Self::Target {
                const __WHARF_POINTER: #target = #pointer;
                &__WHARF_POINTER
            }
        }
    }
}

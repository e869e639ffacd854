//! `#[tool]`: a function becomes a tool.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, ItemFn};

use crate::callable;
use crate::errors::{at, both};
use crate::options::{Kind, Options};
use crate::signature::Function;
use crate::target::Target;

/// The whole of `#[tool] fn …`.
pub(crate) fn expand(options: TokenStream, mut item: ItemFn) -> syn::Result<TokenStream> {
    let function = Function::take(Kind::Tool, &mut item.sig);
    let options = Options::parse(Kind::Tool, options);
    let (function, options) = both(function, options)?;
    let target = Target::function(&function)?;
    let value = value(&function, &options, &item.attrs, &target);
    let impls = callable::into(Kind::Tool, &function.ident, &value);
    Ok(callable::unit_struct(item, &function, &impls))
}

/// An expression that makes the tool.
pub(crate) fn value(
    function: &Function,
    options: &Options,
    attrs: &[Attribute],
    target: &Target,
) -> TokenStream {
    let arguments = arguments(function, target);
    let output = target.output(function);
    let call = target.call(function, |param| {
        let ident = &param.ident;
        quote!(__arguments.#ident)
    });
    let (held, hold) = (&target.held, &target.hold);
    let name = options.name(function);
    let description = options.description(attrs);
    let annotations = (!options.hints.is_empty()).then(|| {
        let hints = options
            .hints
            .iter()
            .map(|(hint, on)| quote!(#hint: ::core::option::Option::Some(#on)));
        quote! {
            .annotations(::wharf::__private::ToolAnnotations {
                #(#hints,)*
                ..::core::default::Default::default()
            })
        }
    });
    let output_schema = options.output_schema.as_ref().map(
        |ty| quote_spanned!(at(ty)=> .output_schema(::wharf::__private::output_schema_of::<#ty>())),
    );
    let calls = &options.calls;
    // A return type that is no result is an error at its place in the signature.
    let new = quote_spanned!(at(&function.output)=> ::wharf::__private::tool::<#output, _>);
    // A future that is not `Send` is an error at the function's name.
    let run = quote_spanned! {at(&function.ident)=>
        async fn run(
            &self,
            __ctx: &::wharf::__private::Context,
            __arguments: __WharfArguments,
        ) -> ::wharf::__private::Result<#output> {
            ::core::result::Result::Ok(#call)
        }
    };
    quote! {{
        #arguments

        struct __WharfBody(#held);

        impl ::wharf::__private::ToolBody for __WharfBody {
            type Arguments = __WharfArguments;
            type Output = #output;

            #run
        }

        #new(#name, __WharfBody(#hold))
            #description
            #annotations
            #output_schema
            #calls
    }}
}

/// The struct that a call's arguments are read into.
fn arguments(function: &Function, target: &Target) -> TokenStream {
    let fields = function.arguments().map(|param| {
        let ident = &param.ident;
        let ty = target.named(&param.ty);
        let attrs = &param.attrs;
        let header = param
            .header
            .as_ref()
            .map(|name| quote_spanned!(at(name)=> #[schemars(extend("x-mcp-header" = #name))]));
        quote!(#(#attrs)* #header #ident: #ty)
    });
    quote! {
        #[derive(::wharf::__private::serde::Deserialize, ::wharf::__private::schemars::JsonSchema)]
        #[serde(crate = "::wharf::__private::serde")]
        #[schemars(crate = "::wharf::__private::schemars")]
        #[allow(non_snake_case)]
        struct __WharfArguments {
            #(#fields,)*
        }
    }
}

//! `#[tool]`: a function becomes a tool.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, ItemFn};

use crate::callable;
use crate::doc;
use crate::options::{Kind, Options};
use crate::signature::Function;
use crate::target::Target;

/// The whole of `#[tool] fn …`.
pub(crate) fn expand(options: TokenStream, mut item: ItemFn) -> syn::Result<TokenStream> {
    let function = Function::take(Kind::Tool, &mut item.sig);
    let options = Options::parse(Kind::Tool, options);
    let (function, options) = crate::errors::both(function, options)?;
    let target = Target::function(&function)?;
    let ident = &function.ident;
    let value = value(&function, &options, &item.attrs, &target);
    let impls = quote! {
        impl ::wharf::__private::IntoTool for #ident {
            fn into_tool(self) -> ::wharf::__private::Tool {
                #value
            }
        }
    };
    Ok(callable::unit_struct(item, &function, &impls))
}

/// An expression that makes the tool.
pub(crate) fn value(function: &Function, options: &Options, attrs: &[Attribute], target: &Target) -> TokenStream {
    let arguments = arguments(function, target);
    let output = target.output(function);
    let call = target.call(function, |param| {
        let ident = &param.ident;
        quote!(__arguments.#ident)
    });
    let held = &target.held;
    let hold = &target.hold;

    let name = match &options.name {
        Some(name) => quote!(#name),
        None => {
            let name = function.name();
            quote!(#name)
        }
    };
    let description = match &options.description {
        Some(text) => Some(quote!(.description(#text))),
        None => doc::description(attrs).map(|text| quote!(.description(#text))),
    };
    let annotations = (!options.hints.is_empty()).then(|| {
        let hints = options.hints.iter().map(|(hint, on)| quote!(#hint: ::core::option::Option::Some(#on)));
        quote! {
            .annotations(::wharf::__private::ToolAnnotations {
                #(#hints,)*
                ..::core::default::Default::default()
            })
        }
    });
    let output_schema = options.output_schema.as_ref().map(|ty| {
        quote_spanned!(ty.span()=> .output_schema(::wharf::__private::schema_of::<#ty>()))
    });
    let calls = &options.calls;
    // A return type that is no result, or an argument without a schema, is an error at its type.
    let new = quote_spanned!(output.span()=> ::wharf::__private::tool::<__WharfArguments, #output>);
    let result = quote_spanned!(output.span()=> ::wharf::__private::tool_result::<#output>);
    quote! {{
        #arguments

        struct __WharfHandler(#held);

        impl ::wharf::__private::ToolHandler for __WharfHandler {
            fn call<'a>(
                &'a self,
                __ctx: &'a ::wharf::__private::Context,
                __arguments: &'a ::wharf::__private::RawValue,
            ) -> ::wharf::__private::ToolFuture<'a> {
                ::std::boxed::Box::pin(async move {
                    let __arguments: __WharfArguments = ::wharf::__private::arguments(__arguments)?;
                    #result(#call)
                })
            }
        }

        #new(#name, ::std::boxed::Box::new(__WharfHandler(#hold)))
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
        let header = param.header.as_ref().map(|name| {
            quote_spanned!(name.span()=> #[schemars(extend("x-mcp-header" = #name))])
        });
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

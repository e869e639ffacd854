//! `#[prompt]`: a function becomes a prompt.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, ItemFn};

use crate::callable;
use crate::doc;
use crate::errors::{at, both};
use crate::options::{Kind, Options};
use crate::resource::completion;
use crate::signature::Function;
use crate::target::Target;

/// The whole of `#[prompt] fn …`.
pub(crate) fn expand(options: TokenStream, mut item: ItemFn) -> syn::Result<TokenStream> {
    let function = Function::take(Kind::Prompt, &mut item.sig);
    let options = Options::parse(Kind::Prompt, options);
    let (function, options) = both(function, options)?;
    let target = Target::function(&function)?;
    let value = value(&function, &options, &item.attrs, &target);
    let impls = callable::into(Kind::Prompt, &function.ident, &value);
    Ok(callable::unit_struct(item, &function, &impls))
}

/// An expression that makes the prompt.
pub(crate) fn value(
    function: &Function,
    options: &Options,
    attrs: &[Attribute],
    target: &Target,
) -> TokenStream {
    let output = target.output(function);
    let call = target.call(function, |param| {
        let name = param.name();
        let ty = target.named(&param.ty);
        quote_spanned!(at(&param.ty)=> __arguments.parse::<#ty>(#name)?)
    });
    let (held, hold) = (&target.held, &target.hold);
    let name = options.name(function);
    let description = options.description(attrs);
    let arguments = function.arguments().map(|param| {
        let name = param.name();
        let ty = target.named(&param.ty);
        let description = match doc::description(&param.attrs) {
            Some(text) => quote!(::core::option::Option::Some(#text)),
            None => quote!(::core::option::Option::None),
        };
        quote_spanned!(at(&param.ty)=> .argument(::wharf::__private::prompt_argument::<#ty>(#name, #description)))
    });
    let completions = function.arguments().map(|param| completion(param, target));
    let calls = &options.calls;
    let new = quote_spanned!(at(&function.output)=> ::wharf::__private::prompt::<#output, _>);
    // A future that is not `Send` is an error at the function's name.
    let run = quote_spanned! {at(&function.ident)=>
        async fn run(
            &self,
            __ctx: &::wharf::__private::Context,
            __arguments: &::wharf::__private::PromptArguments,
        ) -> ::wharf::__private::Result<#output> {
            ::core::result::Result::Ok(#call)
        }
    };
    quote! {{
        struct __WharfBody(#held);

        impl ::wharf::__private::PromptBody for __WharfBody {
            type Output = #output;

            #run
        }

        #new(#name, __WharfBody(#hold))
            #description
            #(#arguments)*
            #(#completions)*
            #calls
    }}
}

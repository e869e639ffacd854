//! `#[resource("notes://{id}")]`: a function becomes a resource or a template of resources.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, ItemFn};

use crate::callable;
use crate::errors::{Errors, at, both, list};
use crate::options::{Kind, Options};
use crate::param::{Param, names};
use crate::signature::Function;
use crate::target::Target;
use crate::template;

/// The whole of `#[resource(…)] fn …`.
pub(crate) fn expand(options: TokenStream, mut item: ItemFn) -> syn::Result<TokenStream> {
    let function = Function::take(Kind::Resource, &mut item.sig);
    let options = Options::parse(Kind::Resource, options);
    let (function, options) = both(function, options)?;
    let target = Target::function(&function)?;
    let value = value(&function, &options, &item.attrs, &target)?;
    let impls = callable::into(Kind::Resource, &function.ident, &value);
    Ok(callable::unit_struct(item, &function, &impls))
}

/// An expression that makes the resource.
pub(crate) fn value(
    function: &Function,
    options: &Options,
    attrs: &[Attribute],
    target: &Target,
) -> syn::Result<TokenStream> {
    let Some(uri) = &options.uri else {
        let message = "which URI? Write `#[resource(\"notes://all\")]`, or `#[resource(\"notes://{id}\")]` with a parameter `id`";
        return Err(syn::Error::new(function.ident.span(), message));
    };
    agree(function, uri)?;
    let output = target.output(function);
    let call = target.call(function, |param| {
        let name = param.name();
        let ty = target.named(&param.ty);
        quote_spanned!(at(&param.ty)=> __variables.parse::<#ty>(#name)?)
    });
    let (held, hold) = (&target.held, &target.hold);
    let name = options.name(function);
    let description = options.description(attrs);
    let completions = function.arguments().map(|param| completion(param, target));
    let calls = &options.calls;
    let new = quote_spanned!(at(&function.output)=> ::wharf::__private::resource::<#output, _>);
    // A future that is not `Send` is an error at the function's name.
    let run = quote_spanned! {at(&function.ident)=>
        async fn run(
            &self,
            __ctx: &::wharf::__private::Context,
            __variables: &::wharf::__private::Variables<'_>,
        ) -> ::wharf::__private::Result<#output> {
            ::core::result::Result::Ok(#call)
        }
    };
    Ok(quote! {{
        struct __WharfBody(#held);

        impl ::wharf::__private::ResourceBody for __WharfBody {
            type Output = #output;

            #run
        }

        #new(#uri, #name, __WharfBody(#hold))
            #description
            #(#completions)*
            #calls
    }})
}

/// The builder's call that completes an argument.
pub(crate) fn completion(param: &Param, target: &Target) -> TokenStream {
    use crate::param::Complete;
    let name = param.name();
    match &param.complete {
        Some(Complete::Values(values)) => quote!(.complete(#name, [#(#values),*])),
        Some(Complete::Function(path)) => {
            let path = target.named(path);
            quote_spanned!(at(&path)=> .complete_with(#name, #path))
        }
        None => {
            // An enum or a flag completes itself.
            let ty = target.named(&param.ty);
            quote_spanned!(at(&param.ty)=> .complete(#name, ::wharf::__private::choices::<#ty>()))
        }
    }
}

/// The variables of the template are the arguments of the function.
fn agree(function: &Function, uri: &syn::LitStr) -> syn::Result<()> {
    let variables = template::variables(uri)?;
    let mut errors = Errors::default();
    let missing: Vec<&String> = variables
        .iter()
        .filter(|name| !function.arguments().any(|param| param.name() == **name))
        .collect();
    if !missing.is_empty() {
        let has = names(function.arguments());
        let message = format!(
            "the URI has {}, which the function does not take: its arguments are {has}",
            list(&missing)
        );
        errors.at(uri, message);
    }
    for param in function
        .arguments()
        .filter(|param| !variables.contains(&param.name()))
    {
        let variables = if variables.is_empty() {
            "none".to_owned()
        } else {
            list(&variables)
        };
        let message = format!(
            "`{0}` is not in the URI, whose variables are {variables}: write `{{{0}}}` where its value stands",
            param.name()
        );
        errors.at(&param.ident, message);
    }
    errors.finish(())
}

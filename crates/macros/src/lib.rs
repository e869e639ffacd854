//! in progress
mod callable;
mod doc;
mod errors;
mod header;
mod options;
mod signature;
mod target;
mod tool;
mod value;

use proc_macro::TokenStream;

/// tool
#[proc_macro_attribute]
pub fn tool(options: TokenStream, item: TokenStream) -> TokenStream {
    let item = syn::parse_macro_input!(item as syn::ItemFn);
    let stand_in = callable::stand_in(&item, "IntoTool", "into_tool", "Tool");
    tool::expand(options.into(), item).unwrap_or_else(|error| {
        let error = error.into_compile_error();
        quote::quote!(#error #stand_in)
    }).into()
}

//! What stands in the brackets of an attribute: `#[tool(name = "sum", read_only)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Token, Type};

use crate::doc;
use crate::errors::{Errors, at, list, nearest};
use crate::signature::Function;
use crate::value::{Item, Value};

/// Which attribute the options belong to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Tool,
    Resource,
    Prompt,
}

impl Kind {
    /// The attribute as users write it.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Kind::Tool => "#[tool]",
            Kind::Resource => "#[resource]",
            Kind::Prompt => "#[prompt]",
        }
    }

    /// The names of its options.
    fn options(self) -> &'static [&'static str] {
        match self {
            Kind::Tool => &[
                "name",
                "title",
                "description",
                "read_only",
                "destructive",
                "idempotent",
                "open_world",
                "closed_world",
                "icon",
                "meta",
                "timeout",
                "task",
                "task_after",
                "run_once",
                "output_schema",
                "ui",
                "app_only",
                "model_only",
            ],
            Kind::Resource => &[
                "uri",
                "name",
                "title",
                "description",
                "mime_type",
                "size",
                "icon",
                "meta",
            ],
            Kind::Prompt => &["name", "title", "description", "icon", "meta"],
        }
    }
}

/// The options of one attribute, checked.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) uri: Option<LitStr>,
    pub(crate) name: Option<Expr>,
    pub(crate) description: Option<Expr>,
    /// The type whose schema is the tool's output schema.
    pub(crate) output_schema: Option<Type>,
    /// Members of `ToolAnnotations` with their values.
    pub(crate) hints: Vec<(Ident, bool)>,
    /// The other options as calls of the builder: `.title("…").icon(…)`.
    pub(crate) calls: TokenStream,
}

impl Options {
    /// Reads what stands in the brackets of an attribute.
    pub(crate) fn parse(kind: Kind, tokens: TokenStream) -> syn::Result<Self> {
        let items = Punctuated::<Item, Token![,]>::parse_terminated.parse2(tokens)?;
        let mut options = Options::default();
        let mut errors = Errors::default();
        let mut seen: Vec<String> = Vec::new();
        for item in items {
            match item {
                Item::Text(uri) if kind == Kind::Resource => {
                    let set = options.set_uri(uri);
                    errors.keep(set);
                }
                Item::Text(text) => {
                    let message = format!(
                        "this needs a name: `name = {0}` or `description = {0}`",
                        text.token()
                    );
                    errors.at(text, message);
                }
                Item::Named(key, value) => {
                    let set = options.named(kind, &key, *value, &mut seen);
                    errors.keep(set);
                }
            }
        }
        errors.finish(options)
    }

    /// The expression for the name that clients see.
    pub(crate) fn name(&self, function: &Function) -> TokenStream {
        match &self.name {
            Some(name) => name.to_token_stream(),
            None => function.name().to_token_stream(),
        }
    }

    /// The builder's call for the description: the option, or else the doc comment.
    pub(crate) fn description(&self, attrs: &[Attribute]) -> Option<TokenStream> {
        let text = self
            .description
            .as_ref()
            .map(ToTokens::to_token_stream)
            .or_else(|| doc::description(attrs))?;
        Some(quote!(.description(#text)))
    }

    fn named(
        &mut self,
        kind: Kind,
        key: &Ident,
        value: Value,
        seen: &mut Vec<String>,
    ) -> syn::Result<()> {
        let name = key.to_string();
        if !kind.options().contains(&name.as_str()) {
            return Err(syn::Error::new(key.span(), unknown(kind, &name)));
        }
        if seen.contains(&name) && name != "icon" && name != "meta" {
            return Err(syn::Error::new(
                key.span(),
                format!("`{name}` is given twice"),
            ));
        }
        seen.push(name.clone());
        let method = key;
        match name.as_str() {
            "uri" => match value.text(key, "notes://{id}")? {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(uri), ..
                }) => self.set_uri(uri)?,
                other => {
                    let message = "write the URI out: it is checked while compiling";
                    return Err(syn::Error::new_spanned(other, message));
                }
            },
            "name" => self.name = Some(value.text(key, "…")?),
            "description" => self.description = Some(value.text(key, "…")?),
            "output_schema" => self.output_schema = Some(value.into_type(key)?),
            "title" => {
                let text = value.text(key, "…")?;
                self.calls.extend(quote_spanned!(at(key)=> .#method(#text)));
            }
            "ui" => {
                let text = value.text(key, "ui://…")?;
                self.calls.extend(quote_spanned!(at(key)=> .#method(#text)));
            }
            "app_only" | "model_only" => {
                if value.flag(key)? {
                    self.calls.extend(quote_spanned!(at(key)=> .#method()));
                }
            }
            "mime_type" => {
                let text = value.text(key, "text/markdown")?;
                self.calls.extend(quote_spanned!(at(key)=> .#method(#text)));
            }
            "icon" => {
                let src = value.text(key, "https://example.com/icon.png")?;
                self.calls
                    .extend(quote_spanned!(at(key)=> .icon(::wharf::__private::icon(#src))));
            }
            "size" => {
                let size = value.integer(key)?;
                self.calls.extend(quote_spanned!(at(key)=> .size(#size)));
            }
            "timeout" => {
                let timeout = value.duration(key)?;
                self.calls
                    .extend(quote_spanned!(at(key)=> .timeout(#timeout)));
            }
            "task" => {
                if value.required(key)? {
                    self.calls
                        .extend(quote_spanned!(at(key)=> .task_required()));
                } else {
                    self.calls.extend(quote_spanned!(at(key)=> .task()));
                }
            }
            "task_after" => {
                let time = value.duration(key)?;
                self.calls
                    .extend(quote_spanned!(at(key)=> .task_after(#time)));
            }
            "run_once" => {
                if value.flag(key)? {
                    self.calls.extend(quote_spanned!(at(key)=> .run_once()));
                }
            }
            "meta" => {
                for (name, value) in value.pairs(key)? {
                    let value = quote!(::wharf::__private::serde_json::json!(#value));
                    self.calls.extend(quote!(.meta(#name, #value)));
                }
            }
            _ => {
                let on = value.flag(key)?;
                self.hint(key, on)?;
            }
        }
        Ok(())
    }

    fn set_uri(&mut self, uri: LitStr) -> syn::Result<()> {
        if self.uri.is_some() {
            return Err(syn::Error::new(uri.span(), "the URI is given twice"));
        }
        self.uri = Some(uri);
        Ok(())
    }

    /// A hint about a tool's behaviour: `read_only`, `destructive = false`.
    fn hint(&mut self, key: &Ident, on: bool) -> syn::Result<()> {
        let (member, on) = match key.to_string().as_str() {
            "closed_world" => ("open_world_hint".to_owned(), !on),
            name => (format!("{name}_hint"), on),
        };
        let has = |member: &str, on: bool| self.hints.iter().any(|(m, o)| m == member && *o == on);
        if on
            && (member == "read_only_hint" && has("destructive_hint", true)
                || member == "destructive_hint" && has("read_only_hint", true))
        {
            return Err(syn::Error::new(
                key.span(),
                "a tool cannot be both `read_only` and `destructive`",
            ));
        }
        if has(&member, true) || has(&member, false) {
            return Err(syn::Error::new(
                key.span(),
                "give `open_world` or `closed_world`, not both",
            ));
        }
        self.hints.push((Ident::new(&member, key.span()), on));
        Ok(())
    }
}

fn unknown(kind: Kind, name: &str) -> String {
    let options = kind.options();
    let near = nearest(name, options)
        .map(|near| format!(", did you mean `{near}`?"))
        .unwrap_or_default();
    format!(
        "unknown option `{name}`{near}\n{} takes {}",
        kind.attribute(),
        list(options)
    )
}

//! One option of an attribute, and what its value may be.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, ExprUnary, Ident, Lit, LitStr, Token, Type, UnOp, parenthesized, token};

/// One option.
pub(crate) enum Item {
    /// `"notes://{id}"`
    Text(LitStr),
    /// `name`, `name = value` or `name(…)`
    Named(Ident, Box<Value>),
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            return Ok(Item::Text(input.parse()?));
        }
        let key = Ident::parse_any(input).map_err(|error| {
            syn::Error::new(
                error.span(),
                "expected an option: `name = \"…\"` or `read_only`",
            )
        })?;
        let value = if input.peek(token::Paren) {
            let content;
            parenthesized!(content in input);
            Value::Group(content.parse()?)
        } else if !input.peek(Token![=]) {
            Value::None
        } else {
            input.parse::<Token![=]>()?;
            if key == "output_schema" {
                Value::Type(input.parse()?)
            } else {
                Value::Is(input.parse()?)
            }
        };
        Ok(Item::Named(key, Box::new(value)))
    }
}

/// What follows the name of an option.
pub(crate) enum Value {
    None,
    Is(Expr),
    Type(Type),
    Group(TokenStream),
}

impl Value {
    /// A string literal, or an expression that is more than a literal (a constant, `concat!(…)`).
    pub(crate) fn text(self, key: &Ident, example: &str) -> syn::Result<Expr> {
        let wrong = format!("`{key}` is a string: `{key} = \"{example}\"`");
        let expr = self.expr(key, &wrong)?;
        if is_literal(&expr)
            && !matches!(
                &expr,
                Expr::Lit(ExprLit {
                    lit: Lit::Str(_),
                    ..
                })
            )
        {
            return Err(syn::Error::new_spanned(expr, wrong));
        }
        Ok(expr)
    }

    /// An integer.
    pub(crate) fn integer(self, key: &Ident) -> syn::Result<Expr> {
        let wrong = format!("`{key}` is a whole number: `{key} = 1024`");
        let expr = self.expr(key, &wrong)?;
        if is_literal(&expr)
            && !matches!(
                &expr,
                Expr::Lit(ExprLit {
                    lit: Lit::Int(_),
                    ..
                })
            )
        {
            return Err(syn::Error::new_spanned(expr, wrong));
        }
        Ok(expr)
    }

    /// An expression for a `Duration`, written as `"30s"`.
    pub(crate) fn duration(self, key: &Ident) -> syn::Result<TokenStream> {
        let wrong = format!("`{key}` is a time: `\"500ms\"`, `\"30s\"`, `\"5m\"` or `\"1h\"`");
        let expr = self.expr(key, &wrong)?;
        if let Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) = &expr
        {
            let time = parse_duration(&text.value())
                .ok_or_else(|| syn::Error::new(text.span(), &wrong))?;
            let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            return Ok(quote!(::core::time::Duration::from_millis(#millis)));
        }
        if is_literal(&expr) {
            return Err(syn::Error::new_spanned(expr, wrong));
        }
        Ok(expr.into_token_stream())
    }

    /// `read_only`, `read_only = true` or `read_only = false`.
    pub(crate) fn flag(self, key: &Ident) -> syn::Result<bool> {
        let wrong = format!("`{key}` is a flag: write `{key}` or `{key} = false`");
        match self {
            Value::None => Ok(true),
            Value::Is(Expr::Lit(ExprLit {
                lit: Lit::Bool(on), ..
            })) => Ok(on.value),
            Value::Is(other) => Err(syn::Error::new_spanned(other, wrong)),
            Value::Type(_) | Value::Group(_) => Err(syn::Error::new(key.span(), wrong)),
        }
    }

    /// `task`, or `task = "required"`.
    pub(crate) fn required(self, key: &Ident) -> syn::Result<bool> {
        let wrong = format!("write `{key}`, or `{key} = \"required\"`");
        match self {
            Value::None => Ok(false),
            Value::Is(Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            })) if text.value() == "required" => Ok(true),
            Value::Is(other) => Err(syn::Error::new_spanned(other, wrong)),
            Value::Type(_) | Value::Group(_) => Err(syn::Error::new(key.span(), wrong)),
        }
    }

    /// `output_schema = Report`.
    pub(crate) fn into_type(self, key: &Ident) -> syn::Result<Type> {
        match self {
            Value::Type(ty) => Ok(ty),
            _ => Err(syn::Error::new(
                key.span(),
                format!("`{key}` is a type that implements `JsonSchema`: `{key} = Report`"),
            )),
        }
    }

    /// `meta(key = "value", "example.com/key" = 1)`.
    pub(crate) fn pairs(self, key: &Ident) -> syn::Result<Vec<(String, Expr)>> {
        let wrong = || {
            syn::Error::new(
                key.span(),
                format!("write `{key}(name = \"value\", \"example.com/name\" = 1)`"),
            )
        };
        let Value::Group(tokens) = self else {
            return Err(wrong());
        };
        let pairs = Punctuated::<Pair, Token![,]>::parse_terminated.parse2(tokens)?;
        Ok(pairs
            .into_iter()
            .map(|pair| (pair.name, pair.value))
            .collect())
    }

    fn expr(self, key: &Ident, wrong: &str) -> syn::Result<Expr> {
        match self {
            Value::Is(expr) => Ok(expr),
            _ => Err(syn::Error::new(key.span(), wrong)),
        }
    }
}

struct Pair {
    name: String,
    value: Expr,
}

impl Parse for Pair {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = if input.peek(LitStr) {
            input.parse::<LitStr>()?.value()
        } else {
            input.call(Ident::parse_any)?.unraw().to_string()
        };
        input.parse::<Token![=]>()?;
        Ok(Pair {
            name,
            value: input.parse()?,
        })
    }
}

/// Literals can be checked here; the compiler checks everything else.
fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) => true,
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => is_literal(expr),
        _ => false,
    }
}

/// `500ms`, `30s`, `5m`, `1h`.
fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis = match unit.trim_start() {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number
        .checked_mul(millis)
        .filter(|millis| *millis > 0)
        .map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("30s"), Some(Duration::from_secs(30)));
        assert_eq!(parse_duration("5 m"), Some(Duration::from_secs(300)));
        assert_eq!(parse_duration("1h"), Some(Duration::from_secs(3600)));
        for wrong in [
            "",
            "30",
            "s",
            "-1s",
            "1.5s",
            "0s",
            "30 parsecs",
            "99999999999999999999s",
        ] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }
}

//! URI templates (RFC 6570): parsed, matched against URIs, expanded.
//!
//! Levels 1 to 3 and the explode modifier are spoken: `{x}`, `{+x}`, `{#x}`, `{.x}`, `{/x,y}`,
//! `{;x}`, `{?x,y}`, `{&x}`, `{/x*}`. The prefix modifier `{x:3}` is not: what it cut off could
//! not be matched. The standard defines expansion only; what matching means is said at
//! [`UriTemplate::match_uri`].

mod expand;
mod matcher;
mod parse;

use std::fmt;
use std::str::FromStr;

pub use parse::{UriTemplateError, UriTemplateErrorKind};

/// The longest template that is parsed, in bytes.
pub const MAX_TEMPLATE_BYTES: usize = 8 * 1024;
/// The most variables that a template may have.
pub const MAX_VARIABLES: usize = 32;
/// The longest URI that is matched, in bytes.
pub const MAX_URI_BYTES: usize = 8 * 1024;

/// A parsed template.
///
/// ```
/// use wharf_protocol::uri_template::UriTemplate;
///
/// let template = UriTemplate::parse("weather://{city}/days{/path*}{?unit,limit}").unwrap();
/// let values = template.match_uri("weather://New%20York/days/2026/08?limit=3").unwrap();
/// let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
/// assert_eq!(values, [("city", "New York"), ("path", "2026"), ("path", "08"), ("limit", "3")]);
/// assert_eq!(template.expand(&values), "weather://New%20York/days/2026/08?limit=3");
/// ```
#[derive(Debug, Clone)]
pub struct UriTemplate {
    source: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Literal(Literal),
    Expression(Expression),
}

/// Text outside braces, in the normal form of [`parse::normalise`].
#[derive(Debug, Clone)]
struct Literal {
    text: String,
    /// For each position, the length of the longest proper prefix that ends there
    /// (Knuth-Morris-Pratt).
    borders: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Expression {
    operator: Operator,
    variables: Vec<Variable>,
    section: Section,
}

#[derive(Debug, Clone)]
struct Variable {
    name: String,
    explode: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// `{x}`
    Simple,
    /// `{+x}`
    Reserved,
    /// `{#x}`
    Fragment,
    /// `{.x}`
    Label,
    /// `{/x}`
    Path,
    /// `{;x}`
    Parameter,
    /// `{?x}`
    Query,
    /// `{&x}`
    Continuation,
}

impl Operator {
    /// What stands before the first value.
    fn prefix(self) -> Option<u8> {
        match self {
            Self::Simple | Self::Reserved => None,
            Self::Fragment => Some(b'#'),
            Self::Label => Some(b'.'),
            Self::Path => Some(b'/'),
            Self::Parameter => Some(b';'),
            Self::Query => Some(b'?'),
            Self::Continuation => Some(b'&'),
        }
    }

    /// What stands between values.
    fn separator(self) -> u8 {
        match self {
            Self::Simple | Self::Reserved | Self::Fragment => b',',
            Self::Label => b'.',
            Self::Path => b'/',
            Self::Parameter => b';',
            Self::Query | Self::Continuation => b'&',
        }
    }

    /// Whether values are written as `name=value`.
    fn named(self) -> bool {
        matches!(self, Self::Parameter | Self::Query | Self::Continuation)
    }

    /// Whether reserved characters stand for themselves.
    fn keeps_reserved(self) -> bool {
        matches!(self, Self::Reserved | Self::Fragment)
    }
}

/// The part of the URI in which an expression stands: it decides where a value must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Path,
    Query,
    Fragment,
}

impl UriTemplate {
    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// The names of the variables, in the order of the template; each stands there once.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.all_variables().map(|variable| variable.name.as_str())
    }

    /// Whether a variable has the explode modifier, and so stands for a list of values.
    pub fn is_list(&self, name: &str) -> bool {
        self.all_variables()
            .any(|variable| variable.explode && variable.name == name)
    }

    fn all_variables(&self) -> impl Iterator<Item = &Variable> {
        let expressions = self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Expression(expression) => Some(&expression.variables),
        });
        expressions.flatten()
    }
}

impl PartialEq for UriTemplate {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for UriTemplate {}

impl fmt::Display for UriTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl FromStr for UriTemplate {
    type Err = UriTemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

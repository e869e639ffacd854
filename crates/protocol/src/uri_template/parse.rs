//! Text to template, and URIs to the form in which they are matched.

use std::borrow::Cow;
use std::fmt;

use super::{
    Expression, Literal, MAX_TEMPLATE_BYTES, MAX_VARIABLES, Operator, Part, Section, UriTemplate,
    Variable,
};

impl UriTemplate {
    /// Parses a template.
    ///
    /// # Errors
    /// What is not RFC 6570, or is beyond what this module speaks: more than
    /// [`MAX_TEMPLATE_BYTES`] or [`MAX_VARIABLES`], the prefix modifier, percent-encoding in the
    /// name of a variable, one variable twice. The error says where.
    pub fn parse(template: &str) -> Result<Self, UriTemplateError> {
        if template.len() > MAX_TEMPLATE_BYTES {
            return Err(UriTemplateErrorKind::TooLong.at(MAX_TEMPLATE_BYTES));
        }
        let mut parts = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        let mut section = Section::Path;
        let mut at = 0;
        while at < template.len() {
            let rest = &template[at..];
            if let Some(inside) = rest.strip_prefix('{') {
                let Some(end) = inside.find('}') else {
                    return Err(UriTemplateErrorKind::Unclosed.at(at));
                };
                let expression = expression(&inside[..end], at + 1, section, &mut names)?;
                section = match expression.operator {
                    Operator::Fragment => Section::Fragment,
                    Operator::Query | Operator::Continuation if section == Section::Path => {
                        Section::Query
                    }
                    _ => section,
                };
                parts.push(Part::Expression(expression));
                at += end + 2;
            } else {
                let end = rest.find('{').unwrap_or(rest.len());
                let text = &rest[..end];
                if let Some(brace) = text.find('}') {
                    return Err(UriTemplateErrorKind::Unopened.at(at + brace));
                }
                let text =
                    normalise(text).map_err(|bad| UriTemplateErrorKind::Character.at(at + bad))?;
                for byte in text.bytes() {
                    section = match byte {
                        b'#' => Section::Fragment,
                        b'?' if section == Section::Path => Section::Query,
                        _ => section,
                    };
                }
                parts.push(Part::Literal(Literal::new(text.into_owned())));
                at += end;
            }
        }
        Ok(Self {
            source: template.to_owned(),
            parts,
        })
    }
}

fn expression<'t>(
    text: &'t str,
    at: usize,
    section: Section,
    names: &mut Vec<&'t str>,
) -> Result<Expression, UriTemplateError> {
    let operator = match text.bytes().next() {
        Some(b'+') => Operator::Reserved,
        Some(b'#') => Operator::Fragment,
        Some(b'.') => Operator::Label,
        Some(b'/') => Operator::Path,
        Some(b';') => Operator::Parameter,
        Some(b'?') => Operator::Query,
        Some(b'&') => Operator::Continuation,
        Some(b'=' | b',' | b'!' | b'@' | b'|') => return Err(UriTemplateErrorKind::Operator.at(at)),
        _ => Operator::Simple,
    };
    let skipped = usize::from(operator != Operator::Simple);
    let mut at = at + skipped;
    let mut variables = Vec::new();
    for written in text[skipped..].split(',') {
        let (name, explode) = match written.strip_suffix('*') {
            Some(name) => (name, true),
            None => (written, false),
        };
        if name.contains(':') {
            return Err(UriTemplateErrorKind::Prefix.at(at));
        }
        if !is_name(name) {
            return Err(UriTemplateErrorKind::Name.at(at));
        }
        if names.contains(&name) {
            return Err(UriTemplateErrorKind::Twice.at(at));
        }
        if names.len() == MAX_VARIABLES {
            return Err(UriTemplateErrorKind::TooMany.at(at));
        }
        names.push(name);
        variables.push(Variable {
            name: name.to_owned(),
            explode,
        });
        at += written.len() + 1;
    }
    Ok(Expression {
        operator,
        variables,
        section,
    })
}

/// `varname` of RFC 6570 without percent-encoding.
fn is_name(name: &str) -> bool {
    name.split('.').all(|word| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

impl Literal {
    fn new(text: String) -> Self {
        let bytes = text.as_bytes();
        let mut borders = vec![0; bytes.len()];
        let mut length = 0;
        for at in 1..bytes.len() {
            while length > 0 && bytes[at] != bytes[length] {
                length = borders[length - 1];
            }
            if bytes[at] == bytes[length] {
                length += 1;
            }
            borders[at] = length;
        }
        Self { text, borders }
    }
}

/// Brings a URI or a literal into the one form in which they are compared: what URIs do not allow
/// is percent-encoded, and the digits of percent-encoding are uppercase.
///
/// Errs with the position of a control character or of a `%` without two digits.
pub(super) fn normalise(text: &str) -> Result<Cow<'_, str>, usize> {
    let bytes = text.as_bytes();
    let mut plain = true;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'%' => {
                let digits = bytes.get(at + 1..at + 3).ok_or(at)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(at);
                }
                plain &= !digits.iter().any(u8::is_ascii_lowercase);
            }
            0..0x20 | 0x7f => return Err(at),
            _ => plain &= is_uri_byte(*byte),
        }
    }
    if plain {
        return Ok(Cow::Borrowed(text));
    }
    let mut normal = String::with_capacity(text.len() + 32);
    let mut digits = 0;
    for &byte in bytes {
        if digits > 0 {
            digits -= 1;
            normal.push(byte.to_ascii_uppercase().into());
        } else if byte == b'%' {
            digits = 2;
            normal.push('%');
        } else if is_uri_byte(byte) {
            normal.push(byte.into());
        } else {
            push_encoded(&mut normal, byte);
        }
    }
    Ok(Cow::Owned(normal))
}

pub(super) fn push_encoded(out: &mut String, byte: u8) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    out.push('%');
    out.push(DIGITS[usize::from(byte >> 4)]);
    out.push(DIGITS[usize::from(byte & 15)]);
}

fn is_uri_byte(byte: u8) -> bool {
    is_unreserved(byte) || is_reserved(byte)
}

pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

pub(super) fn is_reserved(byte: u8) -> bool {
    b":/?#[]@!$&'()*+,;=".contains(&byte)
}

/// Where and why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UriTemplateError {
    position: usize,
    kind: UriTemplateErrorKind,
}

impl UriTemplateError {
    /// The byte of the template at which it went wrong.
    pub fn position(&self) -> usize {
        self.position
    }

    /// What is wrong there.
    pub fn kind(&self) -> UriTemplateErrorKind {
        self.kind
    }
}

/// What is wrong with a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UriTemplateErrorKind {
    /// More than [`MAX_TEMPLATE_BYTES`].
    TooLong,
    /// More than [`MAX_VARIABLES`].
    TooMany,
    /// A `{` without its `}`.
    Unclosed,
    /// A `}` without its `{`.
    Unopened,
    /// A control character, or a `%` without two digits.
    Character,
    /// An operator that RFC 6570 reserves for later.
    Operator,
    /// The name of a variable is empty or has other characters than letters, digits, `_` and `.`.
    Name,
    /// The prefix modifier, as in `{x:3}`.
    Prefix,
    /// A variable that stands in the template already.
    Twice,
}

impl UriTemplateErrorKind {
    fn at(self, position: usize) -> UriTemplateError {
        UriTemplateError {
            position,
            kind: self,
        }
    }
}

impl fmt::Display for UriTemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = self.position;
        match self.kind {
            UriTemplateErrorKind::TooLong => {
                write!(
                    f,
                    "the URI template is longer than {MAX_TEMPLATE_BYTES} bytes"
                )
            }
            UriTemplateErrorKind::TooMany => {
                write!(
                    f,
                    "the URI template has more than {MAX_VARIABLES} variables"
                )
            }
            UriTemplateErrorKind::Unclosed => {
                write!(f, "the `{{` at byte {position} is not closed")
            }
            UriTemplateErrorKind::Unopened => {
                write!(f, "the `}}` at byte {position} closes nothing")
            }
            UriTemplateErrorKind::Character => {
                write!(
                    f,
                    "a control character, or a `%` without two digits, at byte {position}"
                )
            }
            UriTemplateErrorKind::Operator => {
                write!(
                    f,
                    "the operator at byte {position} is not one of + # . / ; ? &"
                )
            }
            UriTemplateErrorKind::Name => write!(
                f,
                "the variable at byte {position} must be named with letters, digits, `_` and `.`"
            ),
            UriTemplateErrorKind::Prefix => write!(
                f,
                "the variable at byte {position} has a prefix modifier (`:`), which is not supported"
            ),
            UriTemplateErrorKind::Twice => {
                write!(
                    f,
                    "the variable at byte {position} stands in the template twice"
                )
            }
        }
    }
}

impl std::error::Error for UriTemplateError {}

#[cfg(test)]
mod tests {
    use super::*;
    use UriTemplateErrorKind as Kind;

    #[test]
    fn what_is_no_template() {
        for (template, kind, position) in [
            ("a{b", Kind::Unclosed, 1),
            ("a}b", Kind::Unopened, 1),
            ("{a}}", Kind::Unopened, 3),
            ("{}", Kind::Name, 1),
            ("{+}", Kind::Name, 2),
            ("{a,}", Kind::Name, 3),
            ("{a b}", Kind::Name, 1),
            ("{a-b}", Kind::Name, 1),
            ("{a{b}", Kind::Name, 1),
            ("{a**}", Kind::Name, 1),
            ("{.a..b}", Kind::Name, 2),
            ("{é}", Kind::Name, 1),
            ("{%41}", Kind::Name, 1),
            ("{a:3}", Kind::Prefix, 1),
            ("{=a}", Kind::Operator, 1),
            ("{|a}", Kind::Operator, 1),
            ("x/%zz", Kind::Character, 2),
            ("x/%4", Kind::Character, 2),
            ("x\n", Kind::Character, 1),
            ("{a}/{b,a}", Kind::Twice, 7),
        ] {
            let error = UriTemplate::parse(template).expect_err(template);
            assert_eq!(
                (error.kind(), error.position()),
                (kind, position),
                "{template}: {error}"
            );
        }
    }

    #[test]
    fn caps() {
        let longest = "a".repeat(MAX_TEMPLATE_BYTES);
        assert!(UriTemplate::parse(&longest).is_ok());
        let error = UriTemplate::parse(&format!("{longest}a")).expect_err("too long");
        assert_eq!(error.kind(), Kind::TooLong);
        let most: String = (0..MAX_VARIABLES).map(|n| format!("{{v{n}}}")).collect();
        assert!(UriTemplate::parse(&most).is_ok());
        let error = UriTemplate::parse(&format!("{most}{{x}}")).expect_err("too many");
        assert_eq!(error.kind(), Kind::TooMany);
    }

    #[test]
    fn variables_in_order() {
        let template = UriTemplate::parse("a{b}/{+c.d}{/e*,f}{?g*}").expect("valid");
        assert_eq!(
            template.variables().collect::<Vec<_>>(),
            ["b", "c.d", "e", "f", "g"]
        );
        let lists: Vec<bool> = template
            .variables()
            .map(|name| template.is_list(name))
            .collect();
        assert_eq!(lists, [false, false, true, false, true]);
        assert!(!template.is_list("z"));
    }

    #[test]
    fn normal_form() {
        for (text, normal) in [
            ("a%2fb", Ok("a%2Fb")),
            ("é {|}", Ok("%C3%A9%20%7B%7C%7D")),
            ("a?b=c&d#e[f]", Ok("a?b=c&d#e[f]")),
            ("a%", Err(1)),
            ("a%4", Err(1)),
            ("a%é0", Err(1)),
            ("a\0", Err(1)),
            ("a\u{7f}", Err(1)),
        ] {
            assert_eq!(
                normalise(text).as_deref(),
                normal.as_ref().map(|text| *text),
                "{text}"
            );
        }
        assert!(matches!(normalise("file:///a%20b"), Ok(Cow::Borrowed(_))));
    }
}

//! Values from text: a prompt's arguments and a template's variables are strings on the wire.

use std::fmt::{self, Write as _};

use serde::de::value::SeqDeserializer;
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};

/// A value that can be read from the text of a prompt argument or a template variable.
///
/// Every owned type that serde can deserialise is one: strings, numbers, `bool`, `char`, enums of
/// plain variants (by their serde names), `Option` of these (absent is `None`), and lists: a JSON
/// array, or values separated by commas. Objects are read from JSON text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from text",
    label = "prompt arguments and template variables arrive as text",
    note = "use `String`, a number, `bool`, `char`, `Option` of one of these, or a type that derives `serde::Deserialize`",
    note = "a borrowed `&str` cannot be used: take a `String`"
)]
pub trait FromText: Sized {
    /// Reads the value; `None` means that the client sent nothing.
    ///
    /// # Errors
    /// Says what was expected, in words for the client, or that the value is missing.
    fn from_text(text: Option<&str>) -> Result<Self, String>;

    /// Whether a value must be sent.
    fn required() -> bool {
        Self::from_text(None).is_err()
    }

    /// All values there are, where there is a fixed list of them: the variants of an enum,
    /// `true` and `false`. They complete themselves.
    fn choices() -> Vec<String> {
        Vec::new()
    }
}

impl<T: DeserializeOwned> FromText for T {
    fn from_text(text: Option<&str>) -> Result<Self, String> {
        match text {
            Some(text) => T::deserialize(Text(text)),
            None => T::deserialize(Absent),
        }
        .map_err(|error| error.0)
    }

    fn choices() -> Vec<String> {
        let mut found: &'static [&'static str] = &[];
        // The probe never gives a value, so the result is always an error of no interest.
        let _ = T::deserialize(Probe(&mut found));
        found
            .iter()
            .filter(|choice| T::from_text(Some(choice)).is_ok())
            .map(|choice| (*choice).to_owned())
            .collect()
    }
}

/// Client text made safe for a message: control, bidirectional and other invisible characters are
/// escaped, and what is longer than 80 characters is cut.
pub(crate) fn shown(text: &str) -> Shown<'_> {
    Shown { text, limit: 80 }
}

/// Like [`shown`], with another limit in characters.
pub(crate) fn shown_up_to(text: &str, limit: usize) -> Shown<'_> {
    Shown { text, limit }
}

pub(crate) struct Shown<'a> {
    text: &'a str,
    limit: usize,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, c) in self.text.chars().enumerate() {
            if count == self.limit {
                return f.write_str("…");
            }
            if is_invisible(c) {
                write!(f, "{}", c.escape_unicode())?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// Characters that change how the text around them is shown, or that cannot be seen.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[derive(Debug)]
pub(crate) struct TextError(pub(crate) String);

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TextError {}

impl de::Error for TextError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(shown_up_to(&message.to_string(), 400).to_string())
    }
}

/// A deserialiser whose input is text of which the target type says what it means.
#[derive(Clone, Copy)]
pub(crate) struct Text<'t>(pub(crate) &'t str);

impl<'t> Text<'t> {
    fn json<T>(
        self,
        read: impl FnOnce(
            &mut serde_json::Deserializer<serde_json::de::StrRead<'t>>,
        ) -> serde_json::Result<T>,
    ) -> Result<T, TextError> {
        let mut json = serde_json::Deserializer::from_str(self.0);
        read(&mut json)
            .and_then(|value| json.end().map(|()| value))
            .map_err(de::Error::custom)
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $what:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
            match self.0.trim().parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(de::Error::custom(format_args!("expected {}, got \"{}\"", $what, shown(self.0)))),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = TextError;

    parsed! {
        deserialize_bool visit_bool "true or false";
        deserialize_i8 visit_i8 "a whole number from -128 to 127";
        deserialize_i16 visit_i16 "a whole number from -32768 to 32767";
        deserialize_i32 visit_i32 "a whole number of 32 bits";
        deserialize_i64 visit_i64 "a whole number of 64 bits";
        deserialize_i128 visit_i128 "a whole number of 128 bits";
        deserialize_u8 visit_u8 "a whole number from 0 to 255";
        deserialize_u16 visit_u16 "a whole number from 0 to 65535";
        deserialize_u32 visit_u32 "a whole number from 0, of 32 bits";
        deserialize_u64 visit_u64 "a whole number from 0, of 64 bits";
        deserialize_u128 visit_u128 "a whole number from 0, of 128 bits";
        deserialize_f32 visit_f32 "a number";
        deserialize_f64 visit_f64 "a number";
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
        let mut chars = self.0.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => visitor.visit_char(c),
            _ => Err(de::Error::custom(format_args!(
                "expected one character, got \"{}\"",
                shown(self.0)
            ))),
        }
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
        visitor.visit_borrowed_bytes(self.0.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
        visitor.visit_borrowed_bytes(self.0.as_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, TextError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, TextError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
        let text = self.0.trim();
        if text.starts_with('[') {
            return self.json(|json| json.deserialize_seq(visitor));
        }
        let items = if text.is_empty() {
            Vec::new()
        } else {
            text.split(',').map(|item| Text(item.trim())).collect()
        };
        visitor.visit_seq(SeqDeserializer::new(items.into_iter()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, TextError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, TextError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
        self.json(|json| json.deserialize_map(visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TextError> {
        self.json(|json| json.deserialize_struct(name, fields, visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TextError> {
        if self.0.trim_start().starts_with('{') {
            return self.json(|json| json.deserialize_enum(name, variants, visitor));
        }
        visitor.visit_enum(self.0.into_deserializer())
    }

    serde::forward_to_deserialize_any! { str string identifier ignored_any }
}

impl<'de> IntoDeserializer<'de, TextError> for Text<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The input of a value that was not sent: fits an `Option` and `()` only.
struct Absent;

impl<'de> Deserializer<'de> for Absent {
    type Error = TextError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, TextError> {
        Err(TextError("a value is required".to_owned()))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, TextError> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Learns from a type which names it accepts, by noting what it asks of its deserialiser.
struct Probe<'p>(&'p mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = TextError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, TextError> {
        Err(TextError(String::new()))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
        *self.0 = &["true", "false"];
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TextError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, TextError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TextError> {
        *self.0 = variants;
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Color {
        Red,
        DarkBlue,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Id(u32);

    #[derive(Debug, PartialEq, Deserialize)]
    struct Point {
        x: i32,
        y: i32,
    }

    fn read<T: FromText>(text: &str) -> Result<T, String> {
        T::from_text(Some(text))
    }

    #[test]
    fn values_are_read_as_their_type_means_them() {
        assert_eq!(read::<String>("12"), Ok("12".to_owned()));
        assert_eq!(read::<i64>("-12"), Ok(-12));
        assert_eq!(read::<f64>("1.5"), Ok(1.5));
        assert_eq!(read::<bool>("true"), Ok(true));
        assert_eq!(read::<char>("é"), Ok('é'));
        assert_eq!(read::<Option<u8>>("7"), Ok(Some(7)));
        assert_eq!(read::<Id>("7"), Ok(Id(7)));
        assert_eq!(read::<Color>("darkblue"), Ok(Color::DarkBlue));
        assert_eq!(read::<Vec<u8>>("1, 2"), Ok(vec![1, 2]));
        assert_eq!(
            read::<Vec<String>>(r#"["a,b"]"#),
            Ok(vec!["a,b".to_owned()])
        );
        assert_eq!(read::<(u8, bool)>("1,true"), Ok((1, true)));
        assert_eq!(read::<Point>(r#"{"x":1,"y":2}"#), Ok(Point { x: 1, y: 2 }));
    }

    #[test]
    fn a_value_that_does_not_fit_says_what_would() {
        assert_eq!(
            read::<u8>("300"),
            Err("expected a whole number from 0 to 255, got \"300\"".to_owned())
        );
        assert!(
            read::<Color>("green")
                .expect_err("an error")
                .contains("expected `red` or `darkblue`")
        );
        assert!(read::<char>("ab").is_err());
        assert!(
            read::<Point>("{}")
                .expect_err("an error")
                .contains("missing field")
        );
        let error = read::<bool>("\u{1b}[31m\u{202e}").expect_err("an error");
        assert!(
            !error.contains('\u{1b}') && !error.contains('\u{202e}'),
            "{error}"
        );
        assert!(
            read::<bool>(&"x".repeat(10_000))
                .expect_err("an error")
                .len()
                < 200
        );
    }

    #[test]
    fn only_options_may_be_absent() {
        assert!(<String as FromText>::required());
        assert!(<Color as FromText>::required());
        assert!(!<Option<Color> as FromText>::required());
        assert_eq!(<Option<u8>>::from_text(None), Ok(None));
        assert_eq!(u8::from_text(None), Err("a value is required".to_owned()));
    }

    #[test]
    fn enums_and_flags_list_their_choices() {
        assert_eq!(Color::choices(), ["red", "darkblue"]);
        assert_eq!(<Option<Color>>::choices(), ["red", "darkblue"]);
        assert_eq!(bool::choices(), ["true", "false"]);
        assert!(String::choices().is_empty());
        assert!(Point::choices().is_empty());
    }
}

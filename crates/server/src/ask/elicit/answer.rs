//! A filled-in form, checked and made into a value.

use std::cell::RefCell;
use std::fmt;

use jsonschema::PatternOptions;
use serde::de::value::MapDeserializer;
use serde_json::{Map, Value};

use super::{Elicit, ElicitSchema, Shape, VALUE};

/// How many faults of one answer are told.
const MAX_FAULTS: usize = 4;

/// The client's answer does not fit the form. Says which fields, and never what was in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerError {
    faults: Vec<(Option<String>, String)>,
}

impl AnswerError {
    fn of_form(why: impl fmt::Display) -> Self {
        Self {
            faults: vec![(None, why.to_string())],
        }
    }

    /// The fields that do not fit.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.faults.iter().filter_map(|(field, _)| field.as_deref())
    }
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (field, why)) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            if let Some(field) = field {
                // Escaped: it can be the client's.
                write!(f, "field `{}`: ", field.escape_debug())?;
            }
            f.write_str(why)?;
        }
        Ok(())
    }
}

impl std::error::Error for AnswerError {}

/// The value that a form's content stands for.
///
/// A number such as `3.0` is taken for an integer field too. Fields that the type does not have
/// are ignored unless it denies them.
///
/// # Errors
/// [`AnswerError`] with the fields that break the type's schema, or that it cannot be made from.
pub(crate) fn read_answer<T: Elicit>(content: Map<String, Value>) -> Result<T, AnswerError> {
    let schema = T::schema().map_err(AnswerError::of_form)?;
    let value = schema.value_in(content)?;
    schema.check(&value)?;
    T::deserialize(&value).map_err(|error| AnswerError {
        faults: vec![(schema.field_at_fault::<T>(&value), without_values(&error))],
    })
}

impl ElicitSchema {
    fn value_in(&self, mut content: Map<String, Value>) -> Result<Value, AnswerError> {
        for (name, value) in &mut content {
            if self.form["properties"][name]["type"] == "integer" {
                make_integer(value);
            }
        }
        match self.shape {
            Shape::Fields => Ok(Value::Object(content)),
            Shape::Nothing => Ok(Value::Null),
            Shape::Value => match content.remove(VALUE) {
                Some(value) => Ok(value),
                None if self.form.get("required").is_none() => Ok(Value::Null),
                None => Err(AnswerError {
                    faults: vec![(Some(VALUE.to_owned()), "is missing".to_owned())],
                }),
            },
        }
    }

    /// Against the whole schema, not the form: it has what no form can show.
    fn check(&self, value: &Value) -> Result<(), AnswerError> {
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            // No pattern takes more than linear time.
            .with_pattern_options(PatternOptions::regex())
            .build(&self.full)
            .map_err(|error| AnswerError::of_form(error.masked()))?;
        let faults: Vec<_> = validator
            .iter_errors(value)
            .take(MAX_FAULTS)
            .map(|error| {
                let path = error.instance_path().to_string();
                let field = path
                    .split('/')
                    .nth(1)
                    .map(|name| name.replace("~1", "/").replace("~0", "~"));
                (
                    field.or_else(|| self.only_field()),
                    error.masked().to_string(),
                )
            })
            .collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(AnswerError { faults })
        }
    }

    fn only_field(&self) -> Option<String> {
        (self.shape == Shape::Value).then(|| VALUE.to_owned())
    }

    /// The field at which reading a `T` fails.
    fn field_at_fault<T: Elicit>(&self, value: &Value) -> Option<String> {
        let Value::Object(fields) = value else {
            return self.only_field();
        };
        let current = RefCell::new(None);
        let mut fields = fields.clone().into_iter();
        let noted = std::iter::from_fn(|| {
            let next = fields.next();
            *current.borrow_mut() = next.as_ref().map(|(name, _)| name.clone());
            next
        });
        let failed = T::deserialize(MapDeserializer::<_, serde_json::Error>::new(noted)).is_err();
        current.into_inner().filter(|_| failed)
    }
}

/// Other languages write integers as `3.0`; for JSON Schema that is one.
fn make_integer(value: &mut Value) {
    const MAX_SAFE: f64 = 9_007_199_254_740_991.0;
    if let Some(number) = value.as_f64()
        && !value.is_i64()
        && !value.is_u64()
        && number.fract() == 0.0
        && number.abs() <= MAX_SAFE
    {
        *value = Value::from(number as i64);
    }
}

/// The message of an error of serde's without the value that it quotes.
fn without_values(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match (message.split_once(": "), message.split_once(", expected ")) {
        (Some((what @ ("invalid type" | "invalid value"), _)), Some((_, expected))) => {
            format!("{what}, expected {expected}")
        }
        _ => message.escape_debug().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    struct Order {
        #[schemars(length(min = 2, max = 5), regex(pattern = "^[a-z]+$"))]
        name: String,
        #[schemars(range(min = 1, max = 9))]
        count: u8,
        #[schemars(email)]
        email: Option<String>,
        size: Option<Size>,
        #[schemars(length(max = 2))]
        #[serde(default)]
        extras: Vec<Size>,
        big: Option<i64>,
        #[serde(default)]
        even: Even,
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    enum Size {
        Small,
        Large,
    }

    /// What no schema says.
    #[derive(Debug, PartialEq, Default, Deserialize, JsonSchema)]
    #[serde(try_from = "u32")]
    struct Even(u32);

    impl TryFrom<u32> for Even {
        type Error = String;

        fn try_from(value: u32) -> Result<Self, String> {
            if value.is_multiple_of(2) {
                Ok(Self(value))
            } else {
                Err("must be even".into())
            }
        }
    }

    fn read<T: Elicit>(content: Value) -> Result<T, AnswerError> {
        let Value::Object(content) = content else {
            panic!("content is an object")
        };
        read_answer(content)
    }

    #[test]
    fn answers_that_fit() {
        let order: Order = read(json!({"name": "ada", "count": 3.0})).expect("fits");
        assert_eq!(
            (order.name.as_str(), order.count, order.email, order.size),
            ("ada", 3, None, None)
        );
        let order: Order = read(json!({
            "name": "ada", "count": 9, "email": "a@b.example", "size": "Large",
            "extras": ["Small", "Large"], "big": 9_007_199_254_740_993i64, "even": 4,
            "unknown": {"is": "ignored"}
        }))
        .expect("fits");
        assert_eq!(order.size, Some(Size::Large));
        assert_eq!(order.extras, [Size::Small, Size::Large]);
        assert_eq!(
            (order.big, order.even),
            (Some(9_007_199_254_740_993), Even(4))
        );
        let order: Order =
            read(json!({"name": "ada", "count": 1, "email": null, "size": null})).expect("fits");
        assert_eq!(order.size, None);
    }

    #[test]
    fn answers_that_do_not_fit_name_the_field() {
        for (field, value) in [
            ("name", json!("a")),
            ("name", json!("abcdef")),
            ("name", json!("ABC")),
            ("name", json!(1)),
            ("name", json!(null)),
            ("count", json!(0)),
            ("count", json!(10)),
            ("count", json!(3.5)),
            ("count", json!("3")),
            ("count", json!(1e300)),
            ("email", json!("nobody")),
            ("size", json!("Medium")),
            ("size", json!(["Small"])),
            ("extras", json!("Small")),
            ("extras", json!(["Small", "Medium"])),
            ("extras", json!(["Small", "Small", "Small"])),
            ("even", json!(3)),
            ("big", json!(1e18)),
        ] {
            let mut content = json!({"name": "ada", "count": 3});
            content[field] = value.clone();
            let error = read::<Order>(content).expect_err(&format!("{field}: {value}"));
            assert_eq!(
                error.fields().collect::<Vec<_>>(),
                [field],
                "{value}: {error}"
            );
            assert!(
                error.to_string().starts_with(&format!("field `{field}`: ")),
                "{error}"
            );
        }
        let error = read::<Order>(
            json!({"count": 0, "size": 1, "name": "x", "extras": 1, "big": "x", "even": "y"}),
        );
        assert_eq!(error.expect_err("all wrong").faults.len(), MAX_FAULTS);
        let error = read::<Order>(json!({"name": "ada"})).expect_err("count is missing");
        assert!(error.to_string().contains("\"count\""), "{error}");
    }

    #[test]
    fn errors_do_not_repeat_the_answer() {
        for content in [
            json!({"name": "hunter2\u{1b}[0m", "count": 3}),
            json!({"name": "ada", "count": "hunter2"}),
            json!({"name": "ada", "count": 3, "size": "hunter2"}),
            json!({"name": "ada", "count": 3, "email": "hunter2"}),
            json!({"name": "ada", "count": 3, "even": "hunter2"}),
        ] {
            let error = read::<Order>(content)
                .expect_err("does not fit")
                .to_string();
            assert!(
                !error.contains("hunter2") && !error.contains('\u{1b}'),
                "{error}"
            );
        }
        let quoted = serde_json::from_value::<u8>(json!("hunter2")).expect_err("no number");
        assert_eq!(without_values(&quoted), "invalid type, expected u8");
    }

    #[test]
    fn fields_that_the_type_denies() {
        #[derive(Debug, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        struct Strict {}
        assert!(read::<Strict>(json!({})).is_ok());
        let error = read::<Strict>(json!({"x\u{1b}": 1}))
            .expect_err("denied")
            .to_string();
        assert!(!error.contains('\u{1b}'), "{error}");
    }

    #[test]
    fn single_values() {
        assert_eq!(read(json!({"value": true})), Ok(true));
        assert_eq!(read(json!({"value": "x"})), Ok("x".to_owned()));
        assert_eq!(read(json!({"value": 2.0})), Ok(2u64));
        assert_eq!(read(json!({"value": "Large"})), Ok(Size::Large));
        assert_eq!(read(json!({"value": ["Large"]})), Ok(vec![Size::Large]));
        assert_eq!(read(json!({"value": 1})), Ok(Some(1)));
        assert_eq!(read(json!({})), Ok(None::<bool>));
        assert_eq!(read(json!({})), Ok(()));
        for content in [
            json!({}),
            json!({"value": "true"}),
            json!({"value": null}),
            json!({"other": true}),
        ] {
            let error = read::<bool>(content.clone()).expect_err("no bool");
            assert_eq!(error.fields().collect::<Vec<_>>(), ["value"], "{content}");
        }
        let error = read::<Even>(json!({"value": 3})).expect_err("odd");
        assert_eq!(error.to_string(), "field `value`: must be even");
    }
}

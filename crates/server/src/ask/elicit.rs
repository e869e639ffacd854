//! Forms out of Rust types, and Rust values out of filled-in forms
//! (spec 2026-07-28, client/elicitation).
//!
//! The schema of a form is far smaller than JSON Schema: one flat object of strings, numbers,
//! booleans, enums and lists of enums. Here it is made for the newest revision; writing it for an
//! older one is the projection's part.

mod answer;
mod schema;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use answer::AnswerError;
pub(crate) use answer::read_answer;
pub use schema::ElicitSchemaError;

/// A type that a person can be asked for.
///
/// Every type with `Deserialize` and `JsonSchema` is one, as far as a form can show it:
/// - a struct with named fields, each of them a string, a number, a `bool`, an enum without data,
///   a list of such an enum, or an `Option` of one of these, which need not be filled in;
/// - one such value alone, which is shown as the field `value`;
/// - `()` and structs without fields: nothing to fill in, only to be agreed to.
///
/// Doc comments become descriptions, of fields and of an enum's choices; `#[schemars(title = …)]`
/// titles; `#[serde(default)]` defaults (of types with `Serialize`); `length`, `range`, and the formats `email`, `uri`, `date`
/// and `date-time` are shown. What a form cannot show (`regex` and the like) is checked when the
/// answer comes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a person can be asked for",
    label = "needs `Deserialize` and `JsonSchema`",
    note = "add `#[derive(serde::Deserialize, schemars::JsonSchema)]` to `{Self}`"
)]
pub trait Elicit: DeserializeOwned {
    /// The form for this type.
    ///
    /// # Errors
    /// [`ElicitSchemaError`] if the type holds what no form can show; it names the field.
    fn schema() -> Result<ElicitSchema, ElicitSchemaError>;
}

impl<T: DeserializeOwned + JsonSchema> Elicit for T {
    fn schema() -> Result<ElicitSchema, ElicitSchemaError> {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None);
        let full = settings
            .into_generator()
            .into_root_schema_for::<T>()
            .to_value();
        let (form, shape) = schema::form(&T::schema_name(), &full)?;
        Ok(ElicitSchema { form, full, shape })
    }
}

/// The form for a type.
#[derive(Debug, Clone)]
pub struct ElicitSchema {
    form: Value,
    /// The type's own schema, with all that the form leaves out.
    full: Value,
    shape: Shape,
}

/// How the value lies in the answer's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// It is the content.
    Fields,
    /// It is the member [`VALUE`].
    Value,
    /// There is none.
    Nothing,
}

/// The only field of a form for a single value.
const VALUE: &str = "value";

impl ElicitSchema {
    /// The `requestedSchema`, as 2025-11-25 and 2026-07-28 have it.
    pub fn to_value(&self) -> Value {
        self.form.clone()
    }
}

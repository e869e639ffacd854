use std::collections::{BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::Elicit;
use super::*;

fn form_of<T: Elicit>() -> Value {
    match T::schema() {
        Ok(schema) => schema.to_value(),
        Err(error) => panic!("{error}"),
    }
}

/// The one property of a form for a single value.
fn shown<T: Elicit>() -> Value {
    form_of::<T>()["properties"]["value"].clone()
}

fn error_of<T: Elicit>() -> ElicitSchemaError {
    match T::schema() {
        Ok(schema) => panic!("{}", schema.to_value()),
        Err(error) => error,
    }
}

#[derive(Deserialize, JsonSchema)]
#[allow(dead_code)]
enum Plain {
    Red,
    #[serde(rename = "green!")]
    Green,
}

/// A colour.
#[derive(Deserialize, serde::Serialize, JsonSchema, Default)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code)]
enum Titled {
    #[default]
    /// Like a rose
    Red,
    #[schemars(title = "Green!")]
    /// Like grass
    Green,
    Blue,
}

#[derive(Deserialize, JsonSchema)]
#[allow(dead_code)]
struct Nested {
    x: u8,
}

#[test]
fn strings() {
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code)]
    struct Form {
        /// Your full name
        #[schemars(title = "Name", length(min = 3, max = 50), regex(pattern = "^[a-z]+$"))]
        name: String,
        #[schemars(email)]
        email: String,
        #[schemars(url)]
        page: Option<String>,
        #[schemars(extend("format" = "date"))]
        born: String,
        #[schemars(extend("format" = "uuid"))]
        id: String,
        #[serde(default = "greeting")]
        greeting: String,
        initial: char,
    }
    fn greeting() -> String {
        "Hello".into()
    }
    assert_eq!(
        form_of::<Form>(),
        json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "title": "Name", "description": "Your full name", "minLength": 3, "maxLength": 50},
                "email": {"type": "string", "format": "email"},
                "page": {"type": "string", "format": "uri"},
                "born": {"type": "string", "format": "date"},
                "id": {"type": "string"},
                "greeting": {"type": "string", "default": "Hello"},
                "initial": {"type": "string", "minLength": 1, "maxLength": 1},
            },
            "required": ["name", "email", "born", "id", "initial"]
        })
    );
}

#[test]
fn numbers_and_booleans() {
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code)]
    struct Form {
        #[schemars(range(min = 18, max = 120))]
        age: i32,
        /// How sure
        #[schemars(range(min = 0.0, max = 1.0))]
        sure: f64,
        byte: u8,
        any: Option<i64>,
        #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 10))]
        between: i64,
        #[schemars(extend("exclusiveMinimum" = 0))]
        positive: f32,
        #[serde(default)]
        really: bool,
        #[serde(default)]
        maybe: Option<bool>,
    }
    let form = form_of::<Form>();
    assert_eq!(
        form["properties"],
        json!({
            "age": {"type": "integer", "minimum": 18, "maximum": 120},
            "sure": {"type": "number", "description": "How sure", "minimum": 0.0, "maximum": 1.0},
            "byte": {"type": "integer", "minimum": 0, "maximum": 255},
            "any": {"type": "integer"},
            "between": {"type": "integer", "minimum": 1, "maximum": 9},
            "positive": {"type": "number", "minimum": 0},
            "really": {"type": "boolean", "default": false},
            "maybe": {"type": "boolean"},
        })
    );
    assert_eq!(
        form["required"],
        json!(["age", "sure", "byte", "between", "positive"])
    );
}

#[test]
fn enums() {
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code)]
    struct Form {
        /// Which one
        plain: Plain,
        titled: Titled,
        #[serde(default)]
        defaulted: Titled,
        optional: Option<Plain>,
        optional_titled: Option<Titled>,
    }
    let titles = json!([
        {"const": "blue", "title": "blue"},
        {"const": "red", "title": "Like a rose"},
        {"const": "green", "title": "Green!"}
    ]);
    let mut form = form_of::<Form>();
    // schemars puts what nobody has described first; the order is not what matters here.
    for name in ["titled", "defaulted", "optional_titled"] {
        let choices = form["properties"][name]["oneOf"]
            .as_array_mut()
            .expect("choices");
        choices.sort_by_key(|choice| choice["const"] != "blue");
    }
    assert_eq!(
        form,
        json!({
            "type": "object",
            "properties": {
                "plain": {"type": "string", "description": "Which one", "enum": ["Red", "green!"]},
                "titled": {"type": "string", "description": "A colour.", "oneOf": titles},
                "defaulted": {"type": "string", "description": "A colour.", "default": "red", "oneOf": titles},
                "optional": {"type": "string", "enum": ["Red", "green!"]},
                "optional_titled": {"type": "string", "description": "A colour.", "oneOf": titles},
            },
            "required": ["plain", "titled"]
        })
    );
}

#[test]
fn lists_of_enums() {
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code)]
    struct Form {
        #[schemars(length(min = 1, max = 2))]
        plain: Vec<Plain>,
        titled: Option<BTreeSet<Only>>,
        #[serde(default = "both")]
        defaulted: Vec<Only>,
    }
    #[derive(Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
    #[allow(dead_code)]
    enum Only {
        /// The one
        One,
    }
    fn both() -> Vec<Only> {
        vec![Only::One]
    }
    assert_eq!(
        form_of::<Form>(),
        json!({
            "type": "object",
            "properties": {
                "plain": {"type": "array", "minItems": 1, "maxItems": 2,
                    "items": {"type": "string", "enum": ["Red", "green!"]}},
                "titled": {"type": "array", "items": {"anyOf": [{"const": "One", "title": "The one"}]}},
                "defaulted": {"type": "array", "default": ["One"],
                    "items": {"anyOf": [{"const": "One", "title": "The one"}]}},
            },
            "required": ["plain"]
        })
    );
}

#[test]
fn single_values_and_none() {
    assert_eq!(
        form_of::<bool>(),
        json!({"type": "object", "properties": {"value": {"type": "boolean"}}, "required": ["value"]})
    );
    assert_eq!(
        form_of::<Option<bool>>(),
        json!({"type": "object", "properties": {"value": {"type": "boolean"}}})
    );
    assert_eq!(
        shown::<u8>(),
        json!({"type": "integer", "minimum": 0, "maximum": 255})
    );
    assert_eq!(
        shown::<Plain>(),
        json!({"type": "string", "enum": ["Red", "green!"]})
    );
    assert_eq!(
        shown::<Vec<Plain>>()["items"],
        json!({"type": "string", "enum": ["Red", "green!"]})
    );
    #[derive(Deserialize, JsonSchema)]
    #[schemars(title = "How many")]
    struct Count(#[allow(dead_code)] i8);
    assert_eq!(shown::<Count>()["title"], "How many");
    let nothing = json!({"type": "object", "properties": {}});
    assert_eq!(form_of::<()>(), nothing);
    #[derive(Deserialize, JsonSchema)]
    struct Empty {}
    assert_eq!(form_of::<Empty>(), nothing);
}

#[test]
fn wrappers_are_seen_through() {
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code)]
    struct Wrapped(Flat);
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code)]
    struct Flat {
        name: Name,
        #[serde(flatten)]
        rest: Nested,
    }
    /// A name
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code)]
    struct Name(String);
    assert_eq!(
        form_of::<Wrapped>(),
        json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "A name"},
                "x": {"type": "integer", "minimum": 0, "maximum": 255},
            },
            "required": ["name", "x"]
        })
    );
}

#[test]
fn what_no_form_can_show() {
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code)]
    enum Data {
        A { x: u8 },
        B,
    }
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code)]
    struct Recursive {
        next: Option<Box<Recursive>>,
    }
    #[derive(Deserialize, JsonSchema)]
    #[serde(untagged)]
    #[allow(dead_code)]
    enum Either {
        Text(String),
        Number(u8),
    }
    #[derive(Deserialize, JsonSchema)]
    #[serde(tag = "kind")]
    #[allow(dead_code)]
    enum Tagged {
        A { x: u8 },
        B { y: u8 },
    }
    macro_rules! refused {
        ($($type:ty: $found:ident),* $(,)?) => {$({
            #[derive(Deserialize, JsonSchema)]
            #[allow(dead_code)]
            struct Form {
                fine: bool,
                wrong: $type,
            }
            let error = error_of::<Form>();
            assert_eq!((error.field(), error.found), (Some("wrong"), Found::$found), stringify!($type));
            let text = error.to_string();
            assert!(text.starts_with("`Form.wrong` ") && text.contains("booleans"), "{text}");
        })*};
    }
    refused! {
        Nested: Object,
        Option<Nested>: Object,
        Recursive: Object,
        HashMap<String, u8>: Map,
        serde_json::Map<String, Value>: Map,
        Vec<String>: List,
        Vec<u8>: List,
        Vec<Nested>: List,
        Vec<Vec<Plain>>: List,
        Vec<Data>: List,
        (u8, u8): List,
        Data: DataEnum,
        Option<Data>: DataEnum,
        Tagged: DataEnum,
        Either: Several,
        Value: Anything,
        (): Nothing,
    }
    let whole = [
        (error_of::<HashMap<String, u8>>(), Found::Map),
        (error_of::<Vec<String>>(), Found::List),
        (error_of::<Data>(), Found::DataEnum),
        (error_of::<Tagged>(), Found::DataEnum),
        (error_of::<Value>(), Found::Anything),
    ];
    for (error, found) in whole {
        assert_eq!((error.field(), error.found), (None, found), "{error}");
    }
}

#[test]
fn schemas_that_lead_nowhere() {
    for (schema, found) in [
        (json!({"$ref": "#"}), Found::Anything),
        (
            json!({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}),
            Found::Anything,
        ),
        (json!({"$ref": "#/$defs/A"}), Found::Anything),
        (
            json!({"$ref": "https://example.com/schema"}),
            Found::Anything,
        ),
        (
            json!({"allOf": [{"allOf": [{"allOf": [true]}]}]}),
            Found::Anything,
        ),
        (json!({"enum": [1, 2]}), Found::NumberEnum),
        (json!({"const": 1}), Found::NumberEnum),
        (json!({"type": ["string", "integer"]}), Found::Several),
        (json!(true), Found::Anything),
    ] {
        let error = form("T", &schema).expect_err("leads nowhere");
        assert_eq!(error.found, found, "{schema}");
    }
}

#[test]
fn schemas_written_by_hand() {
    let root = |schema: Value| {
        json!({
            "type": "object",
            "properties": {"a": schema},
            "required": ["a"],
            "$defs": {"A": {"type": "string", "title": "inner", "description": "inner"}},
        })
    };
    for (schema, shown, required) in [
        (
            json!({"type": ["null", "string"]}),
            json!({"type": "string"}),
            false,
        ),
        (
            json!({"type": ["string", "null"], "enum": ["x", null], "default": null}),
            json!({"type": "string", "enum": ["x"]}),
            false,
        ),
        (
            json!({"$ref": "#/$defs/A", "description": "outer"}),
            json!({"type": "string", "title": "inner", "description": "outer"}),
            true,
        ),
        (
            json!({"allOf": [{"$ref": "#/$defs/A"}], "title": "outer"}),
            json!({"type": "string", "title": "outer", "description": "inner"}),
            true,
        ),
        (
            json!({"oneOf": [{"enum": ["x", "y"], "description": "both"}, {"const": "z"}]}),
            json!({"type": "string", "enum": ["x", "y", "z"]}),
            true,
        ),
        (
            json!({"enum": ["x"], "default": "y", "pattern": "x", "minLength": 1}),
            json!({"type": "string", "enum": ["x"]}),
            true,
        ),
        (
            json!({"type": "array", "items": {"enum": ["x"]}, "default": ["x", "y"], "uniqueItems": true}),
            json!({"type": "array", "items": {"type": "string", "enum": ["x"]}}),
            true,
        ),
        (
            json!({"type": "integer", "minimum": "x", "default": "y", "multipleOf": 2}),
            json!({"type": "integer"}),
            true,
        ),
    ] {
        let (form, _) = form("T", &root(schema.clone())).expect("can be shown");
        assert_eq!(form["properties"]["a"], shown, "{schema}");
        assert_eq!(form.get("required").is_some(), required, "{schema}");
    }
    let mut several = root(json!({"type": "string"}));
    several["oneOf"] = json!([{"required": ["b"]}, {"required": ["c"]}]);
    assert_eq!(
        form("T", &several).expect_err("varies").found,
        Found::DataEnum
    );
}

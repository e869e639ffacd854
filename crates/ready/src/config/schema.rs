//! The JSON Schema of `wharf.toml`, made from the types that read it.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::kinds::Kind;
use super::settings::{Common, Settings};

/// The JSON Schema of the file, for editors.
pub fn schema() -> Value {
    let mut schema = of::<Settings>();
    let mut definitions = taken(&mut schema, "$defs");
    let common = of::<Common>();
    for kind in Kind::ALL {
        let mut options = kind.schema(&mut generator()).to_value();
        definitions.extend(taken(&mut options, "$defs"));
        remove(&mut options, "$schema");
        remove(&mut options, "title");
        let description = options.get("description").cloned();
        let properties = object(&mut options, "properties");
        if let Some(Value::Object(more)) = common.get("properties") {
            properties.extend(more.clone());
        }
        let name = format!("pack_{}", kind.name());
        let entry = json!({ "$ref": format!("#/$defs/{name}") });
        let mut property = json!({
            "anyOf": [entry, { "type": "array", "items": entry }, { "type": "boolean" }]
        });
        if let Some(description) = description {
            property["description"] = description;
        }
        object(&mut schema, "properties").insert(kind.name().to_owned(), property);
        definitions.insert(name, options);
    }
    schema["title"] = "wharf.toml".into();
    schema["$defs"] = Value::Object(definitions);
    without_null(&mut schema);
    schema
}

/// TOML has no null: what may be null in the types is what may be left out.
fn without_null(schema: &mut Value) {
    let Value::Object(map) = schema else {
        if let Value::Array(items) = schema {
            items.iter_mut().for_each(without_null);
        }
        return;
    };
    if map.get("default").is_some_and(Value::is_null) {
        map.shift_remove("default");
    }
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = &types[..] {
            let one = one.clone();
            map.insert("type".into(), one);
        }
    }
    if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type") != Some(&json!("null")));
        if let [Value::Object(one)] = &choices[..] {
            let one = one.clone();
            map.shift_remove("anyOf");
            map.extend(one);
        }
    }
    map.values_mut().for_each(without_null);
}

fn generator() -> SchemaGenerator {
    // The draft that editors of TOML know.
    SchemaSettings::draft2020_12().into_generator()
}

fn of<T: schemars::JsonSchema>() -> Value {
    generator().into_root_schema_for::<T>().to_value()
}

fn object<'a>(value: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    if !value[key].is_object() {
        value[key] = json!({});
    }
    match &mut value[key] {
        Value::Object(map) => map,
        _ => unreachable!("made above"),
    }
}

fn taken(value: &mut Value, key: &str) -> Map<String, Value> {
    match remove(value, key) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn remove(value: &mut Value, key: &str) -> Option<Value> {
    value.as_object_mut().and_then(|map| map.shift_remove(key))
}

//! The extensions of a running server: checked, and found by method.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::{Map, Value};
use wharf_protocol::method::Method;

use super::{Extension, ExtensionMethod, OnlyWhile};
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::handler::text::{is_invisible, shown};

/// What a server adds to the protocol.
#[derive(Debug, Default)]
pub(crate) struct Extensions {
    /// Settings by identifier.
    declared: IndexMap<String, (Value, Option<OnlyWhile>)>,
    methods: HashMap<String, Own>,
}

/// A method, and the extension that it is part of.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) method: ExtensionMethod,
    /// The extension that the client must have declared.
    pub(crate) required: Option<String>,
    only_while: Option<OnlyWhile>,
}

impl Extensions {
    /// Adds an extension.
    ///
    /// # Errors
    /// [`Error::is_invalid_definition`]: the identifier is not one, it or a method is there
    /// already, or a method is the specification's.
    pub(crate) fn add(&mut self, extension: Extension) -> Result<()> {
        let id = extension.id.clone();
        self.try_add(extension)
            .map_err(|error| error.context(format_args!("extension `{}`", shown(&id))))
    }

    fn try_add(&mut self, extension: Extension) -> Result<()> {
        let Extension {
            id,
            settings,
            methods,
            required,
            only_while,
        } = extension;
        if !is_identifier(&id) {
            return Err(Error::invalid_definition(
                "an identifier is a prefix of dotted names, a slash and a name: `com.example/maps`",
            ));
        }
        for method in methods {
            check_method(&method.name)?;
            let name = method.name.clone();
            let own = Own {
                method,
                required: required.then(|| id.clone()),
                only_while,
            };
            if self.methods.insert(name.clone(), own).is_some() {
                return Err(Error::invalid_definition(format_args!(
                    "method `{name}` is given twice"
                )));
            }
        }
        if self
            .declared
            .insert(id, (settings.into(), only_while))
            .is_some()
        {
            return Err(Error::invalid_definition("it is given twice"));
        }
        Ok(())
    }

    /// The settings that clients are told of, by identifier.
    pub(crate) fn declared(&self, catalog: &Catalog) -> Map<String, Value> {
        self.declared
            .iter()
            .filter(|(_, (_, only_while))| only_while.is_none_or(|is| is(catalog)))
            .map(|(id, (settings, _))| (id.clone(), settings.clone()))
            .collect()
    }

    /// The method of this name.
    pub(crate) fn method(&self, name: &str, catalog: &Catalog) -> Option<&Own> {
        let own = self.methods.get(name)?;
        own.only_while.is_none_or(|is| is(catalog)).then_some(own)
    }
}

fn check_method(name: &str) -> Result<()> {
    let why = if Method::parse(name).is_some() {
        "is the specification's"
    } else if name.starts_with("notifications/") || name.starts_with("rpc.") {
        "is not the name of a request"
    } else if name.is_empty() || name.contains(is_invisible) || !name.is_ascii() {
        "has characters that a header cannot carry"
    } else {
        return Ok(());
    };
    let name = shown(name);
    Err(Error::invalid_definition(format_args!(
        "method `{name}` {why}"
    )))
}

/// The rules of the keys of `_meta` (specification 2026-07-28, basic/index, "`_meta`"), with a
/// prefix that must be there.
fn is_identifier(id: &str) -> bool {
    let Some((prefix, name)) = id.split_once('/') else {
        return false;
    };
    let is_label = |label: &str| {
        label.starts_with(|c: char| c.is_ascii_alphabetic())
            && label.ends_with(|c: char| c.is_ascii_alphanumeric())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    prefix.split('.').all(is_label)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Context;

    fn with_method(name: &str) -> Extension {
        Extension::new("com.example/a").method(name, |_: Map<String, Value>, _: Context| async {
            Ok::<_, Error>(Map::new())
        })
    }

    #[test]
    fn identifiers_have_a_prefix_and_a_name() {
        for good in ["com.example/a", "a/b", "io.x-y.z2/some_name.v-2"] {
            assert!(is_identifier(good), "{good}");
        }
        for bad in [
            "", "a", "/a", "a/", "a//b", "a/b/c", "1a/b", "a-/b", "a..b/c", "a/-b", "a/b c", "é/a",
        ] {
            assert!(!is_identifier(bad), "{bad}");
        }
    }

    #[test]
    fn a_method_of_the_specification_is_not_shadowed() {
        for bad in [
            "tools/call",
            "ping",
            "logging/setLevel",
            "notifications/x",
            "rpc.x",
            "",
            "a\nb",
        ] {
            let error = Extensions::default().add(with_method(bad)).expect_err(bad);
            assert!(
                error.is_invalid_definition() && error.message().contains("com.example/a"),
                "{error}"
            );
        }
        Extensions::default()
            .add(with_method("maps/get"))
            .expect("a name of its own");
    }

    #[test]
    fn what_is_given_twice_is_refused() {
        let mut extensions = Extensions::default();
        extensions.add(with_method("a/b")).expect("the first");
        let again = extensions.add(Extension::new("com.example/a"));
        assert!(again.is_err_and(|error| error.message().contains("it is given twice")));
        let mut other = with_method("a/b");
        other.id = "com.example/other".into();
        let again = extensions.add(other);
        assert!(again.is_err_and(|error| error.message().contains("method `a/b` is given twice")));
    }
}

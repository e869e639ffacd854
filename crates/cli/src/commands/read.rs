//! `wharf read`: a resource.

use std::path::PathBuf;

use wharf_protocol::uri_template::UriTemplate;

use crate::arguments::{Given, texts};
use crate::failure::Failure;
use crate::options::Options;
use crate::session;
use crate::show::{self, Out, Saver};

/// Read a resource
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// An address, a command line in quotes, or the name of a server in a host
    #[arg(value_name = "TARGET")]
    target: String,

    /// The resource, or a template of resources
    #[arg(value_name = "URI")]
    uri: String,

    /// The variables of a template: key=value
    #[arg(value_name = "VARIABLE")]
    variables: Vec<String>,

    /// Where the contents go, as they are
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,

    /// Show text exactly as it came, with whatever control characters are in it
    #[arg(long, help_heading = "Output")]
    raw: bool,

    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Text is shown; what is not text goes into a file that is named, or where standard output goes.

Examples:
  wharf read http://127.0.0.1:8000/mcp wharf://about
  wharf read http://127.0.0.1:8000/mcp 'greeting://{name}' name=Ada
  wharf read http://127.0.0.1:8000/mcp wharf://logo -o logo.png
  wharf read http://127.0.0.1:8000/mcp wharf://logo > logo.png";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let uri = uri(&args.uri, &args.variables)?;
    session::run(
        &args.target,
        &args.options,
        |builder| builder,
        async |session| {
            let result = session.client.read(&uri).await;
            let result = result.map_err(|error| session.failure(&error))?;
            let out = Out {
                raw: args.raw,
                ..session.out
            };
            if out.json {
                return session.model(&result).await;
            }
            show::resource_contents(&result.contents, out, &mut Saver::new(args.output.clone()))
        },
    )
}

/// A URI, with the variables of a template put in.
fn uri(text: &str, variables: &[String]) -> Result<String, Failure> {
    let given: Result<Vec<_>, _> = variables.iter().map(|word| Given::parse(word)).collect();
    let values = texts(&given?)?;
    if !text.contains('{') {
        return match values.keys().next() {
            None => Ok(text.to_owned()),
            Some(name) => Err(Failure::new(format!(
                "there is no variable {name} in {text}"
            ))),
        };
    }
    let template = UriTemplate::parse(text)
        .map_err(|error| Failure::new(format!("{text:?} is not a template: {error}")))?;
    let names: Vec<&str> = template.variables().collect();
    if let Some(unknown) = values.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(
            Failure::new(format!("there is no variable {unknown} in {text}"))
                .next(format!("it has {}", names.join(", "))),
        );
    }
    let needed = needed(text);
    let missing: Vec<&str> = names
        .into_iter()
        .filter(|name| needed.contains(name) && !values.contains_key(*name))
        .collect();
    if !missing.is_empty() {
        return Err(Failure::new(format!("{text} needs {}", missing.join(", ")))
            .next(format!("give {}=…", missing[0])));
    }
    let values: Vec<_> = values.iter().collect();
    Ok(template.expand(&values))
}

/// The variables without which the URI would be another: all but those of its query.
fn needed(template: &str) -> Vec<&str> {
    let expressions = template
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'));
    let expressions = expressions.filter(|(inner, _)| !inner.starts_with(['?', '&']));
    expressions
        .flat_map(|(inner, _)| {
            inner
                .trim_start_matches(['+', '#', '.', '/', ';'])
                .split(',')
        })
        .map(|name| name.split([':', '*']).next().unwrap_or(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_a_template() {
        let made = |text: &str, words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            uri(text, &words).map_err(|failure| failure.to_string())
        };
        let template = "weather://{city}{/days*}{?unit,limit}";
        for (text, words, expected) in [
            ("wharf://about", &[][..], "wharf://about"),
            (
                template,
                &["city=New York", "days=3"],
                "weather://New%20York/3",
            ),
            (
                template,
                &["city=Bern", "days=3", "limit=2"],
                "weather://Bern/3?limit=2",
            ),
        ] {
            assert_eq!(made(text, words).as_deref(), Ok(expected), "{words:?}");
        }
        for (text, words, expected) in [
            ("wharf://about", &["x=1"][..], "there is no variable x"),
            (template, &["days=3"], "needs city; give city=…"),
            (
                template,
                &["town=x"],
                "no variable town in weather://{city}{/days*}{?unit,limit}; it has city, days, unit, limit",
            ),
            ("a://{b", &["b=1"], "is not a template"),
        ] {
            let error = made(text, words).expect_err(text);
            assert!(error.contains(expected), "{error}");
        }
    }
}

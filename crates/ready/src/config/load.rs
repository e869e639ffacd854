//! [`Config`]: the file and the arguments, read into types.

use std::path::{Path, PathBuf};

use wharf::{Lists, Server};

use super::admit::Admit;
use super::argument;
use super::kinds::{Kind, Options};
use super::node::{Entry, Node, Span, Value};
use super::problem::{Problem, Problems};
use super::read::Reading;
use super::resolve::{self, Outside};
use super::settings::{Common, Settings};
use super::source::Source;

/// What the file is usually called.
pub const FILE_NAME: &str = "wharf.toml";

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// What somebody asks to be served.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The file.
    pub file: Option<PathBuf>,
    /// Packs, each as `KIND:WHAT?key=value`.
    pub packs: Vec<String>,
    /// Leave out every tool that does not say that it only reads.
    pub read_only: bool,
    /// Patterns of the tools that are served; none for all.
    pub allow: Vec<String>,
    /// Patterns of the tools that are not served.
    pub deny: Vec<String>,
}

/// A configuration that can be read: every key is known, every value has its type, every `${…}`
/// is resolved. Whether the packs can be opened is another matter: see [`Site`](super::Site).
#[derive(Debug, Clone)]
pub struct Config {
    /// Everything but the packs.
    pub settings: Settings,
    pub(super) packs: Vec<PackConfig>,
    /// What is let through of all packs, each with where its patterns stand.
    pub(super) admits: Vec<(Admit, Patterns)>,
    /// Nothing was asked for.
    pub(super) is_starter: bool,
}

/// A pack as it is to be opened.
#[derive(Debug, Clone)]
pub(super) struct PackConfig {
    pub(super) options: Options,
    pub(super) common: Common,
    pub(super) base: PathBuf,
    pub(super) place: Place,
}

impl PartialEq for PackConfig {
    /// Where it stands is no difference.
    fn eq(&self, other: &Self) -> bool {
        (&self.options, &self.common, &self.base) == (&other.options, &other.common, &other.base)
    }
}

impl PackConfig {
    /// What it is called: `files:~/notes`.
    pub(super) fn called(&self) -> String {
        let what = self.place.what.as_deref().unwrap_or_default();
        format!("{}:{what}", self.options.kind().name())
    }
}

/// Where a pack stands, for problems that come up later.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) source: Source,
    /// The value by which it is known, or its header.
    pub(super) main: Span,
    /// What it serves, as it is written.
    pub(super) what: Option<String>,
    pub(super) patterns: Patterns,
    /// The `${…}` in its options with their values.
    pub(super) values: Values,
}

/// `${…}` and what they stand for.
#[derive(Clone, Default)]
pub(super) struct Values(pub(super) Vec<(String, String)>);

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// The patterns of `allow` and `deny`, with their places.
#[derive(Debug, Clone, Default)]
pub(super) struct Patterns(pub(super) Vec<(String, Source, Span)>);

impl Patterns {
    fn of(node: &Node, source: &Source) -> Self {
        let entries = ["allow", "deny"]
            .into_iter()
            .filter_map(|key| node.get(key));
        let texts = entries.flat_map(|entry| match &entry.node.value {
            Value::List(items) => items
                .iter()
                .flat_map(|item| {
                    item.texts()
                        .into_iter()
                        .map(|t| (t.text.to_string(), item.span.clone()))
                })
                .collect(),
            Value::Text(text) => text
                .text
                .split(',')
                .map(|part| (part.trim().to_owned(), entry.node.span.clone()))
                .collect(),
            _ => Vec::new(),
        });
        Self(
            texts
                .map(|(text, span)| (text, source.clone(), span))
                .collect(),
        )
    }

    fn of_arguments(patterns: &[String]) -> Self {
        let place = |pattern: &String| {
            (
                pattern.clone(),
                Source::argument(pattern.clone()),
                0..pattern.len(),
            )
        };
        Self(patterns.iter().map(place).collect())
    }
}

impl Config {
    /// Reads what is asked for, with the variables of this process.
    ///
    /// # Errors
    /// Everything that is wrong with the text. Nothing is opened yet but the files of `${file:…}`.
    pub fn load(given: &Given) -> Result<Self, Problems> {
        Self::load_with(given, &|name| std::env::var(name).ok())
    }

    /// Reads what is asked for, with other variables.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_with(
        given: &Given,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Problems> {
        let mut config = match &given.file {
            Some(path) => Self::of_file(path, env),
            None => Ok(Self::empty()),
        };
        let mut problems = Problems::default();
        let nothing = given.file.is_none() && given.packs.is_empty();
        let starter = STARTER.iter().copied().filter(|_| nothing);
        for argument in given.packs.iter().map(String::as_str).chain(starter) {
            match (of_argument(argument), &mut config) {
                (Ok(pack), Ok(config)) => config.packs.push(pack),
                (Ok(_), Err(_)) => {}
                (Err(wrong), _) => problems.append(wrong),
            }
        }
        let mut config = match config {
            Ok(config) => config,
            Err(mut wrong) => {
                wrong.append(problems);
                wrong.into_result()?;
                return Ok(Self::empty());
            }
        };
        problems.into_result()?;
        let admit = Admit {
            read_only: given.read_only,
            allow: (!given.allow.is_empty()).then(|| given.allow.clone()),
            deny: given.deny.clone(),
        };
        let mut patterns = Patterns::of_arguments(&given.allow);
        patterns.0.extend(Patterns::of_arguments(&given.deny).0);
        config.admits.push((admit, patterns));
        config.is_starter = nothing;
        Ok(config)
    }

    fn empty() -> Self {
        Self {
            settings: Settings::default(),
            packs: Vec::new(),
            admits: Vec::new(),
            is_starter: false,
        }
    }

    /// Whether nothing was asked for, so that it is the starter.
    pub fn is_starter(&self) -> bool {
        self.is_starter
    }

    /// The server that it describes, with nothing in it yet; a [`Site`](super::Site) fills it.
    pub fn server(&self) -> Server {
        let settings = &self.settings;
        let mut server = match self.is_starter {
            true => crate::described_starter(),
            false => Server::new(settings.name.as_deref().unwrap_or("wharf")).version(
                settings
                    .version
                    .as_deref()
                    .unwrap_or(env!("CARGO_PKG_VERSION")),
            ),
        };
        if let Some(title) = &settings.title {
            server = server.title(title);
        }
        if let Some(description) = &settings.description {
            server = server.description(description);
        }
        if let Some(instructions) = &settings.instructions {
            server = server.instructions(instructions);
        }
        // What is not there yet may come with a change.
        server.offer(Lists {
            tools: true,
            resources: true,
            prompts: true,
        })
    }

    /// Reads a text as if it were a file.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn of_text(
        name: &str,
        text: &str,
        base: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Problems> {
        let source = Source::file(name, text);
        let outside = Outside { env, base };
        let (mut node, errors) = Node::parse(&source);
        let mut problems = Problems::default();
        for error in errors {
            let end = source.text().len();
            let span = error.span().unwrap_or(end..end);
            problems.add(Problem::new(&source, &span, error.message()));
        }
        // What comes after an error of the syntax may not be what it looks like.
        problems.into_result()?;
        let mut problems = resolve::resolve(&mut node, &source, &outside);
        let config = of_table(node, &source, base, &mut problems);
        problems.into_result()?;
        Ok(config.unwrap_or_else(Self::empty))
    }

    fn of_file(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        let name = path.display().to_string();
        let text = read(path).map_err(|why| {
            let problem = Problem::of_file(&name, why);
            Problems::from(problem.next("`wharf init` writes a new one"))
        })?;
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let base = whole.parent().unwrap_or(Path::new(""));
        Self::of_text(&name, &text, base, env)
    }
}

/// What is served where nothing is asked for.
const STARTER: &[&str] = &["starter:", "llm:"];

fn read(path: &Path) -> Result<String, String> {
    use std::io::Read as _;
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => format!("it cannot be read: {error}"),
    };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let length = file
        .take(MAX_FILE + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    match length as u64 > MAX_FILE {
        true => Err(format!("it has more than {MAX_FILE} bytes")),
        false => Ok(text),
    }
}

/// Reads the whole table of a file.
fn of_table(
    mut root: Node,
    source: &Source,
    base: &Path,
    problems: &mut Problems,
) -> Option<Config> {
    let patterns = Patterns::of(&root, source);
    let mut packs = Vec::new();
    let mut found: Vec<(Kind, Entry)> = Kind::ALL
        .iter()
        .filter_map(|kind| Some((*kind, root.take(kind.name())?)))
        .collect();
    found.sort_by_key(|(_, entry)| entry.key_span.start);
    for (kind, entry) in found {
        for node in tables(kind, entry, source, problems) {
            packs.extend(of_pack(kind, node, source, base, problems));
        }
    }
    // A later header of a list may stand anywhere.
    packs.sort_by_key(|pack: &PackConfig| pack.place.main.start);
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    let mut reading = Reading {
        source,
        part: "the file".into(),
        others: &kinds,
        problems,
    };
    let mut settings: Settings = reading.read(&root)?;
    settings.state = settings.state.map(|state| state_at(&state, base));
    Some(Config {
        is_starter: false,
        admits: vec![(settings.admit(), patterns)],
        settings,
        packs,
    })
}

/// A file of the state is found as all others are.
fn state_at(state: &str, base: &Path) -> String {
    let path = state.strip_prefix("sqlite:");
    match path.map(|path| path.strip_prefix("//").unwrap_or(path)) {
        Some(path) if !path.is_empty() && path != ":memory:" => {
            format!("sqlite:{}", resolve::at(path, base).display())
        }
        _ => state.to_owned(),
    }
}

/// The tables of one kind: `[kind]`, `[[kind]]`, or `kind = true`.
fn tables(kind: Kind, entry: Entry, source: &Source, problems: &mut Problems) -> Vec<Node> {
    let span = entry.node.span.clone();
    match entry.node.value {
        Value::Table(_) => vec![entry.node],
        Value::List(items) => items,
        Value::Bool(true) => vec![Node::new(span, Value::Table(Vec::new()))],
        Value::Bool(false) => Vec::new(),
        _ => {
            let reason = format!("this is {}, and should be a table", entry.node.kind());
            let next = format!(
                "write `[{0}]`, or `{0} = true` for one without options",
                kind.name()
            );
            problems.add(Problem::new(source, &span, reason).next(next));
            Vec::new()
        }
    }
}

fn of_argument(text: &str) -> Result<PackConfig, Problems> {
    let source = Source::argument(text);
    let (kind, node) = argument::parse(&source)?;
    let base = std::env::current_dir().unwrap_or_default();
    let mut problems = Problems::default();
    let pack = of_pack(kind, node, &source, &base, &mut problems);
    match (problems.into_result(), pack) {
        (Err(problems), _) => Err(problems),
        (Ok(()), Some(pack)) => Ok(pack),
        (Ok(()), None) => {
            Err(Problem::new(&source, &(0..text.len()), "this pack cannot be read").into())
        }
    }
}

/// Reads one pack's table.
fn of_pack(
    kind: Kind,
    mut node: Node,
    source: &Source,
    base: &Path,
    problems: &mut Problems,
) -> Option<PackConfig> {
    let part = match source.name() {
        Some(_) => format!("[{}]", kind.name()),
        None => format!("`{}:`", kind.name()),
    };
    if !matches!(node.value, Value::Table(_)) {
        let reason = format!("this is {}, and should be a table", node.kind());
        problems.add(Problem::new(source, &node.span, reason));
        return None;
    }
    let main = kind.what().first().and_then(|key| node.get(key));
    let place = Place {
        source: source.clone(),
        what: what(kind, &node, source),
        main: main.map_or_else(|| node.span.clone(), |entry| entry.node.span.clone()),
        patterns: Patterns::of(&node, source),
        values: Values(resolve::values(&node)),
    };
    let common = Common::KEYS
        .iter()
        .filter_map(|key| node.take(key))
        .collect();
    let common = Node::new(node.span.clone(), Value::Table(common));
    let mut reading = Reading {
        source,
        part,
        others: Common::KEYS,
        problems,
    };
    let common: Option<Common> = reading.read(&common);
    let options = kind.read(&node, &mut reading);
    Some(PackConfig {
        options: options?,
        common: common?,
        base: base.to_owned(),
        place,
    })
}

/// What a pack serves, as it is written: a `${…}` is not resolved.
fn what(kind: Kind, node: &Node, source: &Source) -> Option<String> {
    let written = kind.what().iter().filter_map(|key| {
        let span = node.get(key)?.node.span.clone();
        let text = source.text().get(span)?.trim_matches(['"', '\'']);
        Some(text.to_owned())
    });
    let written: Vec<String> = written.collect();
    (!written.is_empty()).then(|| written.join("/"))
}

//! [`Session`]: a command that is connected to a server.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use std::io::IsTerminal as _;

use serde_json::json;
use serde_json::value::RawValue;
use wharf_client::{AskError, Builder, Client, Error, Form, Listed, Page, Pages, Stderr, Timeouts};
use wharf_protocol::error::ErrorCode;
use wharf_protocol::projection::ProjectMembers;
use wharf_protocol::{ElicitResult, Root};

use crate::ask::{Answer, Asker};
use crate::completion;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::hosts::Secret;
use crate::llm::Llm;
use crate::options::Options;
use crate::show::{Out, Progress};
use crate::signal::StopSignal;
use crate::target::{self, Target};
use crate::terminal::{DIM, say, styled};
use crate::{log, runtime, tokens};

/// How long the end of a connection may take.
const FAREWELL: Duration = Duration::from_secs(3);

/// A connection to the server that a command is for.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) out: Out,
    pub(crate) progress: Progress,
    /// As it was given, for hints.
    pub(crate) target: String,
}

/// Connects, does `work`, and takes leave. Ctrl-C ends the work in order, a second one at once.
pub(crate) fn run<F>(
    target: &str,
    options: &Options,
    set: impl FnOnce(Builder) -> Builder,
    work: impl FnOnce(Arc<Session>) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    talk(target, options, set, async |session, signal| {
        let progress = session.progress.clone();
        tokio::select! {
            biased;
            result = work(session) => result,
            _ = signal.wait() => {
                progress.finish();
                say(styled(DIM, "cancelled"));
                Err(Failure::silent(Exit::Interrupted))
            }
        }
    })
}

/// The same with work that deals with Ctrl-C itself.
pub(crate) fn talk(
    target: &str,
    options: &Options,
    set: impl FnOnce(Builder) -> Builder,
    work: impl AsyncFnOnce(Arc<Session>, &mut StopSignal) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if options.verbose > 1 {
        log::start_at(tracing::Level::DEBUG)?;
    }
    runtime::here(async {
        let mut signal = StopSignal::new()
            .map_err(|error| Failure::new(format!("cannot wait for signals: {error}")))?;
        let progress = Progress::default();
        let session = tokio::select! {
            biased;
            session = connect(target, options, progress.clone(), set) => Arc::new(session?),
            _ = signal.wait() => return Err(Failure::silent(Exit::Interrupted)),
        };
        let result = work(Arc::clone(&session), &mut signal).await;
        progress.finish();
        // What was dropped above is told to the server before the connection ends.
        tokio::task::yield_now().await;
        tokio::select! {
            () = session.client.clone().close() => {}
            () = tokio::time::sleep(FAREWELL) => {}
            _ = signal.wait() => {}
        }
        result
    })
}

async fn connect(
    text: &str,
    options: &Options,
    progress: Progress,
    set: impl FnOnce(Builder) -> Builder,
) -> Result<Session, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let llm = options
        .llm
        .as_deref()
        .map(|llm| Llm::parse(llm, variable))
        .transpose()?;
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let asker = Arc::new(Asker {
        answers: options.answers.clone(),
        person: terminal && !options.no_input,
        llm,
        progress: progress.clone(),
        turn: tokio::sync::Mutex::new(()),
    });
    let resolved = target::resolve(text, &|id| asker.given(id).map(str::to_owned))?;
    if let Some(origin) = &resolved.origin
        && (options.verbose > 0 || origin.of_project)
    {
        say(styled(
            DIM,
            format_args!("{text}: {}", escape::line(&origin.text)),
        ));
    }
    let mut builder = set(Client::builder()).name("wharf", env!("CARGO_PKG_VERSION"));
    let mut timeouts = Timeouts::default();
    if let Some(timeout) = options.timeout {
        timeouts.request = timeout;
        timeouts.start = timeout;
        timeouts.connect = timeouts.connect.min(timeout);
    }
    builder = builder.timeouts(timeouts);
    if let Some(revision) = options.revision {
        builder = builder.revision(revision);
    }
    if let Some(transport) = options.transport {
        builder = builder.transport(transport);
    }
    if !options.roots.is_empty() {
        let roots: Result<Vec<Root>, Failure> =
            options.roots.iter().map(|root| root_of(root)).collect();
        builder = builder.roots(roots?);
    }
    builder = answered_by(builder, &asker);
    let report = progress.clone();
    let connected = match resolved.target {
        Target::Url {
            url,
            transport,
            headers,
        } => {
            if !options.env.is_empty() {
                return Err(Failure::new(
                    "--env is for commands, and this target is an address",
                ));
            }
            if let (None, Some("sse")) = (options.transport, transport) {
                builder = builder.transport(wharf_client::Transport::Sse);
            }
            let given = headers.iter().chain(&options.headers);
            if !given
                .clone()
                .any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
                && let Some(kept) = tokens::of(&url)
            {
                builder = builder.authorize(kept);
            }
            for (name, Secret(value)) in given {
                builder = builder.header(name, value);
            }
            builder.connect(&url).await
        }
        Target::Command {
            program,
            arguments,
            env,
            directory,
        } => {
            if !options.headers.is_empty() {
                return Err(Failure::new(
                    "--header is for addresses, and this target is a command",
                ));
            }
            let mut command = wharf_client::Command::new(program).args(arguments);
            let mut secrets = Vec::new();
            for (name, Secret(value)) in env.into_iter().chain(options.env.iter().cloned()) {
                // What is shorter is no secret, but part of words.
                secrets.extend((value.len() >= 4).then(|| value.clone()));
                command = command.env(name, value);
            }
            if let Some(directory) = directory {
                command = command.current_dir(directory);
            }
            let heard = progress.clone();
            let stderr = match options.verbose {
                0 => Stderr::Discard,
                _ => Stderr::Lines(Arc::new(move |line| {
                    let hide = |line: String, secret: &String| line.replace(secret, "…");
                    let line = secrets.iter().fold(line.to_owned(), hide);
                    heard.aside(|| say(styled(DIM, format_args!("| {}", escape::line(&line)))));
                })),
            };
            builder.open(command.stderr(stderr)).await
        }
    };
    let client = connected.map_err(|error| failure(text, &error))?;
    if options.verbose > 0
        && let Ok(info) = client.info().await
    {
        let how = format!(
            "connected, revision {}, {:?}",
            info.revision, info.transport
        );
        report.aside(|| say(styled(DIM, how)));
    }
    Ok(Session {
        client,
        out: Out::new(options.json, false),
        progress,
        target: text.to_owned(),
    })
}

/// Lets the asker answer what the server asks.
fn answered_by(builder: Builder, asker: &Arc<Asker>) -> Builder {
    let result = |answer| match answer {
        Answer::Accept(values) => ElicitResult::accept(values),
        Answer::Decline => ElicitResult::decline(),
        Answer::Cancel => ElicitResult::cancel(),
    };
    let (forms, pages, models) = (Arc::clone(asker), Arc::clone(asker), Arc::clone(asker));
    let builder = builder
        .on_elicit(move |form: Form| {
            let asker = Arc::clone(&forms);
            async move { Ok(result(asker.form(form.message, form.schema).await)) }
        })
        .on_elicit_url(move |page: Page| {
            let asker = Arc::clone(&pages);
            async move { Ok(result(asker.page(page.message, page.url).await)) }
        });
    if asker.llm.is_none() && !asker.person {
        return builder;
    }
    // A person cannot be handed tools; a model can.
    let builder = match asker.llm {
        Some(_) => builder.samples_with_tools(),
        None => builder,
    };
    builder.on_sample(move |params| {
        let asker = Arc::clone(&models);
        async move { asker.sample(params).await.map_err(AskError::refused) }
    })
}

fn root_of(path: &std::path::Path) -> Result<Root, Failure> {
    let wrong =
        |why: &dyn std::fmt::Display| Failure::new(format!("--root {}: {why}", path.display()));
    let path = path.canonicalize().map_err(|error| wrong(&error))?;
    if !path.is_dir() {
        return Err(wrong(&"it is not a directory"));
    }
    let uri = url::Url::from_file_path(&path).map_err(|()| wrong(&"it has no address"))?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    Ok(Root {
        uri: uri.into(),
        name,
        ..Root::default()
    })
}

/// Why a request failed, with the code that scripts test.
pub(crate) fn failure(target: &str, error: &Error) -> Failure {
    let failure = Failure::new(error.to_string());
    if error.is_authorization_required() {
        let login = format!(
            "sign in with `wharf login {target}`, or give a token with --header 'Authorization: Bearer …'"
        );
        return failure.exit(Exit::Authorization).next(login);
    }
    if error.is_unreachable() || error.is_timeout() || error.is_closed() {
        return failure.exit(Exit::Unreachable);
    }
    failure
}

impl Session {
    /// A list for a table, remembered for completions. `member` is its name in the protocol. Where
    /// JSON is wanted it is written here, and there is nothing left to show.
    pub(crate) async fn list<T>(
        &self,
        what: &str,
        member: &str,
        pages: Pages<T>,
    ) -> Result<Option<Vec<Listed<T>>>, Failure> {
        let all = self.listed(what, pages.all().await)?;
        let raw: Vec<&RawValue> = all.iter().map(Listed::raw).collect();
        completion::remember(&self.target, member, &raw);
        if self.out.json {
            self.out.document(&json!({ member: raw }))?;
            return Ok(None);
        }
        Ok(Some(all))
    }

    /// Writes a result as JSON, in the revision that is spoken.
    pub(crate) async fn model<T: ProjectMembers>(&self, result: &T) -> Result<(), Failure> {
        let info = self.client.info().await;
        let info = info.map_err(|error| self.failure(&error))?;
        self.out.model(result, info.revision)
    }

    /// A list; empty where the server has no such thing, which is said.
    fn listed<T>(
        &self,
        what: &str,
        result: Result<Vec<Listed<T>>, Error>,
    ) -> Result<Vec<Listed<T>>, Failure> {
        match result {
            Ok(all) => Ok(all),
            Err(error)
                if error
                    .as_rpc()
                    .is_some_and(|error| error.code == ErrorCode::METHOD_NOT_FOUND) =>
            {
                say(styled(DIM, format_args!("the server has no {what}")));
                Ok(Vec::new())
            }
            Err(error) => Err(self.failure(&error)),
        }
    }

    /// Why a request failed.
    pub(crate) fn failure(&self, error: &Error) -> Failure {
        failure(&self.target, error)
    }
}

//! [`Speaker`]: who answers, the server's model or one of one's own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use wharf_client::Error;
use wharf_protocol::error::ErrorCode;
use wharf_protocol::projection::at;
use wharf_protocol::{CreateMessageParams, CreateMessageResult, Revision};

use super::Llm;
use crate::escape;
use crate::failure::Failure;
use crate::session::Session;

/// How long to wait for the answer of a server's model, unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(300);
/// The longest that an answer may take of which something comes from time to time.
const LONGEST: Duration = Duration::from_secs(3600);

/// Told each piece of an answer when it is there. Must not block.
pub(crate) type Heard = Arc<dyn Fn(&str) + Send + Sync>;

/// Who answers.
pub(crate) enum Speaker {
    /// The model of the server.
    Server {
        session: Arc<Session>,
        revision: Revision,
        timeout: Option<Duration>,
    },
    Own(Llm),
}

/// Why there is no answer.
pub(crate) enum Silent {
    /// This time; the next question may be answered.
    Once(Failure),
    /// And there will be none.
    Forever(Failure),
}

impl Speaker {
    /// The model of the server.
    pub(crate) async fn of_server(
        session: &Arc<Session>,
        timeout: Option<Duration>,
    ) -> Result<Self, Failure> {
        let info = session.client.info().await;
        let info = info.map_err(|error| session.failure(&error))?;
        Ok(Self::Server {
            session: Arc::clone(session),
            revision: info.revision,
            timeout,
        })
    }

    /// Whether it can be told of tools.
    pub(crate) fn takes_tools(&self) -> bool {
        match self {
            Self::Server { revision, .. } => *revision >= Revision::V2025_11_25,
            Self::Own(_) => true,
        }
    }

    /// Asks. Dropped, the answer ends where it comes from.
    pub(crate) async fn ask(
        &self,
        params: CreateMessageParams,
        heard: Option<Heard>,
    ) -> Result<CreateMessageResult, Silent> {
        match self {
            Self::Own(llm) => {
                let once = |error: wharf_ready::Error| {
                    Silent::Once(Failure::new(escape::line(&error.to_string())))
                };
                let mut answer = llm.ask(params).await.map_err(once)?;
                while let Some(piece) = answer.piece().await.map_err(once)? {
                    if let Some(heard) = &heard {
                        heard(&piece);
                    }
                }
                answer.result().map_err(once)
            }
            Self::Server {
                session,
                revision,
                timeout,
            } => {
                let mut call = session
                    .client
                    .request("sampling/createMessage", at(&params, *revision))
                    .timeout(timeout.unwrap_or(PATIENCE));
                if let Some(heard) = heard {
                    call = call
                        .on_progress(move |progress| {
                            if let Some(piece) = &progress.message {
                                heard(piece);
                            }
                        })
                        .extended_by_progress(LONGEST);
                }
                call.await.map_err(|error| silent(session, &error))
            }
        }
    }
}

fn silent(session: &Session, error: &Error) -> Silent {
    let failure = session.failure(error);
    let Some(refused) = error.as_rpc() else {
        return if error.is_timeout() {
            Silent::Once(failure)
        } else {
            Silent::Forever(failure)
        };
    };
    let unknown = [ErrorCode::METHOD_NOT_FOUND, ErrorCode::INVALID_REQUEST];
    if unknown.contains(&refused.code) {
        return Silent::Forever(no_model(session).exit(failure.exit));
    }
    Silent::Once(failure)
}

/// The server has no model, and what to do about it.
pub(crate) fn no_model(session: &Session) -> Failure {
    Failure::new("the server has no model that clients may ask").next(format!(
        "use one of your own with its tools: `wharf chat {} --llm PROVIDER:MODEL`; or serve one: `wharf serve llm:PROVIDER/MODEL`",
        session.target
    ))
}

impl fmt::Debug for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server { .. } => f.write_str("Server"),
            Self::Own(llm) => llm.fmt(f),
        }
    }
}

impl Silent {
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Once(failure) | Self::Forever(failure) => failure,
        }
    }
}

//! Tasks whose ids the client chose.
//!
//! They belong to their session: no other one can name them, they go on when the connection is
//! lost, and end with the session. Nothing of them outlives the process; a session that is read
//! back after a restart finds none. How many there are, how long they run and how long they are
//! kept is limited as with the server's own tasks.

mod counts;
pub(super) mod methods;
mod table;

use std::sync::Arc;
use std::task::Poll;

use wharf::interpret::{Members, Plain, Refused};
use wharf::protocol::error::{ErrorCode, ErrorObject};

pub(super) use self::counts::Counts;
use self::table::End;
pub(super) use self::table::Tasks;
use super::read::invalid;

/// The longest id of a task, in bytes.
const ID_BYTES: usize = 256;

/// What a task does: a request, and what is added to its result.
pub(super) struct Work {
    pub(super) method: &'static str,
    pub(super) params: Members,
    pub(super) finish: fn(Members) -> Members,
}

impl Tasks {
    /// Begins a task, and answers with its id. What is refused at once is answered as that, and
    /// never was a task.
    pub(super) async fn start(
        self: &Arc<Self>,
        id: String,
        server: &Plain,
        work: Work,
    ) -> Result<Members, Refused> {
        if id.is_empty() || id.len() > ID_BYTES {
            let message = format!("`params.taskId` must have from 1 to {ID_BYTES} bytes");
            return Err(invalid(message));
        }
        let (limits, server) = (server.limits().clone(), server.beside());
        let running = self.claim(&id, &limits)?;
        let mut claim = Claim(self, Some(&id));
        let mut call = Box::pin({
            let server = server.clone();
            let Work {
                method,
                params,
                finish,
            } = work;
            async move { server.call(method, &params).await.map(finish) }
        });
        let first = std::future::poll_fn(|cx| {
            Poll::Ready(match call.as_mut().poll(cx) {
                Poll::Ready(done) => Some(done),
                Poll::Pending => None,
            })
        });
        let first = match first.await {
            Some(Err(refused)) => return Err(refused),
            Some(Ok(result)) => Some(result),
            None => None,
        };
        // From here on it is a task.
        claim.1 = None;
        let Some(view) = self.view(&id) else {
            return Err(unknown());
        };
        let answer = view.members().with("taskId", &id);
        let (tasks, own) = (Arc::clone(self), id.clone());
        let task = tokio::spawn(async move {
            let _running = running;
            let told = async {
                server.notify(methods::STATUS, &view).await;
                server.set_known();
            };
            let called = async {
                match first {
                    Some(result) => Ok(result),
                    None => tokio::time::timeout(limits.task_timeout, call)
                        .await
                        .unwrap_or_else(|_| Err(timed_out())),
                }
            };
            let ((), outcome) = tokio::join!(told, called);
            if let Some(view) = tasks.finish(&own, End::of(outcome)) {
                server.notify(methods::STATUS, &view).await;
            }
        });
        self.set_abort(&id, task.abort_handle());
        Ok(answer)
    }
}

/// An id that is taken for a task that has not begun; given back when dropped.
struct Claim<'a>(&'a Tasks, Option<&'a str>);

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.1 {
            self.0.forget(id);
        }
    }
}

fn unknown() -> Refused {
    invalid("`params.taskId` names no task of this session")
}

fn timed_out() -> Refused {
    let message = "the task did not finish in time and was stopped";
    ErrorObject::new(ErrorCode::INTERNAL_ERROR, message).into()
}

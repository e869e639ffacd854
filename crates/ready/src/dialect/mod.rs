//! A dialect of 2025-11-25: clients that open their session without naming a revision, and spell
//! some messages in their own way.
//!
//! The server that Wharf grew from was described in prose, before there was a schema to hold on to,
//! and clients were written from that description. In their sessions the answers carry what the
//! description names *in addition to* what the specification asks for. Nobody else sees any of it:
//! an `initialize` with a `protocolVersion` opens a session as ever.
//!
//! | method | the client sends | the answer has, besides the official result |
//! |---|---|---|
//! | `initialize` | `clientInfo`, `capabilities`, both optional | `instructions`, always |
//! | `ping` | nothing | `pong: true` |
//! | lists | `cursor`, `limit` | tools: `parameters`, `returns`; prompts: `messages` |
//! | `tools/call` | `toolName`, `arguments`, `taskId`? | `result`; or `taskId`, at once |
//! | `sampling/createMessage` | `messages`, `options`, `taskId`? | `message`; or `taskId`, at once |
//! | `tasks/list` | `filter`? with `status`? | |
//! | `tasks/get` | `taskId` | `result` or `error`, once it ended |
//! | `tasks/cancel` | `taskId` | `cancelled: true` |
//! | `resources/subscribe` | `uri` | `subscriptionId`, which `resources/unsubscribe` takes too |
//!
//! With the official spelling the same methods do what they always do; all other methods have
//! nothing of their own.

mod calls;
mod lists;
mod opening;
mod read;
mod sampling;
mod subscriptions;
mod tasks;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use wharf::BoxFuture;
use wharf::interpret::{Interpretation, Interpreter, Members, Plain, Refused, Spoken};
use wharf::protocol::error::ErrorObject;

use self::tasks::{Counts, Tasks};

/// Takes clients of the dialect; given to [`Server::interpreter`](wharf::Server::interpreter).
///
/// ```
/// let server = wharf_ready::starter().interpreter(wharf_ready::Dialect::default());
/// ```
#[derive(Debug, Default)]
pub struct Dialect {
    counts: Arc<Counts>,
}

impl Interpreter for Dialect {
    fn name(&self) -> &'static str {
        "dialect"
    }

    fn open(&self, params: Members) -> Result<Members, ErrorObject> {
        opening::official(params)
    }

    fn session(&self) -> Arc<dyn Interpretation> {
        Arc::new(Talk {
            tasks: Arc::new(Tasks::new(&self.counts)),
        })
    }
}

/// One session of the dialect.
#[derive(Debug)]
struct Talk {
    tasks: Arc<Tasks>,
}

impl Interpretation for Talk {
    fn welcome(&self, result: &mut Members) {
        opening::welcome(result);
    }

    fn answer(
        self: Arc<Self>,
        request: Spoken,
        server: Plain,
    ) -> BoxFuture<'static, Result<Members, Refused>> {
        Box::pin(async move { respond(&self.tasks, request, &server).await })
    }

    fn is_busy(&self) -> bool {
        self.tasks.are_running()
    }

    fn end(&self) {
        self.tasks.end();
    }
}

/// One match on the method.
async fn respond(tasks: &Arc<Tasks>, request: Spoken, server: &Plain) -> Result<Members, Refused> {
    let Spoken { method, id, params } = request;
    match method.as_str() {
        "ping" => Ok(server.call(&method, &params).await?.with("pong", true)),
        "tools/list" => lists::tools(server, params).await,
        "prompts/list" => lists::prompts(server, params).await,
        "resources/list" => lists::resources(server, params).await,
        "resources/templates/list" => lists::templates(server, params).await,
        "tools/call" => calls::call(tasks, server, params).await,
        "sampling/createMessage" => sampling::create(tasks, server, &id, params).await,
        "tasks/list" => tasks::methods::list(tasks, server, params).await,
        "tasks/get" => tasks::methods::get(tasks, server, &params).await,
        "tasks/cancel" => tasks::methods::cancel(tasks, server, &params).await,
        "tasks/result" => tasks::methods::result(tasks, server, &params).await,
        "resources/subscribe" => subscriptions::subscribe(server, &params).await,
        "resources/unsubscribe" => subscriptions::unsubscribe(server, params).await,
        _ => server.call(&method, &params).await,
    }
}

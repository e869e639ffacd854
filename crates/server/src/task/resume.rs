//! Tasks that another process left unfinished.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use wharf_protocol::tools::CallToolResult;
use wharf_state::Scope;

use super::record::{Outcome, Record};
use super::run::Run;
use super::short;
use super::store::{self, TASKS};
use crate::ask::Asks;
use crate::call::{Frame, Parsed};
use crate::context::{Context, Exchange};
use crate::core::Core;
use crate::handler::text::shown;

/// Tasks looked at in one go.
const PAGE: usize = 100;

/// Goes through the store once, and lets every task run again that is not at its end.
pub(crate) async fn resume(core: Arc<Core>) {
    let mut after = 0;
    loop {
        let page = match core.store.list(TASKS, Scope::All, after, PAGE).await {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(%error, "unfinished tasks cannot be looked for yet");
                tokio::time::sleep(Duration::from_secs(5)).await;
                continue;
            }
        };
        let Some((_, last)) = page.last() else { break };
        after = last.seq;
        for (id, stored) in &page {
            match Record::read(&stored.value) {
                Ok(record) if record.status.is_terminal() => {}
                Ok(record) => again(&core, id, &record).await,
                Err(error) => tracing::error!(task = short(id), %error, "a task cannot be read"),
            }
        }
    }
    // What expired meanwhile takes no more room.
    if let Err(error) = core.store.sweep().await {
        tracing::warn!(%error, "the store cannot be swept");
    }
}

/// Lets one task run again, or ends it where that cannot be.
async fn again(core: &Arc<Core>, id: &str, record: &Record) {
    if record.is_since(core.started) {
        // It is one of ours.
        return;
    }
    if let Err(why) = try_again(core, id, record).await {
        tracing::warn!(task = short(id), %why, "a task cannot go on");
        let outcome = Outcome::of(&CallToolResult::error(why));
        store::end(core, id, outcome).await;
    }
}

async fn try_again(core: &Arc<Core>, id: &str, record: &Record) -> Result<(), String> {
    let unreadable = || "the server was restarted and cannot read this task".to_owned();
    let work = record.work.as_ref().ok_or_else(unreadable)?;
    let (revision, caller) = work.caller().ok_or_else(unreadable)?;
    let Ok(Parsed::Request(frame)) = Frame::parse(work.request.clone()) else {
        return Err(unreadable());
    };
    let name = frame.name().map_err(|_| unreadable())?.into_owned();
    let tool = core.catalog.load().tool(&name).map(Arc::clone);
    let tool = tool.ok_or_else(|| {
        let name = shown(&name);
        format!("the server was restarted, and tool `{name}` is no longer there")
    })?;
    if tool.task().is_some_and(|policy| policy.run_once) {
        let name = shown(&name);
        return Err(format!(
            "the server was restarted while tool `{name}` ran, which must not be repeated: it may \
             have done its work or not"
        ));
    }
    let left = record
        .expires()
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    let run = Run::new(id, revision, work.journal(), None);
    while !core.tasks.insert(&run, core.limits.tasks_running) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // Whoever cancelled it before it was taken in did not find it.
    let found = store::find(core, Scope::All, id).await;
    let is_over = |record: Option<Record>| record.is_none_or(|it| it.status.is_terminal());
    if found.is_ok_and(is_over) {
        core.tasks.remove(id);
        return Ok(());
    }
    let exchange = Exchange::new(
        Arc::clone(core),
        revision,
        caller,
        frame,
        None,
        Asks::Unavailable,
    );
    let ctx = Context::from(exchange);
    ctx.exchange().become_task(&run);
    tracing::info!(task = short(id), "task goes on");
    super::create::start(core, &run, ctx, tool, left);
    Ok(())
}

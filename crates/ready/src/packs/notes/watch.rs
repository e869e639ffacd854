//! What other processes do with the same file.

use std::sync::Arc;
use std::time::Duration;

use super::options::Place;
use super::store::{Store, failure, tell_list, uri};
use crate::{Error, Result, Running};

/// How often the clock in the file is looked at.
pub(super) const EVERY: Duration = Duration::from_secs(2);

/// Of more changed notes than this, clients hear that the list changed.
const MANY: i64 = 1000;

/// Begins to watch, where there is somebody else who could write.
pub(super) async fn running(store: &Arc<Store>, place: &Place) -> Result<Vec<Running>> {
    if *place == Place::Memory {
        return Ok(Vec::new());
    }
    let store = Arc::clone(store);
    let (mut seen, _) = clock(&store)
        .await
        .map_err(|error| Error::unavailable(error.message()))?;
    Ok(vec![Running::spawn(async move {
        loop {
            tokio::time::sleep(EVERY).await;
            // What went wrong was logged; the next look may go well.
            if let Ok(last) = look(&store, seen).await {
                seen = last;
            }
        }
    })])
}

/// The last write, and the last one that made the list different.
async fn clock(store: &Store) -> wharf::Result<(i64, i64)> {
    sqlx::query_as("SELECT last, listed FROM clock")
        .fetch_one(&store.database.readers)
        .await
        .map_err(failure)
}

/// Tells of the writes of others since `seen`; gives the last one.
///
/// A write of this process has been told of, and with it all that was before it: so it is enough to
/// look whose the last one is, of each note and of the list.
async fn look(store: &Store, seen: i64) -> wharf::Result<i64> {
    let (last, listed) = clock(store).await?;
    if last == seen {
        return Ok(seen);
    }
    let changed: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT id, changed FROM notes WHERE changed > ?1 AND changed <= ?2 LIMIT ?3",
    )
    .bind(seen)
    .bind(last)
    .bind(MANY)
    .fetch_all(&store.database.readers)
    .await
    .map_err(failure)?;
    for (id, tick) in &changed {
        if !store.is_own(*tick) {
            store.catalog.notify_resource_updated(&uri(*id));
        }
    }
    let cut = i64::try_from(changed.len()).is_ok_and(|many| many == MANY);
    if cut || (listed > seen && !store.is_own(listed)) {
        tell_list(&store.catalog);
    }
    store.forget_own(last);
    Ok(last)
}

//! [`State`]: what a store does.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::{Entry, Expected, Fence, Put, Record, Scope, StateError, Table};

/// What a store's methods return: boxed, so that `Arc<dyn State>` works.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StateError>> + Send + 'a>>;

/// A store of records, leases and event logs.
///
/// Every method is one atomic step: other callers see all of it or nothing.
///
/// **Cancel safety.** A future that was never polled did nothing. One that is dropped after it was
/// polled may still take effect, as if its answer had been lost on the way; every write can
/// therefore be asked for again (a [`put`](State::put) then finds its own record).
///
/// **Errors.** A store that cannot do what is asked says so with a [`StateError`]. It never answers
/// "absent" instead, and never says "done" before a durable store could survive the loss of power.
///
/// **Owners.** Every record and every log has an owner, which is set with its first write and never
/// changes. To any other [`Scope`] it does not exist: foreign and absent are answered alike.
///
/// **Time.** What has expired is absent for every method from that moment on, whether or not it was
/// swept. Expiry is by the system's clock; leases run by a clock that only goes forward.
pub trait State: fmt::Debug + Send + Sync + 'static {
    /// Whether what is written here is read by a later process.
    fn is_durable(&self) -> bool;

    /// The record, if it is there, has not expired, and is in this scope.
    fn get<'a>(
        &'a self,
        table: Table,
        scope: Scope<'a>,
        key: &'a str,
    ) -> Pending<'a, Option<Record>>;

    /// Writes a record if what is there is what was expected.
    ///
    /// [`Expected::Absent`] puts a new one: of many callers that race, exactly one gets
    /// [`Put::Done`]. [`Expected::Version`] replaces the value and the expiry of a record that has
    /// this version and the entry's owner; its place in [`list`](State::list) stays. Versions are
    /// never used twice in a table, so a version from before a deletion fits nothing that came
    /// after it.
    ///
    /// A fence that is no longer current for this table and key is a [`Put::Conflict`], whatever the
    /// version says.
    fn put<'a>(
        &'a self,
        table: Table,
        key: &'a str,
        expected: Expected,
        entry: Entry<'a>,
    ) -> Pending<'a, Put>;

    /// Removes a record; says whether there was one in this scope.
    fn delete<'a>(&'a self, table: Table, scope: Scope<'a>, key: &'a str) -> Pending<'a, bool>;

    /// Records with their keys in the order in which they were first put: those after `after` (a
    /// [`Record::seq`]; 0 for the first page), at most `limit`.
    ///
    /// Who pages with the last `seq` of each page sees every record that is there all the while
    /// exactly once, however many come and go meanwhile.
    fn list<'a>(
        &'a self,
        table: Table,
        scope: Scope<'a>,
        after: u64,
        limit: usize,
    ) -> Pending<'a, Vec<(String, Record)>>;

    /// How many records of the table are in this scope. For quotas.
    fn count<'a>(&'a self, table: Table, scope: Scope<'a>) -> Pending<'a, usize>;

    /// Takes or renews the right to work on a key for `time` from now; `None` while somebody else
    /// has it. There need not be a record.
    ///
    /// `holder` is a random number by which the store knows a renewal from a rival. A renewal keeps
    /// the fence; who comes after the lease ran out or was released gets a greater one, the old
    /// holder included, who learns in this way that it was lost in between.
    ///
    /// No lease outlives the process of a store for exclusive use.
    fn lease<'a>(
        &'a self,
        table: Table,
        key: &'a str,
        holder: u128,
        time: Duration,
    ) -> Pending<'a, Option<Fence>>;

    /// Gives a lease back. Nothing happens if the fence is not current.
    fn release<'a>(&'a self, table: Table, key: &'a str, fence: Fence) -> Pending<'a, ()>;

    /// Adds an event to a log, which begins with its first event. At most `keep` of the newest
    /// events stay. `expires` is when the whole log ends, and replaces what was said before.
    ///
    /// # Errors
    ///
    /// Numbers are the caller's and must grow; a number that does not, and the log of another
    /// owner, are refused with an error for which [`StateError::is_refused`] holds.
    fn append<'a>(
        &'a self,
        log: &'a str,
        owner: &'a str,
        number: u64,
        event: Bytes,
        keep: usize,
        expires: Option<SystemTime>,
    ) -> Pending<'a, ()>;

    /// The events of a log with numbers greater than `after`, in order, at most `limit`. Empty for a
    /// log that is not there or not in this scope.
    fn events<'a>(
        &'a self,
        log: &'a str,
        scope: Scope<'a>,
        after: u64,
        limit: usize,
    ) -> Pending<'a, Vec<(u64, Bytes)>>;

    /// Removes the logs whose names begin with this.
    fn forget<'a>(&'a self, logs: &'a str) -> Pending<'a, ()>;

    /// Gives back the room of what has expired, and says how many records and logs that were.
    /// Nobody needs to call it for correctness; a server does from time to time.
    fn sweep(&self) -> Pending<'_, usize>;
}

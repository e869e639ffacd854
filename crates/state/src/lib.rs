//! Where a Wharf server keeps what must be shared between calls or outlive the process.
//!
//! [`State`] is the plug: records with compare-and-swap, leases, and event logs, without a word of
//! what they are for. [`Memory`] is the store of one process; it is fast, bounded and gone with it.
//! With the feature `sqlite`, `Sqlite` is a file that one process after the other uses. [`open`] makes a store from a URL, which is what a command line has.
//!
//! ```
//! use wharf_state::{Entry, Expected, Memory, Put, Scope, State, Table};
//!
//! const NOTES: Table = Table("notes");
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let store = Memory::new();
//! let entry = Entry::new("ann", "buy milk");
//! let Put::Done(version) = store.put(NOTES, "1", Expected::Absent, entry).await? else {
//!     panic!("somebody else has put note 1");
//! };
//! let mine = store.get(NOTES, Scope::Of("ann"), "1").await?;
//! assert_eq!(mine.unwrap().version, version);
//! assert!(store.get(NOTES, Scope::Of("bob"), "1").await?.is_none());
//! # Ok::<(), wharf_state::StateError>(())
//! # }).unwrap();
//! ```

mod state;
pub use state::{Pending, State};

mod record;
pub use record::{Entry, Expected, Fence, Put, Record, Scope, Table};

mod memory;
pub use memory::Memory;

#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;

mod open;
pub use open::open;

mod error;
pub use error::StateError;

mod leases;
mod shared;

#[cfg(any(test, feature = "contract"))]
pub mod contract;

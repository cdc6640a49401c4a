//! The journal: the agent's encrypted, append-only, hash-chained file.

mod append;
mod codec;
mod cursor;
mod epoch;
mod error;
mod file;
mod journal;
pub mod key;
mod open;
mod policy;
mod readers;
mod schema;
#[cfg(test)]
mod testing;
mod verify;
mod writer;

pub use self::append::{Appended, InputCursor, NewEntry, Prepared};
pub use self::cursor::read::{Filter, JournaledEvent, PageEnd, StoredEntry};
pub use self::cursor::stats::Stats;
pub use self::epoch::{Identity, State};
pub use self::error::{AcknowledgeError, AppendError, Cause, ChangeError, ReadError};
pub use self::file::JournalFile;
pub use self::journal::Journal;
pub use self::key::DataKey;
pub use self::open::{OpenError, Options};
pub use self::verify::{Fault, FaultKind, Verification, VerifyProgress, verify};

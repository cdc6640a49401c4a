//! Input machinery: a folder into which a POS drops files.
//!
//! Whatever the files hold is a [`Decoder`]'s business; everything else stands here, once for all
//! kinds: a file is read when it is complete ([`ready`]), by the one agent that holds the folder's
//! lease ([`lease`]), handed to the intake in groups, and moved to `done/` when the journal has
//! all of it, or to `rejected/` beside a `.problem.json` ([`aside`]). Until then it stays where it
//! is: a crash reads it again, and what is known already is a replay. The same file twice, a
//! renamed copy and a batch that was exported anew with one more receipt therefore double
//! nothing. Files are never deleted and never changed.

mod aside;
mod config;
#[cfg(test)]
pub(in crate::inputs) mod conformance;
mod decoder;
pub mod lease;
mod ready;
mod run;
mod take;
#[cfg(test)]
mod tests;

pub use self::config::FolderConfig;
pub use self::decoder::{Content, Decoder, Document, Place, Unreadable};
pub use self::run::Folder;
pub use self::take::{Counts, Refused, Report};

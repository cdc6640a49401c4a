//! What moves over the entries: reads, the acknowledged mark, pruning, and what sync remembers.
//!
//! Each function is one statement or a few within a transaction that its caller has opened. None
//! of them adds or changes an entry.

pub(crate) mod acknowledge;
pub(crate) mod prune;
pub(crate) mod read;
pub(crate) mod remember;
pub(crate) mod stats;
#[cfg(test)]
mod tests;

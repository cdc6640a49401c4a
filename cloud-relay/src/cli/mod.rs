//! The commands of `storekeep-relay`, one file each.
//!
//! Does not know how the relay works: a command asks the store and prints.

pub mod exceptions;
pub mod replay;

//! Dispatch: takes what the store holds for the targets and brings each document there exactly
//! once in effect, or shows it as an exception.
//!
//! The rules are pure and each stands in one file: [`lane`] says what comes next in a lane,
//! [`outcome`] and [`bundle`] what an answer means, [`count`] when a count may be set, [`budget`]
//! whose turn it is, [`exceptions`] what people read, [`retry`] when to try again, [`key`] what a document is called for ever.
//! Around them [`visit`] carries out one lane's steps and [`work`] runs the workers. Meets ingest
//! only in the store, and knows a target only as a connector.

mod bounded;
mod budget;
mod bundle;
mod count;
pub mod exceptions;
pub mod key;
mod lane;
mod outcome;
pub mod policy;
mod purse;
pub(crate) mod read;
mod retry;
mod visit;
mod work;

#[cfg(test)]
pub(crate) mod tests;

pub use policy::Settings;
pub use work::{WorkParts, work};

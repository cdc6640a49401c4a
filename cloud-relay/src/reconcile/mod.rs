//! The books: what a store took on a business date, as each system says it, and what differs.
//!
//! `figures` adds each event to its register's day in the commit that takes it in, so that a day is
//! never summed again. `gather` puts the columns beside each other: the POS by its Z, the relay by
//! its figures, each target as its own interface reads back, receipt by receipt. `table` and `page`
//! are what finance files;
//! `certificate` signs a day and links it to the one before. Nothing here posts, repairs or decides what is posted: receipts post as
//! they are, and a difference stands until a person has looked at it.

pub mod certificate;
mod compare;
pub mod figures;
mod findings;
mod gather;
pub mod page;
mod readback;
mod receipts;
pub mod report;
pub mod table;
#[cfg(test)]
mod tests;

pub use gather::{Sources, Targeting, gather};

//! Dispatch as a whole, against a store in memory and targets that misbehave.

mod books;
pub(crate) mod make;
mod memory;
mod model;
mod scenarios;
mod sqlite;
mod vendor;

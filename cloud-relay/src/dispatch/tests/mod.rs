//! Dispatch as a whole, against a store in memory and targets that misbehave.

pub(crate) mod make;
mod memory;
mod model;
mod scenarios;
mod sqlite;
mod vendor;

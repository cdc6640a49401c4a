//! What agent and relay both have to know: the canonical events, their identity and order, and
//! what travels between the two.
//!
//! Opens no file and no socket, reads no clock and draws no random number: times, keys and bytes
//! are arguments. A change here is a change of contract: a released shape is never altered, a new
//! version stands beside it, and `testdata/v1` freezes each shape.

pub mod batch;
pub mod bytes;
pub mod chain;
pub mod compress;
pub mod decimal;
pub mod downlink;
pub mod enrolment;
pub mod envelope;
pub mod event;
pub mod handshake;
pub mod id;
pub mod limits;
pub mod list;
pub mod money;
pub mod personal;
pub mod problem;
pub mod progress;
pub mod record;
pub mod schemas;
pub mod seal;
pub mod sign;
#[cfg(test)]
mod tests;
pub mod time;

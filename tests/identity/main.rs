//! Who holds what: hosts that are copied, restored and started again, and relays that are put back
//! to an older state, with the clock in the test's hands.
//!
//! The journals, the conversation, ingest and the relay's store are the real ones, joined in this
//! process without a socket; minutes pass without being waited for. Posting is played: a shop's
//! book counts how often it was given each sale. Does not try what a network does to messages in
//! flight; the simulation does.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "in a test a panic is the message, and a figure belongs beside it"
)]

mod clones;
mod host;
mod ordinary;
#[cfg(unix)]
mod postgres;
mod relay;
mod relays;
mod restored;
mod time;

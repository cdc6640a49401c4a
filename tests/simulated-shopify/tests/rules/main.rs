//! Every rule that the simulated shop enforces, over raw HTTP against the served router.
//!
//! Deliberately uses nothing of the crate but what a harness uses: setting up, steering, and the
//! books. Each file is one area; each test's name is the rule. `README.md` lists the rules with their
//! sources; `readme` holds list, code and tests together.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "in a test a panic is the message, and a value is written where it is used"
)]

mod access;
mod control;
mod cost;
mod documents;
mod faults;
mod idempotency;
mod inventory;
mod orders;
mod queries;
mod readme;
mod refunds;
mod search;
mod support;

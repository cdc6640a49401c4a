//! Every rule that the simulated site enforces, over raw HTTP against the served router.
//!
//! Deliberately uses nothing of the crate but what a harness uses: setting up, steering, and the
//! books. Each file is one area; each test's name is the rule.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "in a test a panic is the message, and a value is written where it is used"
)]

mod access;
mod control;
mod faults;
mod invoices;
mod keys;
mod ledger;
mod lifecycle;
mod lists;
mod periods;
mod refusals;
mod returns;
mod stock;
mod support;

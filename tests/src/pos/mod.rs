//! A simulated POS: several stores, several registers each, with books of their own.
//!
//! It knows the agent only by its local HTTP and writes the canonical events as an integrator
//! would, from the documentation and as plain JSON. Its arithmetic is its own, in whole minor
//! units and thousandths, so that a fault in ours cannot hide itself. Given a seed and a clock it
//! does the same again. Does not look at the relay or at any target: whoever asks those hands
//! their figures to [`compare`].

pub mod basket;
pub mod books;
pub mod catalogue;
pub mod client;
pub mod compare;
mod deal;
pub mod driver;
pub mod figures;
pub mod fitted;
mod json;
pub mod ledger;
mod line;
pub mod mix;
mod payment;
pub mod place;
mod refund;
pub mod register;
mod sale;
mod sums;
mod words;
mod z;

#[cfg(test)]
mod tests;

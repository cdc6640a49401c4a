//! A simulated Shopify shop: its Admin GraphQL API, version 2026-10, with state.
//!
//! It enforces what the real one enforces and is never made to fit a client. Every operation and
//! its variables are validated against the real schema; what the schema cannot hold (idempotency,
//! compare-and-swap, bounds, refund rules, the leaky bucket, search lag) is written by hand. Each
//! rule has a number in the crate's `README.md`, with its source, its test, and whether it is
//! established or decided; the code names it as `README, R17`. What is not modelled is refused with
//! `NOT_SIMULATED`, never made up; what is not established is decided for the worse.
//!
//! Enter at [`Shop`]: `Shop::new(setup, clock)`, then [`serve`] or `router()`. Faults are steered by
//! [`Shop::set_faults`], time by [`Shop::advance`], and [`Shop::books`] tells what really happened;
//! `control` offers the same over HTTP.
//!
//! Imports nothing of the project, so that Cargo itself proves that this vendor knows nothing of
//! its client. Deliberately without webhooks, returns, fulfilments of their own and bulk
//! operations.

mod access;
mod books;
mod bucket;
mod chance;
mod control;
mod cost;
mod execute;
mod faults;
mod http;
mod idempotency;
mod ids;
mod limits;
mod money;
mod operations;
pub mod records;
mod schema;
mod search;
mod setup;
mod shop;
mod state;
mod time;
mod view;
mod wire;

pub use self::books::{Books, Counters, Summary};
pub use self::faults::{Disruption, Faults, Maintenance, Rule, Storm};
pub use self::http::serve;
pub use self::ids::{Gid, Kind, NotAGid};
pub use self::money::Amount;
pub use self::setup::{
    BucketSize, Credentials, Options, SearchLag, Setup, SetupLocation, SetupVariant,
};
pub use self::shop::{Clock, Shop};

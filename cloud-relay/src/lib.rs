//! The relay: takes batches from stores, keeps them, and posts each event to its targets exactly
//! once in effect.
//!
//! `ingest` and `dispatch` meet only in the `store`; `connectors` see neither.

pub mod api;
pub mod cli;
pub mod config;
pub mod connectors;
pub mod console;
pub mod dispatch;
mod files;
pub mod http;
pub mod ingest;
pub mod keys;
mod log;
pub mod reconcile;
pub mod run;
pub mod seams;
pub mod secret;
pub mod store;

pub use run::{Role, RunningRelay, run};
pub use seams::Seams;

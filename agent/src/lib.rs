//! The agent: takes every event of a store's registers, keeps it in an encrypted journal before
//! the POS is answered, and brings it up to the relay.
//!
//! `inputs` and `sync` meet only in the journal: capture never waits for the network.

pub mod capture;
pub mod cli;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod files;
pub mod health;
pub mod identity;
pub mod inputs;
pub mod local_api;
pub mod log;
pub mod lookup;
pub mod recovery;
pub mod run;
pub mod seams;
pub(crate) mod service;
pub mod sync;

pub use seams::Seams;

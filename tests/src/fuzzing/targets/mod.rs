//! What is fuzzed: one file a target, with what has to hold for every input.
//!
//! Changes no input and keeps no corpus.

pub mod agent_mqtt;
pub mod batch;
pub mod card_data;
pub mod documents;
pub mod event;
pub mod events_input;
pub mod head_copy;
pub mod ingest;
pub mod journal_file;
pub mod journal_log;
pub mod key_file;
pub mod lease;
pub mod local_api;
pub mod relay_answers;
pub mod relay_mqtt;

mod frames;
mod salvaged;

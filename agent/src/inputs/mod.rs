//! The ways in from a POS. Each input hands what it reads to capture and the journal, and answers
//! its POS only when the journal has it.
//!
//! Knows nothing of sync: the two meet only in the journal.

pub mod http;

//! Ingest against a real store, called as an agent calls it.

mod batches;
mod controls;
mod downlink;
mod enrolment;
pub(crate) mod make;
mod sessions;
pub(crate) mod sink;

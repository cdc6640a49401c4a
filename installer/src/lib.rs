//! The installer: brings the agent onto a POS host, up to a new version, and off it again, so that
//! a host is at every moment as it was before or as it shall be.
//!
//! `plan` says purely what is to be done and how each step is undone; `engine` does it under a
//! record that survives a power cut; the platform (`linux`) acts. What the journal holds and how
//! a device is enrolled is asked of `storekeep-agent`, never looked up here.

pub mod agent;
pub mod cli;
pub mod command;
pub mod engine;
#[cfg(target_os = "linux")]
pub mod linux;
pub mod plan;
pub mod preflight;
pub mod problem;
pub mod settings;

#[cfg(target_os = "linux")]
use linux as platform;

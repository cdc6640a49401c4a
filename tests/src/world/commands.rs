//! Commands that people type on the hosts of a world, each a process of its own.
//!
//! Does not know what they do.

use anyhow::Result;

use super::{START_WAIT, World, parts};
use crate::process::Program;

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none if it was killed.
    pub code: Option<i32>,
    /// What it said on both channels.
    pub said: String,
}

impl World {
    /// Runs a command of `storekeep-agent` on a store's host.
    ///
    /// # Errors
    /// It does not start or does not end in time.
    pub async fn agent_command(&self, index: usize, arguments: &[&str]) -> Result<Ended> {
        self.command(parts::at_agent(&self.stores[index].folder)?, arguments).await
    }

    /// Runs a command of `storekeep-relay` on its host.
    ///
    /// # Errors
    /// It does not start or does not end in time.
    pub async fn relay_command(&self, arguments: &[&str]) -> Result<Ended> {
        self.command(parts::at_sound_relay(&self.files)?, arguments).await
    }

    async fn command(&self, program: Program, arguments: &[&str]) -> Result<Ended> {
        let program = arguments.iter().fold(program, Program::argument);
        // An argument may name a file.
        let name = arguments.join("-").replace('/', "_");
        let output = self.plan.folder.join(format!("command-{name}.out"));
        let mut running = program.start(&output)?;
        let status = running.ended(START_WAIT).await?;
        Ok(Ended { code: status.code(), said: running.said()? })
    }
}

//! One program of the world, which can be killed and started again.
//!
//! Does not know what it does.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::process::{Program, Running};

pub(super) struct Part {
    program: Program,
    output: PathBuf,
    running: Option<Running>,
}

impl Part {
    pub(super) fn new(label: &str, folder: &Path, program: Program) -> Self {
        Self { program, output: folder.join(format!("{label}.out")), running: None }
    }

    /// Starts it, unless it runs.
    pub(super) fn start(&mut self) -> Result<()> {
        if !self.runs() {
            self.running = Some(self.program.start(&self.output)?);
        }
        Ok(())
    }

    pub(super) fn kill(&mut self) -> Result<()> {
        if let Some(mut running) = self.running.take() {
            running.kill()?;
        }
        Ok(())
    }

    pub(super) fn runs(&mut self) -> bool {
        self.running.as_mut().is_some_and(Running::runs)
    }
}

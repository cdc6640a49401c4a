//! The release programs: where they stand, and the probe run to its end.
//!
//! Does not build them; `cargo xtask bench` does.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::process::Program;
use tokio::process::Command;

/// The programs of a release build.
pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// `storekeep-agent` with its data folder named; a command is to follow.
    pub(crate) fn agent(&self, folder: &Path) -> Program {
        let program = Program::at(self.path("storekeep-agent")).argument("--config");
        program.argument(folder.join("agent.toml")).argument("--data-dir").argument(folder)
    }

    /// `storekeep-relay` with its data folder named; a command is to follow.
    pub(crate) fn relay(&self, folder: &Path) -> Program {
        let program = Program::at(self.path("storekeep-relay")).argument("--config");
        program.argument(folder.join("relay.toml")).argument("--data-dir").argument(folder)
    }

    /// Bytes of the agent's program.
    pub(crate) fn agent_bytes(&self) -> Result<u64> {
        let path = self.path("storekeep-agent");
        let metadata = path.metadata();
        Ok(metadata.with_context(|| format!("look at `{}`", path.display()))?.len())
    }

    /// Runs a measurement to its end; its figures.
    pub(crate) async fn probe<I, S>(&self, arguments: I) -> Result<Value>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(self.path("bench-probe"));
        command.args(arguments);
        let what = format!("run {:?}", command.as_std());
        let output = command.output().await.with_context(|| what.clone())?;
        ensure!(
            output.status.success(),
            "{what}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        serde_json::from_slice(&output.stdout).context("read a probe's figures")
    }
}

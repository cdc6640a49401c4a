//! A real MQTT broker: Debian's `mosquitto`, with a configuration and a folder of its own on a free
//! loopback port.
//!
//! It keeps its database in the folder, saved every second, so that a test can kill it and take the
//! database away. Does not speak MQTT itself.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpStream;

use crate::free_port::free_port;
use crate::needs;
use crate::process::{Program, Running};
use crate::wait;

/// The program's name.
pub const PROGRAM: &str = "mosquitto";

/// What brings it.
pub const INSTALL: &str = "apt-get install mosquitto";

/// The name that the relay has at the broker.
pub const RELAY_NAME: &str = "storekeep-relay";

/// The rules of the handbook: a device writes and hears its own topics, the relay all.
pub const RULES: &str = "\
pattern write storekeep/v1/+/%c/up
pattern write storekeep/v1/+/%c/state
pattern read storekeep/v1/+/%c/ack
pattern read storekeep/v1/+/%c/down

user storekeep-relay
topic read storekeep/v1/+/+/up
topic write storekeep/v1/+/+/ack
topic write storekeep/v1/+/+/down
";

/// How long it may take to listen.
const START_WAIT: Duration = Duration::from_secs(20);

/// A broker that was configured. Dropping it kills it.
pub struct Mosquitto {
    /// Where it listens.
    pub address: SocketAddr,
    program: Program,
    folder: PathBuf,
    running: Option<Running>,
}

/// Where the program stands; a test that finds none is counted as not run.
#[must_use]
#[track_caller]
pub fn needed() -> Option<PathBuf> {
    needs::program(PROGRAM, INSTALL)
}

/// Where the program stands, for the demo.
///
/// # Errors
/// This host has none; the error names the command that brings it.
pub fn installed() -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian puts it where only root looks.
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let mut found = folders.map(|folder| folder.join(PROGRAM)).filter(|file| file.is_file());
    found.next().with_context(|| format!("find `{PROGRAM}` (next: {INSTALL})"))
}

impl Mosquitto {
    /// Starts one with further lines in its configuration.
    ///
    /// # Errors
    /// It does not listen in time.
    pub async fn start(program: &Path, folder: &Path, lines: &[String]) -> Result<Self> {
        fs::create_dir_all(folder).context("make the broker's folder")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let anonymous = !lines.iter().any(|line| line.starts_with("allow_anonymous"));
        let mut text = format!(
            "listener {} {}\nallow_anonymous {anonymous}\nuser root\npersistence true\n\
             persistence_location {}/\nautosave_interval 1\n",
            address.port(),
            address.ip(),
            folder.display()
        );
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        let file = folder.join("mosquitto.conf");
        agent::files::write_private(&file, text.as_bytes())
            .context("write the broker's configuration")?;
        let program = Program::at(program).argument("-v").argument("-c").argument(&file);
        let mut broker = Self { address, program, folder: folder.to_owned(), running: None };
        broker.start_again().await?;
        Ok(broker)
    }

    /// Starts one that follows [`RULES`].
    ///
    /// # Errors
    /// It does not listen in time.
    pub async fn with_rules(program: &Path, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).context("make the broker's folder")?;
        let rules = folder.join("rules");
        agent::files::write_private(&rules, RULES.as_bytes())
            .context("write the broker's rules")?;
        Self::start(program, folder, &[format!("acl_file {}", rules.display())]).await
    }

    /// Starts it on the same port, unless it runs.
    ///
    /// # Errors
    /// It does not listen in time.
    pub async fn start_again(&mut self) -> Result<()> {
        if self.running.as_mut().is_some_and(Running::runs) {
            return Ok(());
        }
        self.running = Some(self.program.start(&self.folder.join("mosquitto.out"))?);
        let address = self.address;
        let look = || async move { TcpStream::connect(address).await.ok() };
        wait::until("the broker to listen", START_WAIT, look).await.map(drop)
    }

    /// Kills it and deletes everything that it kept.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill_and_forget(&mut self) -> Result<()> {
        if let Some(mut running) = self.running.take() {
            running.kill()?;
        }
        let database = self.folder.join("mosquitto.db");
        if database.exists() {
            fs::remove_file(&database).context("delete the broker's database")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    //! What people are told is what the scenarios run with.

    use super::*;

    #[test]
    fn the_rules_of_the_handbook_are_those_that_are_tried() {
        let handbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/handbook/mqtt.md");
        let handbook = fs::read_to_string(handbook).unwrap();
        assert!(handbook.contains(RULES), "{RULES}");
        assert!(RULES.contains(&format!("user {RELAY_NAME}")));
    }
}

//! The ways in from a POS. Each input hands what it reads to capture and the journal, and answers
//! its POS, or moves on in its source, only when the journal has it.
//!
//! Local HTTP is always there; the others are those of the configuration, each of a kind of the
//! [`registry`]. A kind is a folder and one entry there. Knows nothing of sync: the two meet only
//! in the journal.

pub mod database;
pub mod events;
pub mod folder;
pub mod http;
pub mod intake;
pub mod kept;
pub mod mapping;
pub mod poslog;
pub mod printer;
pub mod reading;
pub mod registry;
pub mod standing;
pub mod table;
pub(crate) mod tally;
#[cfg(test)]
mod tests;
pub mod tlog4690;
pub mod trial;

use std::sync::Arc;

use async_trait::async_trait;
use journal::Journal;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::folder::Decoder;
use self::intake::Intake;
use self::registry::SettingsError;
use self::standing::Board;
use crate::config::Config;
use crate::seams::Seams;

/// What is around an input while it runs.
#[derive(Debug, Clone)]
pub struct Around {
    /// The input's name in the configuration.
    pub name: String,
    /// The way into the journal.
    pub intake: Arc<Intake>,
    /// The journal, for what the input remembers.
    pub journal: Journal,
    /// Where it says how it stands.
    pub board: Board,
    /// The clock.
    pub seams: Seams,
    /// Tells this agent from others at the same source: the same at each start.
    pub holder: String,
    /// This host's name, for people at another one.
    pub host: String,
}

/// A way in that goes to its source by itself.
#[async_trait]
pub trait Input: Send + 'static {
    /// What reads one of its files, for `input test`; none if its source has no files.
    fn decoder(&self) -> Option<&Arc<dyn Decoder>>;

    /// Whether its source can be read again from an earlier point: a folder and a database can, what
    /// was printed cannot. What came from one that cannot is gone with a disk that was not relayed.
    fn can_rewind(&self) -> bool {
        true
    }

    /// Reads until it is told to stop. What fails is said on the board and tried again: an input
    /// never ends by itself.
    async fn run(self: Box<Self>, around: Around, stop: watch::Receiver<bool>);
}

/// Starts every input of a configuration.
///
/// # Errors
/// The first input whose settings cannot be used, with its name.
pub fn start(
    config: &Config,
    around: &Around,
    stop: &watch::Receiver<bool>,
) -> Result<JoinSet<()>, (String, SettingsError)> {
    let mut running = JoinSet::new();
    for (name, table) in &config.inputs {
        let name = name.to_string();
        let built = registry::build(table).map_err(|error| (name.clone(), error))?;
        around.board.add(&name, built.kind, built.input.can_rewind());
        running.spawn(built.input.run(Around { name, ..around.clone() }, stop.clone()));
    }
    Ok(running)
}

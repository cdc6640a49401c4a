//! Where there is no service manager to be told.

use std::convert::Infallible;

use tokio::sync::watch;

use crate::cli::Place;
use crate::config::Config;
use crate::run::Phase;

/// No manager.
#[derive(Debug)]
pub(crate) struct Manager;

impl Manager {
    /// The manager that started this program.
    pub(crate) fn of_this_process() -> Self {
        Self
    }

    /// Tells it how the agent is for as long as it is polled.
    pub(crate) async fn tend(
        &self,
        _place: &Place,
        _config: &Config,
        _phases: watch::Receiver<Phase>,
    ) -> Infallible {
        std::future::pending().await
    }

    /// Tells it that the agent stops.
    pub(crate) fn stopping(&self) {}
}

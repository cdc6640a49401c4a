//! systemd, told as `Type=notify` wants it: ready, alive, stopping, and the one sentence as status.
//!
//! Alive is what answers: the agent asks itself over its own local API, as a POS would, and
//! `/healthz` asks the thread that writes the journal. Whatever of these stands still, the
//! watchdog hears nothing and systemd starts the agent anew. Where no systemd listens nothing is
//! asked either.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;

use crate::cli::{LocalApi, LocalError, Place};
use crate::config::Config;
use crate::local_api::Status;
use crate::run::Phase;

/// Between two rounds where systemd expects no sign of life: for the sentence alone.
const ROUND_INTERVAL: Duration = Duration::from_secs(20);

/// Signs of life within the time after which systemd takes the agent for dead: two may be lost.
const ROUNDS_A_SPAN: u32 = 3;

/// For how long opening the journal counts as being alive. Salvaging ten million entries takes some
/// minutes; what takes longer than this stands still.
const OPENING_MAX: Duration = Duration::from_secs(60 * 60);

/// Says something to systemd.
type Tell = Box<dyn Fn(&[NotifyState<'_>]) -> io::Result<()> + Send + Sync>;

/// systemd, or nobody.
pub(crate) struct Manager {
    tell: Option<Tell>,
    interval: Duration,
}

impl Manager {
    /// The manager that started this program, by the environment that it gave it.
    pub(crate) fn of_this_process() -> Self {
        let listens = std::env::var_os("NOTIFY_SOCKET").is_some();
        let span = sd_notify::watchdog_enabled();
        Self {
            tell: listens.then(|| -> Tell { Box::new(sd_notify::notify) }),
            interval: span.map_or(ROUND_INTERVAL, |span| span / ROUNDS_A_SPAN),
        }
    }

    /// Tells it how the agent is for as long as it is polled.
    pub(crate) async fn tend(
        &self,
        place: &Place,
        config: &Config,
        mut phases: watch::Receiver<Phase>,
    ) -> Infallible {
        if self.tell.is_none() {
            return std::future::pending().await;
        }
        let mut is_ready = false;
        let mut opening = Duration::ZERO;
        loop {
            let phase = phases.borrow_and_update().clone();
            match phase {
                Phase::Opening => {
                    if opening < OPENING_MAX {
                        self.say(&[
                            NotifyState::Status("Opening the journal."),
                            NotifyState::Watchdog,
                        ]);
                    }
                    opening = opening.saturating_add(self.interval);
                }
                Phase::TakesSales(_) => {
                    opening = Duration::ZERO;
                    is_ready |= self.round(place, config, is_ready).await;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(self.interval) => {}
                changed = phases.changed() => if changed.is_err() {
                    // The agent has ended, and whoever polls this hears of it.
                    return std::future::pending().await;
                },
            }
        }
    }

    /// Asks the agent as a POS would, and says what it answers; returns whether it did.
    async fn round(&self, place: &Place, config: &Config, is_ready: bool) -> bool {
        let status = match alive(place, config).await {
            Ok(status) => status,
            Err(error) => {
                let error = error.for_command();
                tracing::warn!(%error, "the agent does not answer itself, and systemd is told nothing");
                return false;
            }
        };
        let mut states = vec![NotifyState::Watchdog, NotifyState::Status(&status.sentence)];
        if !is_ready {
            states.insert(0, NotifyState::Ready);
        }
        self.say(&states);
        true
    }

    /// Tells it that the agent stops.
    pub(crate) fn stopping(&self) {
        self.say(&[NotifyState::Stopping, NotifyState::Status("Stopping.")]);
    }

    fn say(&self, states: &[NotifyState<'_>]) {
        if let Some(tell) = &self.tell
            && let Err(error) = tell(states)
        {
            tracing::warn!(%error, "systemd could not be told how the agent is");
        }
    }
}

/// How the agent is, if it is alive.
async fn alive(place: &Place, config: &Config) -> Result<Status, LocalError> {
    let agent = LocalApi::new(place, config)?;
    agent.get::<serde_json::Value>("/healthz").await?;
    agent.get("/v1/status").await
}

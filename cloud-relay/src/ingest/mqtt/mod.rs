//! The way in through an MQTT 5 broker: the same bodies as over HTTP, and the same rules.
//!
//! Every replica subscribes to the same share, so that each message goes to one of them. The
//! broker is not trusted and keeps nothing for us: what was under way when a connection broke is
//! asked again by the agent. [`link`] holds one connection, [`exchange`] answers one message.
//! Decides nothing about a body.

mod exchange;
mod link;
mod polls;

use std::sync::Arc;
use std::time::Duration;

use broker::Account;
use tokio::sync::{Semaphore, watch};

use self::link::Link;
use super::Ingest;
use super::policy::{MQTT_MESSAGES_MAX, MQTT_RECONNECT_DELAY, MQTT_RECONNECT_DELAY_MAX};

pub use self::exchange::{Desk, Question};

/// What lasts from one connection to the next.
struct Shared {
    desk: Desk,
    account: Account,
    /// Leave to deal with a message.
    messages: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

/// Answers what comes through the broker until the relay stops; connects again by itself.
pub async fn run(ingest: Arc<Ingest>, account: Account) {
    let stopping = ingest.parts.stopping.clone();
    let permits = usize::try_from(MQTT_MESSAGES_MAX).unwrap_or(Semaphore::MAX_PERMITS);
    let messages = Arc::new(Semaphore::new(permits));
    let desk = Desk::new(ingest);
    let shared = Arc::new(Shared { desk, account, messages, stopping });
    let mut stopping = shared.stopping.clone();
    let mut failures: u32 = 0;
    let mut shown = String::new();
    loop {
        let ended = match Link::open(&shared).await {
            Ok(link) => {
                failures = 0;
                shown.clear();
                tracing::info!(broker = %shared.account.url, "the relay listens at the broker");
                link.serve().await
            }
            Err(error) => Err(error),
        };
        let Err(error) = ended else { return };
        let reason = error.in_one_line();
        if reason != shown {
            tracing::warn!(
                broker = %shared.account.url, reason,
                "the broker cannot be used; the relay tries again, and HTTPS goes on"
            );
            shown = reason;
        }
        failures = failures.saturating_add(1);
        let pause = delay(failures, random(&shared.desk.ingest));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = until_stopped(&mut stopping) => return,
        }
    }
}

/// Waits until the relay stops, also when nobody is left to say so.
async fn until_stopped(stopping: &mut watch::Receiver<bool>) {
    if stopping.wait_for(|stop| *stop).await.is_err() {
        tracing::debug!("the relay was dropped without being stopped");
    }
}

/// Doubling up to a bound, the upper half of it by chance, so that replicas do not come together.
fn delay(failures: u32, random: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let ceiling = MQTT_RECONNECT_DELAY.saturating_mul(1 << doublings).min(MQTT_RECONNECT_DELAY_MAX);
    let half = ceiling / 2;
    let millis = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
    half.saturating_add(Duration::from_millis(millis.saturating_mul(u64::from(random)) >> 32))
}

/// Without randomness the longest wait is the safe one.
fn random(ingest: &Ingest) -> u32 {
    let mut bytes = [0; 4];
    match ingest.parts.seams.random.fill(&mut bytes) {
        Ok(()) => u32::from_ne_bytes(bytes),
        Err(_) => u32::MAX,
    }
}

#[cfg(test)]
mod tests {
    //! How long the relay waits for a broker.

    use super::*;

    #[test]
    fn the_relay_is_back_at_a_broker_within_seconds() {
        assert!(delay(1, 0) >= Duration::from_millis(100), "no storm");
        for failures in [1, 2, 10, u32::MAX] {
            assert!(delay(failures, u32::MAX) <= MQTT_RECONNECT_DELAY_MAX);
            assert!(delay(failures, 0) <= delay(failures, u32::MAX));
        }
    }
}

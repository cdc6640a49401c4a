//! The one place that waits: for a named condition, until a deadline.
//!
//! Nothing else in the harness, the scenarios or their tests pauses and hopes. Does not know what
//! is waited for.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// The pause between two looks: short beside anything a person would call slow, long enough that
/// a thousand waiting tests leave the processors to what they wait for.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Waits until `condition` yields a value, looking at once and then every [`LOOK_INTERVAL`].
///
/// `what` names the condition in the error, as in `the agent to answer /healthz`. A look that
/// takes longer than the deadline is broken off.
///
/// # Errors
/// The deadline passed.
pub async fn until<T, F, Look>(what: &str, deadline: Duration, mut condition: F) -> Result<T>
where
    F: FnMut() -> Look,
    Look: Future<Output = Option<T>>,
{
    let looking = async {
        let mut looks = interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            if let Some(value) = condition().await {
                return value;
            }
        }
    };
    timeout(deadline, looking)
        .await
        .with_context(|| format!("wait {} ms for {what}", deadline.as_millis()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn a_condition_that_holds_already_is_not_waited_for() {
        let value = until("the answer", Duration::from_secs(1), || async { Some(42) });
        assert_eq!(value.await.unwrap(), 42);
    }

    #[tokio::test]
    async fn a_condition_that_comes_to_hold_ends_the_wait() {
        let looks = Cell::new(0);
        let third = || {
            looks.set(looks.get() + 1);
            let now = looks.get();
            async move { (now == 3).then_some(now) }
        };
        assert_eq!(until("the third look", Duration::from_secs(1), third).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn the_error_names_what_was_waited_for_and_how_long() {
        let never = || async { None::<()> };
        let error =
            until("the agent to start", Duration::from_millis(60), never).await.unwrap_err();
        assert_eq!(error.to_string(), "wait 60 ms for the agent to start");
    }

    #[tokio::test]
    async fn a_look_that_hangs_is_broken_off_at_the_deadline() {
        let hanging = std::future::pending::<Option<()>>;
        assert!(until("a look", Duration::from_millis(60), hanging).await.is_err());
    }
}

//! One call of a connector, bounded in time and in what its panic may take along.
//!
//! Does not know what the call is about, nor what its silence means.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;

use crate::connectors::{Reply, Unanswered, Verdict};

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// Not within the time.
    Late(Duration),
    /// The connector panicked.
    Panicked,
}

/// Calls, and waits for the answer no longer than `limit`. When no time is left (the attempt's
/// commit outlasted its deadline) nothing is called: what reached the target now would be beyond
/// the moment from which on "none" counts.
pub(super) async fn bounded<T>(
    limit: Duration,
    call: impl Future<Output = T>,
) -> Result<T, Silence> {
    if limit.is_zero() {
        return Err(Silence::Late(limit));
    }
    // The connector keeps no state that matters, so nothing half changed outlives the panic.
    let call = AssertUnwindSafe(call).catch_unwind();
    match tokio::time::timeout(limit, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_panic)) => Err(Silence::Panicked),
        Err(_elapsed) => Err(Silence::Late(limit)),
    }
}

impl Silence {
    fn words(self) -> String {
        match self {
            Self::Late(limit) => format!("no answer within {} ms", limit.as_millis()),
            Self::Panicked => "the connector failed while it waited for the answer".to_owned(),
        }
    }
}

/// Silence to a call that may have applied something.
pub(super) fn or_unknown(answer: Result<Reply<Verdict>, Silence>) -> Reply<Verdict> {
    answer.unwrap_or_else(|silence| Reply {
        outcome: Verdict::Unknown { reason: silence.words() },
        budget: None,
    })
}

/// Silence to a call that applies nothing.
pub(super) fn or_retry<T>(
    answer: Result<Reply<Result<T, Unanswered>>, Silence>,
) -> Reply<Result<T, Unanswered>> {
    answer.unwrap_or_else(|silence| Reply {
        outcome: Err(Unanswered::Retry { after: None, reason: silence.words() }),
        budget: None,
    })
}

#[cfg(test)]
mod tests {
    //! A call has its time or is not made.

    use super::*;

    #[tokio::test]
    async fn a_call_for_which_no_time_is_left_is_not_made() {
        let call = async { panic!("it was made") };
        assert_eq!(bounded::<()>(Duration::ZERO, call).await, Err(Silence::Late(Duration::ZERO)));
    }
}

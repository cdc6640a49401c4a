//! Looks at every target once, at start: address, credentials, scopes, version.
//!
//! A target that refuses is paused and named in the log with what to do; the others go on, and
//! when the pause is over dispatch tries again by itself. Posts nothing.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use protocol::id::TargetId;
use protocol::problem::Code;
use tokio::task::JoinSet;

use crate::connectors::{Checked, Targets, Unanswered};
use crate::seams::Clock;
use crate::store::SharedStore;

/// How long a check may take; what is slower is left to dispatch.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a target that refuses is left alone: credentials are seldom mended sooner.
const PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// What a check means.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Finding {
    Well,
    Pause { lasts: SignedDuration, reason: String },
    Unreachable { reason: String },
}

/// Checks all targets at the same time.
pub(super) async fn check(targets: &Targets, store: &SharedStore, clock: &Clock) {
    let mut checks = JoinSet::new();
    for (target, connector) in targets {
        let (target, connector) = (target.clone(), connector.clone());
        checks.spawn(async move {
            let answer = tokio::time::timeout(CHECK_TIMEOUT, connector.check()).await;
            (target, finding(answer.ok()))
        });
    }
    while let Some(checked) = checks.join_next().await {
        match checked {
            Ok((target, finding)) => note(&target, finding, store, clock()).await,
            Err(error) => tracing::error!(%error, "the check of a target failed unexpectedly"),
        }
    }
}

fn finding(answer: Option<Result<Checked, Unanswered>>) -> Finding {
    match answer {
        None => Finding::Unreachable { reason: "no answer in time".to_owned() },
        Some(Ok(checked)) if checked.is_well() => Finding::Well,
        Some(Ok(checked)) => {
            let faults = checked.findings.iter().filter(|finding| !finding.well);
            let faults: Vec<_> =
                faults.map(|fault| format!("{}: {}", fault.subject, fault.detail)).collect();
            Finding::Pause { lasts: PAUSE, reason: faults.join("; ") }
        }
        Some(Err(Unanswered::Paused { after, reason })) => {
            let lasts = SignedDuration::try_from(after).unwrap_or(PAUSE);
            Finding::Pause { lasts, reason }
        }
        Some(Err(Unanswered::Retry { reason, .. })) => Finding::Unreachable { reason },
        Some(Err(Unanswered::Throttled { .. })) => {
            Finding::Unreachable { reason: "the budget is spent".to_owned() }
        }
    }
}

async fn note(target: &TargetId, finding: Finding, store: &SharedStore, now: Timestamp) {
    match finding {
        Finding::Well => tracing::info!(%target, "a target is well"),
        Finding::Unreachable { reason } => {
            let code = Code::TargetUnreachable.number();
            tracing::warn!(%target, code, reason, "a target could not be checked; it is tried anyway");
        }
        Finding::Pause { lasts, reason } => {
            let until = now.saturating_add(lasts).unwrap_or(Timestamp::MAX);
            let code = Code::TargetRefused.number();
            tracing::error!(%target, code, reason, %until, "a target takes nothing; its lanes wait");
            if let Err(error) = store.pause_target(target, until, &reason).await {
                let error: &dyn std::error::Error = &error;
                tracing::error!(%target, error, "a refusing target could not be paused");
            }
        }
    }
}

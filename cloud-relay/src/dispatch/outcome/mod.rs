//! What an answer of a target means for a document: verdict in, state out.
//!
//! Pure. Does not decide what is done next ([`super::lane`]) and never turns "nobody knows" into
//! "not there": only a look-up that began after the attempt's deadline plus the settle time does.

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;

use super::lane::Rules;
use super::policy::{LOOK_AGAIN, SAID_CHARS_MAX};
use super::retry::{after, back_off};
use crate::connectors::{Found, TargetRef, Unanswered, Verdict};
use crate::store::model::{Delivery, DeliveryState, Transition};

/// A whole target that has to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hold {
    /// Its budget is spent.
    Throttled {
        /// Until when.
        until: Timestamp,
    },
    /// It takes nothing at all.
    Paused {
        /// Until when.
        until: Timestamp,
        /// Why, and what to do.
        reason: String,
    },
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It stands there: read it back before believing it.
    Verify(TargetRef),
    /// Write this down.
    Settled {
        /// Where it stands now.
        transition: Transition,
        /// What it means for the whole target.
        hold: Option<Hold>,
    },
}

/// What was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Called<'a> {
    /// `create`.
    Create,
    /// `commit` of this draft.
    Commit(&'a TargetRef),
    /// `verify` of a document that stands there.
    Verify,
}

/// The moments of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moments {
    /// When the call began.
    pub(super) began_at: Timestamp,
    /// The latest moment at which an attempt can have reached the target.
    pub(super) deadline: Timestamp,
    /// Now, when its answer is there.
    pub(super) now: Timestamp,
    /// Drawn from all `u64`.
    pub(super) chance: u64,
}

/// What a look-up means for a document whose attempt has no recorded outcome.
pub(super) fn after_find(
    delivery: &Delivery,
    found: Result<Found, Unanswered>,
    rules: &Rules,
    moments: Moments,
) -> Outcome {
    let Moments { began_at, deadline, now, .. } = moments;
    let settled_at = after(deadline, rules.settle_time);
    match found {
        Ok(Found::Posted(reference)) => Outcome::Verify(reference),
        Ok(Found::Draft(reference)) => {
            let words = format!("a draft stands there: {}", reference.name);
            settled(delivery, DeliveryState::Draft { reference, at: now }, words, None, now)
        }
        Ok(Found::None) if began_at >= settled_at => {
            // The settle time was wait enough; throttled attempts before must not add to it.
            let at = after(now, back_off(1, None, moments.chance));
            let words = "looked for and not there, so it was not applied".to_owned();
            settled(delivery, DeliveryState::Due { at }, words, None, now)
        }
        Ok(Found::None) => {
            let at = after(now, LOOK_AGAIN).min(settled_at.max(now));
            let words = format!("not there yet; absence counts from {settled_at}");
            settled(delivery, DeliveryState::Unknown { deadline, at }, words, None, now)
        }
        Err(unanswered) => {
            let (at, words, hold) = unanswered_until(delivery, unanswered, moments);
            settled(delivery, DeliveryState::Unknown { deadline, at }, words, hold, now)
        }
    }
}

/// What a verdict on a document means.
pub(super) fn after_call(
    delivery: &Delivery,
    called: Called<'_>,
    verdict: Verdict,
    moments: Moments,
) -> Outcome {
    let now = moments.now;
    let settle = |state, words, hold| settled(delivery, state, words, hold, now);
    match verdict {
        Verdict::Done(reference) => {
            let words = format!("stands as {}", reference.name);
            settle(DeliveryState::Done { reference }, words, None)
        }
        Verdict::AlreadyDone(reference) if called == Called::Verify => {
            let words = format!("stands as {}", reference.name);
            settle(DeliveryState::Done { reference }, words, None)
        }
        Verdict::AlreadyDone(reference) => Outcome::Verify(reference),
        Verdict::Resume(reference) => {
            let words = format!("a draft stands there: {}", reference.name);
            settle(DeliveryState::Draft { reference, at: now }, words, None)
        }
        Verdict::Unknown { reason } => {
            let at = after(now, wait(delivery, None, moments.chance));
            settle(DeliveryState::Unknown { deadline: moments.deadline, at }, reason, None)
        }
        Verdict::Exception { class, reason } => {
            let reason = said(reason);
            let state = DeliveryState::Exception { class, reason: reason.clone(), since: now };
            settle(state, reason, None)
        }
        Verdict::Retry { after, reason } => {
            let unanswered = Unanswered::Retry { after, reason };
            not_applied(delivery, called, unanswered, moments)
        }
        Verdict::Throttled { after } => {
            not_applied(delivery, called, Unanswered::Throttled { after }, moments)
        }
        Verdict::Paused { after, reason } => {
            let unanswered = Unanswered::Paused { after, reason };
            not_applied(delivery, called, unanswered, moments)
        }
    }
}

/// Back to where it stood before a call that changed nothing.
pub(super) fn not_applied(
    delivery: &Delivery,
    called: Called<'_>,
    unanswered: Unanswered,
    moments: Moments,
) -> Outcome {
    let (at, words, hold) = unanswered_until(delivery, unanswered, moments);
    let state = match called {
        Called::Create => DeliveryState::Due { at },
        Called::Commit(draft) => DeliveryState::Draft { reference: draft.clone(), at },
        Called::Verify => DeliveryState::Unknown { deadline: moments.deadline, at },
    };
    settled(delivery, state, words, hold, moments.now)
}

/// When to try again what was not answered, why, and what it means for the target.
pub(super) fn unanswered_until(
    delivery: &Delivery,
    unanswered: Unanswered,
    moments: Moments,
) -> (Timestamp, String, Option<Hold>) {
    let now = moments.now;
    match unanswered {
        Unanswered::Retry { after: least, reason } => {
            (after(now, wait(delivery, least, moments.chance)), said(reason), None)
        }
        Unanswered::Throttled { after: least } => {
            let until = after(now, least);
            (until, "the target's budget is spent".to_owned(), Some(Hold::Throttled { until }))
        }
        Unanswered::Paused { after: least, reason } => {
            let until = after(now, least);
            let reason = said(reason);
            (until, reason.clone(), Some(Hold::Paused { until, reason }))
        }
    }
}

fn wait(delivery: &Delivery, least: Option<Duration>, chance: u64) -> Duration {
    back_off(delivery.attempts, least, chance)
}

fn settled(
    delivery: &Delivery,
    state: DeliveryState,
    words: String,
    hold: Option<Hold>,
    now: Timestamp,
) -> Outcome {
    let transition = Transition { id: delivery.id, state, said: said(words), now };
    Outcome::Settled { transition, hold }
}

/// What a target said, bounded.
pub(super) fn said(words: String) -> String {
    match words.char_indices().nth(SAID_CHARS_MAX) {
        Some((end, _)) => words.get(..end).unwrap_or_default().to_owned(),
        None => words,
    }
}

//! The life of a bundle: stored before it is sent, repeated byte for byte only while nobody knows
//! what came of it, never after the repeat window, closed by a definite answer.
//!
//! Pure. A definite "not applied" of the only attempt frees the members as well, so that an
//! outage of days, in which the target took nothing, makes no exceptions: only while an attempt
//! may have been applied does the repeat window run. Does not choose the members
//! ([`super::lane`]).

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use super::lane::{self, Rules};
use super::outcome::{Hold, said};
use super::policy::STALE_WAIT;
use super::retry::{after, back_off, look_again};
use crate::connectors::{BundleVerdict, ExceptionClass, TargetRef, Verdict};
use crate::store::model::{Bundle, DeliveryId, DeliveryState, Transition};

/// What became of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BundleOutcome {
    /// Store it like this; it is sent again when due.
    Keep(Bundle),
    /// Its members go their own ways; the bundle is settled.
    Close(Vec<Transition>),
}

/// The bundle as it has to be stored before an attempt that begins now.
pub(super) fn begin(bundle: &Bundle, rules: &Rules, now: Timestamp) -> Bundle {
    let deadline = lane::deadline(rules, now);
    Bundle {
        first_sent_at: bundle.first_sent_at.or(Some(now)),
        deadline: Some(deadline),
        // Only a crash leaves it like this: then it is repeated once this attempt is over.
        due_at: deadline,
        attempts: bundle.attempts.saturating_add(1),
        ..bundle.clone()
    }
}

/// Why a bundle may not be sent again, if so: its outcome is unknown, and an attempt that begins
/// now might reach the target after the key stopped protecting it.
pub(super) fn beyond_repeat(bundle: &Bundle, rules: &Rules, now: Timestamp) -> Option<String> {
    let first_sent_at = bundle.first_sent_at?;
    let protected_until = after(first_sent_at, rules.repeat_window);
    (lane::deadline(rules, now) > protected_until).then(|| {
        format!(
            "it was sent at {first_sent_at} without an answer, and after {protected_until} the \
             target no longer recognises a repetition; it is never sent again by itself"
        )
    })
}

/// Makes every member an exception.
pub(super) fn give_up(bundle: &Bundle, reason: &str, now: Timestamp) -> Vec<Transition> {
    let class = ExceptionClass::UnknownOutcome;
    let state = DeliveryState::Exception { class, reason: reason.to_owned(), since: now };
    all(bundle, &state, reason, now)
}

/// An attempt to send a bundle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending<'a> {
    /// The bundle before this attempt.
    pub(super) before: &'a Bundle,
    /// The bundle after [`begin`], as it is stored.
    pub(super) sent: &'a Bundle,
    /// When the oldest of its members entered the lane.
    pub(super) oldest_at: Timestamp,
    /// Now, when the answer is there.
    pub(super) now: Timestamp,
    /// Drawn from all `u64`.
    pub(super) chance: u64,
}

/// What an answer means for a bundle.
pub(super) fn after_send(
    sending: Sending<'_>,
    verdict: BundleVerdict,
) -> (BundleOutcome, Option<Hold>) {
    let Sending { sent, now, .. } = sending;
    match verdict {
        BundleVerdict::Done(reference) => {
            let said = format!("applied as {}", reference.name);
            let transitions = all(sent, &DeliveryState::Done { reference }, &said, now);
            (BundleOutcome::Close(transitions), None)
        }
        BundleVerdict::Refused { culprits, reason } => {
            (BundleOutcome::Close(refused(sent, &culprits, &reason, now)), None)
        }
        BundleVerdict::Wait(verdict) => wait(sending, verdict),
    }
}

fn wait(sending: Sending<'_>, verdict: Verdict) -> (BundleOutcome, Option<Hold>) {
    let Sending { sent, now, .. } = sending;
    match verdict {
        Verdict::Retry { after: least, reason } => {
            let at = after(now, back_off(sent.attempts, least, sending.chance));
            let at = at.max(look_again(sending.oldest_at, now));
            (not_applied(sending, at, &reason), None)
        }
        Verdict::Throttled { after: wait } => {
            let until = after(now, wait);
            let reason = "the target's budget is spent";
            (not_applied(sending, until, reason), Some(Hold::Throttled { until }))
        }
        Verdict::Paused { after: wait, reason } => {
            let (until, reason) = (after(now, wait), said(reason));
            let outcome = not_applied(sending, until, &reason);
            (outcome, Some(Hold::Paused { until, reason }))
        }
        Verdict::Done(reference) | Verdict::AlreadyDone(reference) => {
            let words = format!("applied as {}", reference.name);
            let transitions = all(sent, &DeliveryState::Done { reference }, &words, now);
            (BundleOutcome::Close(transitions), None)
        }
        Verdict::Exception { class, reason } => {
            let state =
                DeliveryState::Exception { class, reason: said(reason.clone()), since: now };
            (BundleOutcome::Close(all(sent, &state, &reason, now)), None)
        }
        // A bundle has no drafts: what a connector means by one is not known.
        Verdict::Unknown { .. } | Verdict::Resume(_) => {
            let due_at = after(now, back_off(sent.attempts, None, sending.chance));
            (BundleOutcome::Keep(Bundle { due_at, ..sent.clone() }), None)
        }
    }
}

/// This attempt was not applied. If an earlier one may have been, only its key protects: the
/// bundle stays. Otherwise nothing was sent, in effect, and the members are free.
fn not_applied(sending: Sending<'_>, at: Timestamp, reason: &str) -> BundleOutcome {
    let Sending { before, sent, now, .. } = sending;
    if before.first_sent_at.is_some() {
        return BundleOutcome::Keep(Bundle { due_at: at, ..sent.clone() });
    }
    BundleOutcome::Close(all(sent, &DeliveryState::Due { at }, reason, now))
}

/// A definite refusal closes the bundle: the culprits need a person, the others are due again and
/// will travel under a new key.
fn refused(
    sent: &Bundle,
    culprits: &[(usize, ExceptionClass, String)],
    reason: &str,
    now: Timestamp,
) -> Vec<Transition> {
    let at = |index| culprits.iter().find(|(culprit, ..)| *culprit == index);
    let known = (0..sent.members.len()).any(|index| at(index).is_some());
    // Nobody at fault means a stale compare; making the bundle anew at once would meet the same.
    let due = DeliveryState::Due { at: if known { now } else { after(now, STALE_WAIT) } };
    let transition = |(index, id): (usize, &DeliveryId)| match at(index) {
        Some((_, class, why)) => {
            let why = said(why.clone());
            let state = DeliveryState::Exception { class: *class, reason: why.clone(), since: now };
            Transition { id: *id, state, said: why, now }
        }
        None => {
            let said = said(format!("not applied, because its bundle was refused: {reason}"));
            Transition { id: *id, state: due.clone(), said, now }
        }
    };
    sent.members.iter().enumerate().map(transition).collect()
}

fn all(bundle: &Bundle, state: &DeliveryState, words: &str, now: Timestamp) -> Vec<Transition> {
    let words = said(words.to_owned());
    bundle
        .members
        .iter()
        .map(|id| Transition { id: *id, state: state.clone(), said: words.clone(), now })
        .collect()
}

/// What stands in place of a document for a movement that moves nothing at the target.
pub(super) fn without_effect() -> TargetRef {
    TargetRef {
        id: "without-effect".to_owned(),
        name: "no effect in this target".to_owned(),
        detail: serde_json::Value::Null,
    }
}

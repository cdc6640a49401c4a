//! The judgement: normal, rewound, forked, cloned, unknown, or the relay itself restored.
//!
//! Hashes are compared at the lower of the two heads. When the agent is ahead, the relay cannot
//! see its hash there; the agent compares it itself ([`answer_fits`]), and the first batch's
//! `previousChainHash` proves it. Does not hold or release anything: it only judges.

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::chain::{ChainHash, Position};
use crate::handshake::{
    EpochReason, HoldReason, InstanceId, SessionAnswer, Standing, Statement, Ticket,
};

/// How many superseded instances the relay remembers for a device. A copy that sleeps longer
/// than so many restarts of the other is still told by its history.
pub const SUPERSEDED_MAX: usize = 16;

/// A session that the relay opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRow {
    /// The ticket it issued.
    pub ticket: Ticket,
    /// The instance it issued it to.
    pub instance: InstanceId,
    /// That instance's highest statement number so far.
    pub attempt: u64,
}

/// A host that spoke under the device's identity while the device was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyRow {
    /// Its last start of the program.
    pub instance: InstanceId,
    /// The last ticket that was issued to it: by that it is known after a restart.
    pub ticket: Ticket,
    /// That instance's highest statement number so far.
    pub attempt: u64,
    /// When it first spoke.
    pub first_at: Timestamp,
    /// When it last showed a ticket that only an answer to it carried; none for what may be a
    /// late message of a host that is gone.
    pub answered_at: Option<Timestamp>,
    /// When it last spoke.
    pub seen_at: Timestamp,
    /// Whether it was held or has lost the identity.
    pub state: CopyState,
}

/// What became of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyState {
    /// Nobody has decided yet.
    Held,
    /// Another one keeps the identity.
    Displaced {
        /// The last position that both have, where it is known.
        shared: Option<Position>,
    },
}

impl CopyRow {
    /// Whether both were alive at the same time. Of hosts that spoke one after the other, as when
    /// a second backup is restored in place of the first, the later one began when the earlier
    /// one had fallen silent.
    #[must_use]
    pub fn lives_beside(&self, other: &Self) -> bool {
        match (self.answered_at, other.answered_at) {
            (Some(own), Some(others)) => self.first_at < others && other.first_at < own,
            _ => false,
        }
    }
}

/// What the relay knows when a statement arrives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Its head in the stated epoch, if it knows that epoch.
    pub head: Option<Position>,
    /// Its own chain hash at the stated head, if it holds that entry (or the head is the start).
    pub hash_at_stated_head: Option<ChainHash>,
    /// Its own chain hash at the stated acknowledged mark, if it holds that entry.
    pub hash_at_stated_mark: Option<ChainHash>,
    /// Whether it knows the epoch that the statement names as predecessor.
    pub predecessor_known: bool,
    /// Its own chain hash at the last position that the statement names of the predecessor.
    pub hash_at_predecessor: Option<ChainHash>,
    /// Whether an epoch has begun that names the stated one as its predecessor.
    pub succeeded: bool,
    /// The stated head, or what the agent was told is kept aside, if it is kept aside.
    pub aside: Option<Position>,
    /// The hosts that spoke while the device was held, and those that lost the identity.
    pub copies: Vec<CopyRow>,
    /// Whether it knows any epoch of this device.
    pub device_has_epochs: bool,
    /// The session that it opened last.
    pub current: Option<SessionRow>,
    /// Instances that later ones took over from, newest last, at most [`SUPERSEDED_MAX`].
    pub superseded: Vec<InstanceId>,
    /// The last challenge: a ticket given to a superseded instance that spoke up again.
    pub challenge: Option<SessionRow>,
}

/// What the relay does with the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Send from the relay's head + 1.
    Resume,
    /// A new epoch begins: the device's first, or one that names its predecessor.
    Begin,
    /// A new epoch after a rewind begins, once the former instance has been silent.
    Rewind,
    /// The relay holds less than it once acknowledged: it was restored.
    Resend,
    /// A repeated statement, or a straggler of an instance that was taken over from: no session,
    /// only a fresh ticket, which a living instance shows and a straggler cannot.
    Restate,
    /// Keep aside until it is released.
    Hold(HoldReason),
}

/// Judges a statement by what the relay knows.
#[must_use]
pub fn judge(statement: &Statement, evidence: &Evidence) -> Verdict {
    judge_instance(statement, evidence).unwrap_or_else(|| judge_journal(statement, evidence))
}

/// Judges the journal alone, whoever states it.
#[must_use]
pub fn judge_journal(statement: &Statement, evidence: &Evidence) -> Verdict {
    match evidence.head {
        Some(head) => judge_history(statement, evidence, head),
        None if !evidence.device_has_epochs => Verdict::Begin,
        None => judge_beginning(statement, evidence),
    }
}

/// An epoch that the relay does not know, of a device that it knows.
fn judge_beginning(statement: &Statement, evidence: &Evidence) -> Verdict {
    let Some(predecessor) = statement.predecessor.as_ref().filter(|_| evidence.predecessor_known)
    else {
        return Verdict::Hold(HoldReason::UnknownEpoch);
    };
    if differs(predecessor.head, evidence.hash_at_predecessor) {
        return Verdict::Hold(HoldReason::Fork);
    }
    // One that was acknowledged before has waited already; the relay was restored since.
    let is_new = statement.acknowledged == Position::START;
    // Without a session nobody is waited for: a person has just released the device.
    match predecessor.reason {
        EpochReason::Rewound if is_new && evidence.current.is_some() => Verdict::Rewind,
        EpochReason::Rewound | EpochReason::Salvaged => Verdict::Begin,
    }
}

/// Whether the relay holds something else at a stated position.
fn differs(stated: Position, own: Option<ChainHash>) -> bool {
    own.is_some_and(|own| own != stated.chain_hash)
}

/// Each start of a program draws a new instance, so one that was taken over from never speaks
/// again, unless two copies run. A late message of a dead instance is told from a living copy by
/// whether it can show the ticket that only an answer to it carried.
fn judge_instance(statement: &Statement, evidence: &Evidence) -> Option<Verdict> {
    let current = evidence.current?;
    if statement.instance == current.instance {
        return (statement.attempt <= current.attempt).then_some(Verdict::Restate);
    }
    let answered_challenge = evidence.challenge.is_some_and(|challenge| {
        challenge.instance == statement.instance && statement.ticket == Some(challenge.ticket)
    });
    if !evidence.superseded.contains(&statement.instance) {
        // A start that is new here takes over with the last ticket. Without it (the answer that
        // carried it was lost, or the disk is an older one) it has to show first that it lives: a
        // statement that somebody kept and says again cannot.
        let is_new = statement.ticket == Some(current.ticket) || answered_challenge;
        return (!is_new).then_some(Verdict::Restate);
    }
    Some(if answered_challenge { Verdict::Hold(HoldReason::Clone) } else { Verdict::Restate })
}

fn judge_history(statement: &Statement, evidence: &Evidence, head: Position) -> Verdict {
    if differs(statement.head, evidence.hash_at_stated_head)
        || differs(statement.acknowledged, evidence.hash_at_stated_mark)
    {
        return Verdict::Hold(HoldReason::Fork);
    }
    if statement.head.sequence < head.sequence {
        return Verdict::Hold(HoldReason::Behind);
    }
    if evidence.succeeded {
        // The device goes on in another epoch: whoever comes with the former one was restored
        // from before that, and whoever went on with it is a second history.
        let went_on = statement.head.sequence > head.sequence;
        return Verdict::Hold(if went_on { HoldReason::Fork } else { HoldReason::Behind });
    }
    if statement.acknowledged.sequence > head.sequence {
        return Verdict::Resend;
    }
    Verdict::Resume
}

/// What is wrong with an answer, seen from the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It answers another statement than the one just made.
    #[error("the answer belongs to another statement of this or another instance")]
    Other,
    /// The relay holds another history than this journal.
    #[error("the relay's chain hash at its head differs from this journal's")]
    Fork,
}

/// Checks an answer against the statement and the agent's own chain hash at the relay's head
/// (`None` if the relay's head is above the journal's own).
///
/// # Errors
/// The answer is for another statement, or tells of another history.
pub fn answer_fits(
    answer: &SessionAnswer,
    statement: &Statement,
    own_hash_at_relay_head: Option<ChainHash>,
) -> Result<(), AnswerError> {
    let same = answer.device == statement.device
        && answer.epoch == statement.epoch
        && answer.instance == statement.instance
        && answer.attempt == statement.attempt;
    if !same {
        return Err(AnswerError::Other);
    }
    let sends = matches!(answer.standing, Standing::Resume | Standing::Resend);
    if sends && own_hash_at_relay_head != Some(answer.head.chain_hash) {
        return Err(AnswerError::Fork);
    }
    Ok(())
}

//! What a statement leads to: the answer, and what is written down before it is given.
//!
//! The judgement itself is `protocol::handshake::judge`; this adds what a hold does to it. A hold
//! because a journal was behind ends by itself once the former instance has been silent for
//! [`SILENCE`](super::policy::SILENCE), and becomes one because of a clone once two hosts are seen
//! alive beside each other; every other one ends by a person. Pure: the ticket and the time are
//! arguments.

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use protocol::chain::{Position, Sequence};
use protocol::handshake::judge::{
    CopyRow, CopyState, Evidence, SessionRow, Verdict, judge, judge_journal,
};
use protocol::handshake::{
    HoldReason, PROTOCOL_VERSION, Predecessor, SessionAnswer, Standing, Statement, Ticket,
};
use protocol::problem::{Code, Problem};
use serde::Deserialize;

use super::policy::SILENCE;
use crate::seams::Telling;
use crate::store::model::{Device, DeviceState, HeldCopy, SessionChange};

/// What a statement leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// To be written down first.
    pub(super) change: SessionChange,
    /// To be answered then.
    pub(super) answer: SessionAnswer,
    /// The former instance of a journal that was behind spoke up: its silence begins anew.
    pub(super) renews_hold: bool,
}

enum Outcome {
    Open { begin: Option<Option<Predecessor>>, standing: Standing },
    Restate,
    Hold { reason: HoldReason, renews: bool },
    Displaced { shared: Option<Position> },
}

/// Reads a statement.
pub(super) fn read(body: &[u8], device: &Device) -> Result<Statement, Problem> {
    is_our_version(body)?;
    let invalid = |detail: String| {
        Problem::new(Code::InvalidRequest, detail)
            .next("compare the statement with the schema of this version")
    };
    let statement: Statement =
        serde_json::from_slice(body).map_err(|error| invalid(format!("the statement: {error}")))?;
    if statement.device != device.device {
        let detail = format!(
            "the statement is of {}, the address names {}",
            statement.device, device.device
        );
        return Err(invalid(detail).at("device"));
    }
    if statement.store != device.store {
        let detail = format!("the device serves store {}, not {}", device.store, statement.store);
        return Err(Problem::new(Code::UnknownStore, detail)
            .at("store")
            .next("correct the store in the agent's configuration, or enrol the device anew"));
    }
    Ok(statement)
}

/// A later version may look different everywhere else, so this is read before the rest.
pub(super) fn is_our_version(body: &[u8]) -> Result<(), Problem> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Versioned {
        protocol_version: u32,
    }
    let stated: Versioned = serde_json::from_slice(body).map_err(|error| {
        Problem::new(Code::InvalidRequest, format!("the body: {error}"))
            .next("send JSON with a `protocolVersion`")
    })?;
    if stated.protocol_version == PROTOCOL_VERSION {
        return Ok(());
    }
    let detail = format!(
        "the agent speaks version {}, this relay speaks version {PROTOCOL_VERSION}",
        stated.protocol_version
    );
    let next = "update whichever of the two is older; entries stay safe in the journal";
    Err(Problem::new(Code::UnsupportedVersion, detail).at("protocolVersion").next(next))
}

/// Judges a statement. `ticket` is fresh.
pub(super) fn session(
    statement: &Statement,
    device: &Device,
    evidence: &Evidence,
    ticket: Ticket,
    telling: Telling,
    now: Timestamp,
) -> Session {
    let spoken = spoken(statement, evidence);
    let own = copy(statement, spoken, ticket, now);
    let outcome = outcome(statement, device.state, evidence, &Heard { spoken, own, telling, now });
    let row = SessionRow { ticket, instance: statement.instance, attempt: statement.attempt };
    let held = HeldCopy {
        row: own,
        replaces: spoken.map(|spoken| spoken.instance),
        epoch: statement.epoch,
        head: statement.head,
    };
    let mut change = SessionChange {
        device: statement.device.clone(),
        epoch: statement.epoch,
        begin: None,
        current: None,
        challenge: None,
        instance: statement.instance,
        hold: None,
        copy: None,
        agent_version: statement.agent_version.to_string(),
        now,
    };
    let (mut renews_hold, mut head) = (false, evidence.head.unwrap_or(Position::START));
    let standing = match outcome {
        Outcome::Open { begin, standing } => {
            change.begin = begin;
            change.current = Some(row);
            standing
        }
        Outcome::Restate => {
            let is_current = evidence.current.is_some_and(|row| row.instance == statement.instance);
            change.challenge = (!is_current).then_some(row);
            Standing::Restate
        }
        Outcome::Hold { reason, renews } => {
            change.hold = Some(reason);
            change.copy = Some(held);
            renews_hold = renews;
            head = evidence.aside.unwrap_or_else(|| shared(statement, evidence));
            Standing::Held { reason, relay_head: rewinds_at(reason, statement, evidence) }
        }
        Outcome::Displaced { shared: known } => {
            change.copy = Some(held);
            head = known.unwrap_or_else(|| shared(statement, evidence));
            Standing::Displaced
        }
    };
    let answer = SessionAnswer {
        device: statement.device.clone(),
        epoch: statement.epoch,
        head,
        standing,
        ticket,
        instance: statement.instance,
        attempt: statement.attempt,
        relay_time: now,
    };
    Session { change, answer, renews_hold }
}

/// How far the relay is, told to a journal that is behind. The former instance is held for the same
/// reason, and its journal goes on as it is.
fn rewinds_at(reason: HoldReason, statement: &Statement, evidence: &Evidence) -> Option<Sequence> {
    let is_behind = reason == HoldReason::Behind
        && judge_journal(statement, evidence) == Verdict::Hold(HoldReason::Behind);
    evidence.head.filter(|_| is_behind).map(|head| head.sequence)
}

/// Of what was stated, the furthest that the relay holds with the same hash.
fn shared(statement: &Statement, evidence: &Evidence) -> Position {
    let stated = [
        (statement.head, evidence.hash_at_stated_head),
        (statement.acknowledged, evidence.hash_at_stated_mark),
    ];
    let held = stated.into_iter().find(|(stated, own)| *own == Some(stated.chain_hash));
    held.map_or(Position::START, |(stated, _)| stated)
}

/// Who speaks and when.
struct Heard<'a> {
    /// What is known of the host, if it spoke before under this hold or has lost the identity.
    spoken: Option<&'a CopyRow>,
    /// What is known of it now.
    own: CopyRow,
    telling: Telling,
    now: Timestamp,
}

/// A host is known by its instance and, after a restart, by its last ticket.
fn spoken<'a>(statement: &Statement, evidence: &'a Evidence) -> Option<&'a CopyRow> {
    let by_instance = evidence.copies.iter().find(|copy| copy.instance == statement.instance);
    by_instance
        .or_else(|| evidence.copies.iter().find(|copy| Some(copy.ticket) == statement.ticket))
}

fn copy(
    statement: &Statement,
    spoken: Option<&CopyRow>,
    ticket: Ticket,
    now: Timestamp,
) -> CopyRow {
    let answers = spoken.is_some_and(|spoken| statement.ticket == Some(spoken.ticket));
    CopyRow {
        instance: statement.instance,
        ticket,
        attempt: statement.attempt,
        first_at: spoken.map_or(now, |spoken| spoken.first_at),
        answered_at: match answers {
            true => Some(now),
            false => spoken.and_then(|spoken| spoken.answered_at),
        },
        seen_at: now,
        state: spoken.map_or(CopyState::Held, |spoken| spoken.state),
    }
}

fn outcome(
    statement: &Statement,
    state: DeviceState,
    evidence: &Evidence,
    heard: &Heard<'_>,
) -> Outcome {
    if let Some(CopyRow { state: CopyState::Displaced { shared }, .. }) = heard.spoken {
        return Outcome::Displaced { shared: *shared };
    }
    if let DeviceState::Held { reason, since } = state {
        return held(statement, evidence, (reason, since), heard);
    }
    let verdict = match heard.telling {
        Telling::Apart => judge(statement, evidence),
        Telling::Nobody => judge_journal(statement, evidence),
    };
    match verdict {
        Verdict::Restate => Outcome::Restate,
        Verdict::Hold(reason) => Outcome::Hold { reason, renews: false },
        Verdict::Rewind => Outcome::Hold { reason: HoldReason::Behind, renews: false },
        Verdict::Begin => begins(statement),
        Verdict::Resume => Outcome::Open { begin: None, standing: Standing::Resume },
        Verdict::Resend => Outcome::Open { begin: None, standing: Standing::Resend },
    }
}

/// An epoch that was acknowledged and is not known was lost with the relay's store.
fn begins(statement: &Statement) -> Outcome {
    let standing = match statement.acknowledged.sequence {
        Sequence::NONE => Standing::Resume,
        _ => Standing::Resend,
    };
    Outcome::Open { begin: Some(statement.predecessor.clone()), standing }
}

/// A statement while the device is held: only a hold because a journal was behind ends by itself.
fn held(
    statement: &Statement,
    evidence: &Evidence,
    (reason, since): (HoldReason, Timestamp),
    heard: &Heard<'_>,
) -> Outcome {
    if is_repeated(statement, evidence, heard.spoken) {
        return Outcome::Restate;
    }
    if reason != HoldReason::Behind {
        return Outcome::Hold { reason, renews: false };
    }
    let others: Vec<_> = evidence
        .copies
        .iter()
        .filter(|copy| copy.state == CopyState::Held)
        .filter(|copy| Some(copy.instance) != heard.spoken.map(|spoken| spoken.instance))
        .collect();
    let tells = heard.telling == Telling::Apart;
    if tells && others.iter().any(|other| heard.own.lives_beside(other)) {
        return Outcome::Hold { reason: HoldReason::Clone, renews: false };
    }
    let is_silent = |since: Timestamp| heard.now.duration_since(since) >= SILENCE || !tells;
    match judge_journal(statement, evidence) {
        Verdict::Restate => Outcome::Restate,
        Verdict::Hold(reason) => Outcome::Hold { reason, renews: false },
        Verdict::Begin | Verdict::Rewind if is_silent(since) => begins(statement),
        Verdict::Begin | Verdict::Rewind => Outcome::Hold { reason, renews: false },
        // What was behind was a mistake and is gone; the device itself is back.
        verdict if !others.is_empty() && others.iter().all(|other| is_silent(other.seen_at)) => {
            let standing = match verdict {
                Verdict::Resend => Standing::Resend,
                _ => Standing::Resume,
            };
            Outcome::Open { begin: None, standing }
        }
        // Whoever goes on with the former journal is the one whose silence is waited for.
        Verdict::Resume | Verdict::Resend => Outcome::Hold { reason, renews: true },
    }
}

/// Whether a statement came before. A late message says nothing of who is alive.
fn is_repeated(statement: &Statement, evidence: &Evidence, spoken: Option<&CopyRow>) -> bool {
    let same = |instance, attempt| instance == statement.instance && statement.attempt <= attempt;
    evidence.current.is_some_and(|row| same(row.instance, row.attempt))
        || spoken.is_some_and(|row| same(row.instance, row.attempt))
}

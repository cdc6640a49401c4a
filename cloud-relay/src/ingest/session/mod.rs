//! What a statement leads to: the answer, and what is written down before it is given.
//!
//! The judgement itself is `protocol::handshake::judge`; this adds what a hold does to it. A hold
//! because a journal was behind ends by itself once the former instance has been silent for
//! [`SILENCE`](super::policy::SILENCE); every other one ends by a person. Pure: the ticket and
//! the time are arguments.

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use protocol::chain::Position;
use protocol::handshake::judge::{Evidence, SessionRow, Verdict, judge};
use protocol::handshake::{
    HoldReason, PROTOCOL_VERSION, Predecessor, SessionAnswer, Standing, Statement, Ticket,
};
use protocol::problem::{Code, Problem};
use serde::Deserialize;

use super::policy::SILENCE;
use crate::store::model::{Device, DeviceState, SessionChange};

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
    now: Timestamp,
) -> Session {
    let outcome = outcome(statement, device.state, evidence, now);
    let row = SessionRow { ticket, instance: statement.instance, attempt: statement.attempt };
    let mut change = SessionChange {
        device: statement.device.clone(),
        epoch: statement.epoch,
        begin: None,
        current: None,
        challenge: None,
        instance: statement.instance,
        hold: None,
        agent_version: statement.agent_version.to_string(),
        now,
    };
    let mut renews_hold = false;
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
            renews_hold = renews;
            Standing::Held { reason }
        }
    };
    let answer = SessionAnswer {
        device: statement.device.clone(),
        epoch: statement.epoch,
        head: evidence.head.unwrap_or(Position::START),
        standing,
        ticket,
        instance: statement.instance,
        attempt: statement.attempt,
        relay_time: now,
    };
    Session { change, answer, renews_hold }
}

fn outcome(
    statement: &Statement,
    state: DeviceState,
    evidence: &Evidence,
    now: Timestamp,
) -> Outcome {
    let held = match state {
        DeviceState::Held { reason, since } => Some((reason, since)),
        DeviceState::Active | DeviceState::Revoked { .. } => None,
    };
    let begin = Some(statement.predecessor.clone());
    match (judge(statement, evidence), held) {
        (Verdict::Restate, _) => Outcome::Restate,
        (Verdict::Hold(reason), _) => Outcome::Hold { reason, renews: false },
        (Verdict::Begin, Some((HoldReason::Behind, since)))
            if now.duration_since(since) >= SILENCE =>
        {
            Outcome::Open { begin, standing: Standing::Resume }
        }
        (Verdict::Begin, Some((reason, _))) => Outcome::Hold { reason, renews: false },
        // Whoever goes on with the former journal is the one whose silence is waited for.
        (Verdict::Resume | Verdict::Resend, Some((reason, _))) => {
            Outcome::Hold { reason, renews: reason == HoldReason::Behind }
        }
        (Verdict::Begin, None) => Outcome::Open { begin, standing: Standing::Resume },
        (Verdict::Resume, None) => Outcome::Open { begin: None, standing: Standing::Resume },
        (Verdict::Resend, None) => Outcome::Open { begin: None, standing: Standing::Resend },
    }
}

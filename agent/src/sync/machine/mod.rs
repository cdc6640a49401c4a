//! The agent's half of the protocol: state, send, count what is acknowledged, wait.
//!
//! A state machine without socket, journal or clock: [`Machine::next`] says what to do, the shell
//! does it and reports back. Time is what has passed since the program's start, so that a clock
//! that is set back stops nothing; chance is an argument. Nothing is ever counted as relayed
//! unless the relay named our own chain hash, and nothing is sent while the device is held. Does
//! not read entries and does not enrol.

#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

use protocol::batch::{Acknowledgement, BatchAnswer};
use protocol::chain::{ChainHash, Epoch, Position, Sequence};
use protocol::handshake::judge::{AnswerError, answer_fits};
use protocol::handshake::{SessionAnswer, Standing, Statement};
use protocol::id::DeviceId;
use protocol::limits::BATCH_ENTRIES_MAX;
use protocol::problem::Code;

use super::policy::{self, LINGER, Ladder};
use super::uplink::Failure;
use crate::health::Reason;

pub use self::words::{Action, LinkNews, Moment, Outcome, Turn};

/// Where the conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No session.
    Apart { retry_at: Moment },
    /// A statement is under way.
    Stating,
    /// A session is open and nothing is under way; the relay holds everything up to `after`.
    Open { after: Position },
    /// A batch that begins after `after` is under way.
    Sending { after: Position },
}

/// Failures in a row, on each ladder.
#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    unreachable: u32,
    unavailable: u32,
    refused: u32,
}

/// The state machine of one device and epoch.
#[derive(Debug)]
pub struct Machine {
    device: DeviceId,
    epoch: Epoch,
    phase: Phase,
    attempt: u64,
    failures: Failures,
    head: Sequence,
    entries_max: usize,
    sent_at: Option<Moment>,
    /// The relay sent us back, and nothing was acknowledged since.
    sent_back: bool,
    /// When to state again while the device is held; what is sent meanwhile is kept aside.
    held_until: Option<Moment>,
}

impl Machine {
    /// Begins without a session.
    #[must_use]
    pub fn new(device: DeviceId, epoch: Epoch, head: Sequence) -> Self {
        Self {
            device,
            epoch,
            phase: Phase::Apart { retry_at: Moment::ZERO },
            attempt: 0,
            failures: Failures::default(),
            head,
            entries_max: BATCH_ENTRIES_MAX,
            sent_at: None,
            sent_back: false,
            held_until: None,
        }
    }

    /// The journal goes on under a new epoch.
    pub fn epoch_began(&mut self, epoch: Epoch, head: Sequence) {
        self.epoch = epoch;
        self.head = head;
        self.phase = Phase::Apart { retry_at: Moment::ZERO };
    }

    /// Says what to do at `now`; a statement or a batch counts as under way from then on.
    pub fn next(&mut self, now: Moment) -> Action {
        match self.phase {
            Phase::Apart { retry_at } if now < retry_at => Action::Wait { until: Some(retry_at) },
            Phase::Apart { .. } => {
                self.phase = Phase::Stating;
                self.attempt = self.attempt.saturating_add(1);
                Action::State { attempt: self.attempt }
            }
            Phase::Open { .. } if self.held_until.is_some_and(|until| until <= now) => {
                self.phase = Phase::Apart { retry_at: now };
                self.next(now)
            }
            Phase::Open { after } if self.head > after.sequence => self.send(after, now),
            Phase::Open { .. } | Phase::Stating | Phase::Sending { .. } => {
                Action::Wait { until: self.held_until }
            }
        }
    }

    /// A single sale goes at once; what follows closely is gathered.
    fn send(&mut self, after: Position, now: Moment) -> Action {
        let waiting = self.head.since(after.sequence);
        let is_full = usize::try_from(waiting).is_ok_and(|waiting| waiting >= self.entries_max);
        let due = self.sent_at.map_or(Moment::ZERO, |sent| sent.saturating_add(LINGER));
        if !is_full && now < due {
            return Action::Wait { until: Some(due) };
        }
        self.phase = Phase::Sending { after };
        self.sent_at = Some(now);
        Action::Send { after, entries_max: self.entries_max }
    }

    /// The journal has grown.
    pub fn head_is(&mut self, head: Sequence) {
        self.head = self.head.max(head);
    }

    /// The relay answered the statement. `own_hash` is the journal's chain hash at the answer's
    /// head, none if that is above the journal's own.
    pub fn session_answered(
        &mut self,
        statement: &Statement,
        answer: &SessionAnswer,
        own_hash: Option<ChainHash>,
        now: Moment,
        random: u32,
    ) -> Outcome {
        let ticket = Some(answer.ticket);
        self.held_until = None;
        match answer_fits(answer, statement, own_hash) {
            Err(error @ AnswerError::Other) => {
                let reason = Reason::new(Code::StaleSession, error.to_string());
                self.failed(&Failure::unavailable(reason), now, random)
            }
            Err(error @ AnswerError::Fork) => {
                let reason = Reason::new(Code::ChainBroken, error.to_string());
                let outcome = self.failed(&Failure::Refused(reason), now, random);
                Outcome { ticket, ..outcome }
            }
            Ok(()) => {
                Outcome { ticket, ..self.stands(answer, (statement.head, own_hash), now, random) }
            }
        }
    }

    fn stands(
        &mut self,
        answer: &SessionAnswer,
        (stated, own_hash): (Position, Option<ChainHash>),
        now: Moment,
        random: u32,
    ) -> Outcome {
        let is_ours = own_hash == Some(answer.head.chain_hash);
        match answer.standing {
            // The signed head with our own chain hash says what an acknowledgement says, and one
            // that was lost on its way is made up for.
            Standing::Resume => self.opened(answer.head, Some(answer.head)),
            // The mark stays above: what the relay lost is sent again, but was relayed once.
            Standing::Resend => self.opened(answer.head, None),
            Standing::Restate => {
                let reason = Reason::new(Code::StaleSession, "the relay asked to state again");
                self.failed(&Failure::StaleSession(reason), now, random)
            }
            Standing::Held { relay_head: Some(relay_head), .. }
                if is_ours && answer.head == stated =>
            {
                self.phase = Phase::Apart { retry_at: now };
                let turn = Turn::Rewind { head: answer.head, relay_head };
                Outcome { turn: Some(turn), ..Outcome::default() }
            }
            Standing::Held { reason, .. } => {
                self.held(is_ours.then_some(answer.head), now, random);
                Outcome { link: Some(LinkNews::Held(reason)), ..Outcome::default() }
            }
            Standing::Displaced if is_ours => {
                self.step_apart(Ladder::Refused, None, now, random);
                let turn = Turn::Displaced { shared: answer.head };
                Outcome { turn: Some(turn), ..Outcome::default() }
            }
            Standing::Displaced => {
                let text = "the relay gave this device's name to another copy of this host, and \
                            names an entry that this one does not have";
                let reason = Reason::new(Code::ChainBroken, text);
                self.failed(&Failure::Refused(reason), now, random)
            }
        }
    }

    /// What the relay does not hold of our branch is sent all the same: it keeps it aside, so that
    /// nothing is lost with this host.
    fn held(&mut self, after: Option<Position>, now: Moment, random: u32) {
        match after {
            Some(after) => {
                self.phase = Phase::Open { after };
                self.held_until = Some(now.saturating_add(policy::held_delay(random)));
            }
            None => self.step_apart(Ladder::Refused, None, now, random),
        }
    }

    fn opened(&mut self, head: Position, acknowledged: Option<Position>) -> Outcome {
        self.phase = Phase::Open { after: head };
        self.sent_back = false;
        if self.head <= head.sequence {
            // With entries to send, only an acknowledgement shows that all is well again.
            self.failures = Failures::default();
        }
        Outcome { acknowledged, link: Some(LinkNews::Online), ..Outcome::default() }
    }

    /// The relay answered the batch. `own_hash` is the journal's chain hash at the answered
    /// sequence, none if that is above its head.
    pub fn batch_answered(
        &mut self,
        answer: &BatchAnswer,
        own_hash: Option<ChainHash>,
        now: Moment,
        random: u32,
    ) -> Outcome {
        let Phase::Sending { after } = self.phase else {
            return Outcome::default();
        };
        let stated = answer.stated();
        if let Err(failure) = self.is_ours(stated, own_hash) {
            return self.failed(&failure, now, random);
        }
        let position = stated.position();
        match answer {
            BatchAnswer::Acknowledgement(_) if position.sequence > after.sequence => {
                self.phase = Phase::Open { after: position };
                self.failures = Failures::default();
                self.sent_back = false;
                self.entries_max = self.entries_max.saturating_mul(2).min(BATCH_ENTRIES_MAX);
                self.states_if_held(now);
                Outcome { acknowledged: Some(position), ..Outcome::default() }
            }
            BatchAnswer::Aside(_) if position.sequence > after.sequence => {
                self.phase = match self.held_until {
                    Some(_) => Phase::Open { after: position },
                    // A hold began under an open session, which tells why.
                    None => Phase::Apart { retry_at: now },
                };
                self.failures = Failures::default();
                Outcome { aside: Some(position), ..Outcome::default() }
            }
            BatchAnswer::Head(_) if !self.sent_back => {
                self.phase = Phase::Open { after: position };
                self.sent_back = true;
                Outcome::default()
            }
            _ => {
                let text = "the relay answers without coming further";
                let reason = Reason::new(Code::RelayUnreachable, text);
                self.failed(&Failure::unavailable(reason), now, random)
            }
        }
    }

    /// What was taken although the device was held says that it is released.
    fn states_if_held(&mut self, now: Moment) {
        if self.held_until.take().is_some() {
            self.phase = Phase::Apart { retry_at: now };
        }
    }

    fn is_ours(
        &self,
        stated: &Acknowledgement,
        own_hash: Option<ChainHash>,
    ) -> Result<(), Failure> {
        if stated.device != self.device || stated.epoch != self.epoch {
            let text = "the relay answered about another device or journal";
            return Err(Failure::unavailable(Reason::new(Code::StaleSession, text)));
        }
        if own_hash != Some(stated.chain_hash) {
            let text = format!(
                "the relay's chain hash at entry {} differs from this journal's",
                stated.sequence
            );
            return Err(Failure::Refused(Reason::new(Code::ChainBroken, text)));
        }
        Ok(())
    }

    /// What was under way failed, here or there.
    pub fn failed(&mut self, failure: &Failure, now: Moment, random: u32) -> Outcome {
        if let (Failure::TooLarge(_), Phase::Sending { after }) = (failure, self.phase)
            && self.entries_max > 1
        {
            self.entries_max /= 2;
            self.phase = Phase::Open { after };
            return Outcome::default();
        }
        let first_stale =
            matches!(failure, Failure::StaleSession(_)) && self.failures.unavailable == 0;
        self.step_apart(failure.ladder(), failure.retry_after(), now, random);
        if first_stale {
            // A session that another one replaced is no outage.
            self.phase = Phase::Apart { retry_at: now };
            return Outcome::default();
        }
        let link = Some(LinkNews::Down(failure.reason().clone()));
        Outcome { link, ..Outcome::default() }
    }

    /// The downlink failed: unless something is under way that will tell, state again.
    pub fn doubted(&mut self, failure: &Failure, now: Moment, random: u32) -> Outcome {
        match self.phase {
            Phase::Open { .. } => self.failed(failure, now, random),
            Phase::Apart { .. } | Phase::Stating | Phase::Sending { .. } => Outcome::default(),
        }
    }

    fn step_apart(
        &mut self,
        ladder: Ladder,
        retry_after: Option<Duration>,
        now: Moment,
        random: u32,
    ) {
        self.held_until = None;
        let failures = self.failures.count(ladder);
        let delay = policy::delay(ladder, failures, random);
        let delay = delay.max(retry_after.unwrap_or_default().min(policy::RETRY_AFTER_MAX));
        self.phase = Phase::Apart { retry_at: now.saturating_add(delay) };
    }
}

impl Failures {
    /// Counts one more and says the how-manieth it is.
    fn count(&mut self, ladder: Ladder) -> u32 {
        let failures = match ladder {
            Ladder::Unreachable => &mut self.unreachable,
            Ladder::Unavailable => &mut self.unavailable,
            Ladder::Refused => &mut self.refused,
        };
        *failures = failures.saturating_add(1);
        *failures
    }
}

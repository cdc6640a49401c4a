//! Capture: what every input goes through between the bytes of a POS and the journal.
//!
//! Raw text → card-data guard (refuse, or mask where nobody can be asked) → event → what this host
//! serves → extensions that stay here → line numbers → the original of a bare post void → personal
//! fields sealed → findings → entry. Pure: the clock, randomness and what the journal holds are
//! handed in. Whether an event is new, a replay or a conflict is the journal's word.

pub mod guard;
mod lines;
mod local;
mod post_void;
mod scrub;
mod served;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;
use journal::NewEntry;
use protocol::bytes::Bytes;
use protocol::envelope::{Draft, Event, EventError};
use protocol::event::transaction::Flag;
use protocol::event::{Body, balance};
use protocol::id::{EventId, RegisterId};
use protocol::limits::EVENT_BYTES_MAX;
use protocol::personal::{Personal, SealingKey};
use protocol::problem::{Code, Problem};
use protocol::record::{ClockFinding, Equation, Findings};
use ring::rand::SecureRandom;
use uuid::Uuid;

use self::guard::Guard;
use crate::clock::Skew;
use crate::config::Config;

pub use self::post_void::Original;

/// Capture on one host.
#[derive(Debug, Clone)]
pub struct Capture {
    config: Arc<Config>,
    guard: Guard,
}

/// What capture has to know of the moment.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The host's clock.
    pub now: Timestamp,
    /// The latest that it can be: a host's clock that was put back makes no sale one of the future.
    pub latest: Timestamp,
    /// How far that clock is from the relay's at present; none before the first session.
    pub skew: Option<Skew>,
    /// The key that personal fields are sealed to; none before enrolment.
    pub sealing_key: Option<SealingKey>,
}

/// What became of a text.
#[derive(Debug)]
pub enum Captured {
    /// Practice: counted, never journaled.
    Training(RegisterId),
    /// An event, to be finished with [`Capture::finish`].
    Event(Pending),
}

/// An event on its way into the journal.
#[derive(Debug)]
pub struct Pending {
    draft: Draft,
    card_data: CardDataRule,
}

/// What happens to an event with card data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CardDataRule {
    /// It is refused: its sender can leave it out and send again.
    Refuse,
    /// It is masked, and the event is kept: nobody can be asked.
    Mask,
}

/// The random bytes of a version 7 UUID (RFC 9562, section 5.7).
const ID_RANDOM_BYTES: usize = 10;

impl Capture {
    /// Capture by a configuration.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        let guard = Guard::new(config.card_data.own_prefixes.clone());
        Self { config, guard }
    }

    /// Reads one event.
    ///
    /// # Errors
    /// The text holds card data, is no event, or is one that this host does not serve.
    pub fn read(&self, json: &str, latest: Timestamp) -> Result<Captured, Problem> {
        self.guard.check(json).map_err(|refusal| refusal.problem())?;
        let draft = Draft::parse(json.as_bytes()).map_err(|error| unreadable(&error))?;
        self.served(draft, CardDataRule::Refuse, latest)
    }

    /// Takes an event that an input has read from a source which cannot be asked to send it again:
    /// card data in it will be masked. `latest` as for [`Capture::read`].
    ///
    /// # Errors
    /// The event is one that this host does not serve.
    pub fn admit(&self, draft: Draft, latest: Timestamp) -> Result<Captured, Problem> {
        self.served(draft, CardDataRule::Mask, latest)
    }

    fn served(
        &self,
        draft: Draft,
        card_data: CardDataRule,
        latest: Timestamp,
    ) -> Result<Captured, Problem> {
        served::check(&self.config, &draft.body, latest)?;
        match &draft.body {
            Body::Transaction(transaction) if transaction.is_training() => {
                Ok(Captured::Training(transaction.register.clone()))
            }
            Body::Till(till) if till.flags.contains(&Flag::Training) => {
                Ok(Captured::Training(till.register.clone()))
            }
            _ => Ok(Captured::Event(Pending { draft, card_data })),
        }
    }

    /// Makes the entry.
    ///
    /// # Errors
    /// Personal fields cannot be sealed yet, there are no random bytes, or what came out is too
    /// large or would hold card data.
    pub fn finish(
        &self,
        pending: Pending,
        moment: &Moment,
        random: &dyn SecureRandom,
    ) -> Result<NewEntry, Problem> {
        let mut draft = pending.draft;
        let scrubbed = match pending.card_data {
            CardDataRule::Refuse => Vec::new(),
            CardDataRule::Mask => scrub::scrub(&self.guard, &mut draft)?,
        };
        let local = local::split_off(&mut draft.body, &self.config.extensions.allowed);
        let line_numbers = lines::renumber(&mut draft.body);
        seal_personal(&mut draft, moment.sealing_key, random)?;
        let balance = balance(&draft);
        let clock = moment.skew.map(|skew| ClockFinding { skew_ms: skew.ms, trusted: skew.even });
        let findings = Findings { balance, clock, line_numbers, scrubbed, ..Findings::default() };
        let id = match draft.id {
            Some(id) => id,
            None => new_id(moment.now, random)?,
        };
        let event = draft.into_event(id);
        let json = event.to_json();
        self.check_again(&json, local.as_deref())?;
        Ok(entry(&event, json, findings, local, moment.now))
    }

    /// The guard over what is about to be written: should it and the parser ever read a text
    /// differently, nothing is written.
    fn check_again(&self, json: &str, local: Option<&str>) -> Result<(), Problem> {
        if json.len() > EVENT_BYTES_MAX {
            let detail = format!(
                "in canonical form the event has {} bytes; at most {EVENT_BYTES_MAX} can be sent",
                json.len()
            );
            return Err(Problem::new(Code::TooLarge, detail).next("split the document in two"));
        }
        for written in [Some(json), local].into_iter().flatten() {
            self.guard.check(written).map_err(|refusal| refusal.problem())?;
        }
        Ok(())
    }
}

impl Pending {
    /// What the natural keys begin with under which the original of a bare post void stands; none
    /// if the event is complete.
    #[must_use]
    pub fn wanted_original(&self) -> Option<String> {
        post_void::wanted(&self.draft.body)
    }

    /// Fills a bare post void from what was found under [`Pending::wanted_original`].
    ///
    /// # Errors
    /// The original is not among it, not alone, or no longer readable.
    pub fn fill(&mut self, found: &[Original]) -> Result<(), Problem> {
        post_void::fill(&mut self.draft.body, found)
    }
}

/// The equations that do not hold: those of the canonical model, and those of the source's own.
fn balance(draft: &Draft) -> Vec<Equation> {
    let mut wrong = draft.unbalanced.clone();
    if let Body::Transaction(transaction) = &draft.body {
        wrong.extend(balance::unbalanced(transaction));
    }
    wrong.sort_unstable();
    wrong.dedup();
    wrong
}

/// The commonest mistake gets advice of its own.
fn unreadable(error: &EventError) -> Problem {
    let problem = error.problem();
    match problem.detail.contains("floating point") {
        true => problem.next(
            "write amounts as whole minor units (447 for 4.47), and quantities, prices and rates \
             as texts (\"0.523\")",
        ),
        false => problem,
    }
}

fn entry(
    event: &Event,
    json: String,
    findings: Findings,
    local: Option<String>,
    now: Timestamp,
) -> NewEntry {
    NewEntry {
        event_id: event.id,
        natural_key: event.natural_key(),
        content_hash: event.content_hash(),
        event: json,
        findings,
        journaled_at: now,
        cursor: None,
        local,
    }
}

fn seal_personal(
    draft: &mut Draft,
    key: Option<SealingKey>,
    random: &dyn SecureRandom,
) -> Result<(), Problem> {
    let Body::Transaction(transaction) = &draft.body else { return Ok(()) };
    if !matches!(transaction.personal, Some(Personal::Open(_))) {
        return Ok(());
    }
    let seed = random_bytes(random)?;
    draft.seal_personal(key, seed).map_err(|error| error.problem())
}

/// A version 7 UUID, so that identities of one host sort by time.
fn new_id(now: Timestamp, random: &dyn SecureRandom) -> Result<EventId, Problem> {
    // Before 1970 there was no version 7; such a clock is wrong anyhow.
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let bytes: Bytes<ID_RANDOM_BYTES> = random_bytes(random).map(Bytes)?;
    let id: Uuid = uuid::Builder::from_unix_timestamp_millis(millis, bytes.as_bytes()).into_uuid();
    Ok(EventId(id))
}

fn random_bytes<const N: usize>(random: &dyn SecureRandom) -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    random.fill(&mut bytes).map_err(|_| {
        Problem::new(Code::Internal, "the operating system gives no random bytes")
            .next("send the same again; if it stays so, restart this host")
    })?;
    Ok(bytes)
}

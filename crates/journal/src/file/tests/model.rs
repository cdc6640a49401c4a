//! The journal against a model that keeps everything in a list, over random histories.
//!
//! The model scans where the journal looks up, and knows neither tables nor transactions. A model
//! without deduplication must be told apart, or the comparison would prove nothing.

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::bytes::Bytes;
use protocol::chain::{ChainHash, Epoch, GENESIS, Position, Sequence};
use protocol::handshake::EpochReason;
use protocol::id::EventId;
use protocol::record::{self, Findings};

use crate::append::{Appended, InputCursor, NewEntry, Prepared};
use crate::error::AppendError;
use crate::testing::{EPOCH, Place, at, entry, key};

/// One thing that happens to a journal.
#[derive(Debug, Clone)]
enum Step {
    /// A group of (id, natural key, content).
    Append(Vec<(u8, u8, u8)>),
    /// An acknowledgement of a sequence, with our chain hash or with another.
    Acknowledge {
        sequence: u64,
        honest: bool,
    },
    /// Bodies acknowledged so many steps ago or earlier go.
    Prune {
        age: i64,
        count_max: usize,
    },
    BeginEpoch,
    Close,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => vec((0..12_u8, 0..8_u8, 0..3_u8), 1..6).prop_map(Step::Append),
        3 => (0..20_u64, prop::bool::weighted(0.8))
            .prop_map(|(sequence, honest)| Step::Acknowledge { sequence, honest }),
        2 => (0..6_i64, 0..6_usize).prop_map(|(age, count_max)| Step::Prune { age, count_max }),
        1 => Just(Step::BeginEpoch),
        1 => Just(Step::Close),
        1 => Just(Step::Crash),
    ]
}

struct Held {
    epoch: Epoch,
    position: Position,
    new: NewEntry,
    conflict_of: Option<EventId>,
    record: Vec<u8>,
    pruned: bool,
}

/// What an entry came to, without causes.
#[derive(Debug, PartialEq)]
enum Outcome {
    Appended(Appended),
    IdReused(String),
    Other(String),
}

impl From<Result<Appended, AppendError>> for Outcome {
    fn from(outcome: Result<Appended, AppendError>) -> Self {
        match outcome {
            Ok(appended) => Self::Appended(appended),
            Err(AppendError::IdReused { natural_key }) => Self::IdReused(natural_key),
            Err(other) => Self::Other(other.to_string()),
        }
    }
}

struct Model {
    dedupe: bool,
    epochs: Vec<Epoch>,
    held: Vec<Held>,
    /// Where the input stands: after the last entry that was journaled or recognised.
    cursor: Option<Vec<u8>>,
    /// Every mark that ever counted: epoch, sequence, when.
    marks: Vec<(Epoch, Sequence, i64)>,
}

impl Model {
    fn epoch(&self) -> Epoch {
        *self.epochs.last().unwrap()
    }

    fn head(&self) -> Position {
        let current = self.held.iter().rfind(|held| held.epoch == self.epoch());
        current.map_or(Position::START, |held| held.position)
    }

    fn acknowledged(&self) -> Sequence {
        let of_epoch = self.marks.iter().filter(|mark| mark.0 == self.epoch());
        of_epoch.map(|mark| mark.1).max().unwrap_or_default()
    }

    fn chain_hash(&self, sequence: Sequence) -> Option<ChainHash> {
        let at = |held: &&Held| held.epoch == self.epoch() && held.position.sequence == sequence;
        match sequence {
            Sequence::NONE => Some(GENESIS),
            _ => self.held.iter().find(at).map(|held| held.position.chain_hash),
        }
    }

    fn append(&mut self, new: NewEntry) -> Outcome {
        let same_key: Vec<&Held> =
            self.held.iter().filter(|h| h.new.natural_key == new.natural_key).collect();
        if self.dedupe {
            let reused =
                |h: &&Held| h.new.event_id == new.event_id && h.new.natural_key != new.natural_key;
            if let Some(held) = self.held.iter().find(reused) {
                return Outcome::IdReused(held.new.natural_key.clone());
            }
            if let Some(first) = same_key.iter().find(|h| h.new.content_hash == new.content_hash) {
                self.cursor = new.cursor.map(|cursor| cursor.value);
                return Outcome::Appended(Appended::Replay {
                    event_id: first.new.event_id,
                    epoch: first.epoch,
                    sequence: first.position.sequence,
                    conflict_of: first.conflict_of,
                });
            }
        }
        let conflict_of = same_key.first().map(|first| first.new.event_id);
        let findings = Findings { conflict_of, ..Findings::default() };
        let record = record::seal(&new.event, &findings, new.journaled_at);
        self.cursor = new.cursor.as_ref().map(|cursor| cursor.value.clone());
        let (epoch, position) = (self.epoch(), self.head().extended(self.epoch(), &record));
        self.held.push(Held { epoch, position, new, conflict_of, record, pruned: false });
        Outcome::Appended(match conflict_of {
            None => Appended::New { position },
            Some(conflict_of) => Appended::Conflict { position, conflict_of },
        })
    }

    fn acknowledge(&mut self, position: Position, now: i64) -> bool {
        let ours = self.chain_hash(position.sequence) == Some(position.chain_hash);
        if ours && position.sequence > self.acknowledged() {
            self.marks.push((self.epoch(), position.sequence, now));
        }
        ours
    }

    fn prune(&mut self, before: i64, count_max: usize) -> u64 {
        let marks = &self.marks;
        let allowed = |held: &&mut Held| {
            let covers = |mark: &&(Epoch, Sequence, i64)| {
                mark.0 == held.epoch && mark.1 >= held.position.sequence && mark.2 < before
            };
            !held.pruned && marks.iter().any(|mark| covers(&mark))
        };
        let mut pruned = 0;
        for held in self.held.iter_mut().filter(allowed).take(count_max) {
            held.pruned = true;
            pruned += 1;
        }
        pruned
    }
}

/// Runs a history through journal and model; says where they part.
fn compare(steps: &[Step], dedupe: bool) -> Result<(), String> {
    let mut place = Place::new();
    let mut file = place.open();
    let (held, marks) = (Vec::new(), Vec::new());
    let mut model = Model { dedupe, epochs: vec![EPOCH], held, cursor: None, marks };
    for (now, step) in (0_i64..).zip(steps) {
        match step {
            Step::Append(group) => {
                let new = |(id, receipt, content): &(u8, u8, u8)| {
                    let value = vec![*id, *receipt, *content];
                    let cursor = Some(InputCursor { input: "folder".to_owned(), value });
                    let new =
                        entry(u128::from(*id), &format!("r{receipt}"), &format!("c{content}"));
                    NewEntry { cursor, ..new }
                };
                let prepared: Vec<_> =
                    group.iter().map(|e| Prepared::new(new(e)).unwrap()).collect();
                let journal: Vec<Outcome> =
                    file.append(&prepared).into_iter().map(Outcome::from).collect();
                let expected: Vec<Outcome> = group.iter().map(|e| model.append(new(e))).collect();
                same("outcomes", now, &journal, &expected)?;
            }
            Step::Acknowledge { sequence, honest } => {
                let sequence = Sequence(*sequence);
                let ours = model.chain_hash(sequence).filter(|_| *honest);
                let chain_hash = ours.unwrap_or(Bytes([9; 32]));
                let position = Position { sequence, chain_hash };
                let counted = file.acknowledge(position, at(now)).is_ok();
                same("acknowledgement", now, &counted, &model.acknowledge(position, now))?;
            }
            Step::Prune { age, count_max } => {
                let pruned = file.prune(at(now - age), *count_max).unwrap();
                same("pruned", now, &pruned, &model.prune(now - age, *count_max))?;
            }
            Step::BeginEpoch => {
                let epoch = Bytes([100 + u8::try_from(model.epochs.len()).unwrap(); 16]);
                file.begin_epoch(epoch, EpochReason::Rewound).unwrap();
                model.epochs.push(epoch);
            }
            Step::Close => {
                drop(file);
                file = place.open();
            }
            Step::Crash => {
                let crashed = place.crashed();
                drop(file);
                place = crashed;
                file = place.open();
            }
        }
        same("epoch", now, &file.state().identity.epoch, &model.epoch())?;
        same("head", now, &file.state().head, &model.head())?;
        same("mark", now, &file.state().acknowledged.sequence, &model.acknowledged())?;
        same("cursor", now, &file.cursor("folder").unwrap(), &model.cursor)?;
        let read = file.read_after(Sequence::NONE, 1_000, usize::MAX).unwrap();
        let read: Vec<_> = read.into_iter().map(|e| (e.chain_hash, e.record)).collect();
        let current = model.held.iter().filter(|held| held.epoch == model.epoch());
        let expected: Vec<_> = current
            .map(|h| (h.position.chain_hash, (!h.pruned).then(|| h.record.clone())))
            .collect();
        same("entries", now, &read, &expected)?;
    }
    drop(file);
    let found = crate::verify(&place.file(), &key(1), &mut |_| ()).unwrap();
    let count = |pruned| model.held.iter().filter(|h| pruned || !h.pruned).count();
    let counted = (usize::try_from(found.entries), usize::try_from(found.records), found.fault);
    same("verification", -1, &counted, &(Ok(count(true)), Ok(count(false)), None))
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    now: i64,
    journal: &T,
    model: &T,
) -> Result<(), String> {
    match journal == model {
        true => Ok(()),
        false => Err(format!("{what} at step {now}: journal {journal:?}, model {model:?}")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_history_ends_as_the_model_says(steps in vec(step(), 1..24)) {
        compare(&steps, true).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn a_model_that_does_not_deduplicate_is_told_apart() {
    let twice = [Step::Append(vec![(1, 1, 1)]), Step::Append(vec![(2, 1, 1)])];
    compare(&twice, true).unwrap();
    assert!(compare(&twice, false).unwrap_err().starts_with("outcomes at step 1"));
}

//! The machine against a model of a relay over a line that loses, repeats and invents answers,
//! and a relay that crashes and is restored: what counts as relayed was committed there, and with
//! a good line everything arrives.

use proptest::prelude::*;

use super::*;

/// What the line and the relay do to one exchange.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It works.
    Arrives,
    /// The request is lost.
    RequestLost,
    /// The relay commits, the answer is lost.
    AnswerLost,
    /// An earlier answer comes instead.
    AnswerRepeated(usize),
    /// An answer about another journal comes instead.
    AnswerForeign,
    /// An answer with a chain hash of nobody comes instead.
    AnswerForged,
    /// The relay says no.
    Refused,
    /// The relay loses its last entries first, as after a restore.
    RelayRestored(u64),
    /// The relay takes only part of a batch.
    Partly,
    /// Sales are made first.
    Sales(u8),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Arrives),
        2 => Just(Fate::RequestLost),
        2 => Just(Fate::AnswerLost),
        3 => (0_usize..8).prop_map(Fate::AnswerRepeated),
        1 => Just(Fate::AnswerForeign),
        1 => Just(Fate::AnswerForged),
        1 => Just(Fate::Refused),
        1 => (1_u64..5).prop_map(Fate::RelayRestored),
        2 => Just(Fate::Partly),
        3 => (1_u8..4).prop_map(Fate::Sales),
    ]
}

struct World {
    machine: Machine,
    now: Moment,
    /// The journal: the chain hash at each sequence.
    chain: Vec<ChainHash>,
    acknowledged: u64,
    /// What the relay holds, and the most it ever held.
    relay: u64,
    relay_max: u64,
    session_answers: Vec<SessionAnswer>,
    batch_answers: Vec<BatchAnswer>,
    statements: u64,
    /// Control: the shell believes what it is told.
    gullible: bool,
}

impl World {
    fn new(gullible: bool) -> Self {
        Self {
            machine: Machine::new(device(), epoch(), Sequence(0)),
            now: Moment::ZERO,
            chain: vec![protocol::chain::GENESIS],
            acknowledged: 0,
            relay: 0,
            relay_max: 0,
            session_answers: Vec::new(),
            batch_answers: Vec::new(),
            statements: 0,
            gullible,
        }
    }

    fn head(&self) -> u64 {
        u64::try_from(self.chain.len()).unwrap() - 1
    }

    fn own_hash(&self, sequence: Sequence) -> Option<ChainHash> {
        self.chain.get(usize::try_from(sequence.0).unwrap()).copied()
    }

    fn at(&self, sequence: u64) -> Position {
        let sequence = Sequence(sequence);
        Position { sequence, chain_hash: self.own_hash(sequence).unwrap() }
    }

    fn sell(&mut self, count: u8) {
        for _ in 0..count {
            let before = self.at(self.head());
            self.chain.push(before.extended(epoch(), b"sale").chain_hash);
        }
        self.machine.head_is(Sequence(self.head()));
    }

    /// One action of the machine under a fate. Returns whether it only waited for news.
    fn step(&mut self, fate: Fate) -> Result<bool, TestCaseError> {
        match fate {
            Fate::Sales(count) => self.sell(count),
            Fate::RelayRestored(lost) => self.relay = self.relay.saturating_sub(lost),
            _ => {}
        }
        let outcome = match self.machine.next(self.now) {
            Action::Wait { until: None } => return Ok(true),
            Action::Wait { until: Some(until) } => {
                self.now = until;
                return Ok(false);
            }
            Action::State { attempt } => self.exchange_session(attempt, fate),
            Action::Send { after, entries_max } => self.exchange_batch(after, entries_max, fate),
        };
        if let Some(position) = outcome.acknowledged {
            prop_assert!(
                position.sequence.0 <= self.relay_max,
                "{} counts as relayed, the relay held {} at most",
                position.sequence,
                self.relay_max
            );
            prop_assert_eq!(Some(position.chain_hash), self.own_hash(position.sequence));
            self.acknowledged = self.acknowledged.max(position.sequence.0);
        }
        Ok(false)
    }

    fn exchange_session(&mut self, attempt: u64, fate: Fate) -> Outcome {
        self.statements += 1;
        let statement = Statement {
            head: self.at(self.head()),
            acknowledged: self.at(self.acknowledged),
            ..statement(attempt)
        };
        let standing = match self.acknowledged > self.relay {
            true => Standing::Resend,
            false => Standing::Resume,
        };
        let answer = SessionAnswer { attempt, head: self.at(self.relay), ..answer(standing, 0) };
        self.session_answers.push(answer.clone());
        let heard = match fate {
            Fate::RequestLost | Fate::AnswerLost => None,
            Fate::Refused => return self.refused(),
            Fate::AnswerRepeated(back) => {
                let index = self.session_answers.len().saturating_sub(back + 1);
                Some(self.session_answers[index].clone())
            }
            Fate::AnswerForeign => Some(SessionAnswer { epoch: Bytes([8; 16]), ..answer }),
            Fate::AnswerForged => {
                let head = Position { chain_hash: Bytes([0xEE; 32]), ..answer.head };
                Some(SessionAnswer { head, ..answer })
            }
            _ => Some(answer),
        };
        let Some(heard) = heard else { return self.lost() };
        let own = self.own_hash(heard.head.sequence);
        self.machine.session_answered(&statement, &heard, own, self.now, 1 << 31)
    }

    fn exchange_batch(&mut self, after: Position, entries_max: usize, fate: Fate) -> Outcome {
        let count = u64::try_from(entries_max).unwrap().min(self.head() - after.sequence.0);
        let end = match fate {
            Fate::Partly => after.sequence.0 + count.div_ceil(2),
            _ => after.sequence.0 + count,
        };
        if matches!(fate, Fate::RequestLost) {
            return self.lost();
        }
        if matches!(fate, Fate::Refused) {
            return self.refused();
        }
        let answer = self.commit(after, end);
        self.batch_answers.push(answer.clone());
        let ahead = Position { sequence: Sequence(self.head()), chain_hash: Bytes([0xEE; 32]) };
        let forged = Acknowledgement {
            device: device(),
            epoch: epoch(),
            sequence: ahead.sequence,
            chain_hash: ahead.chain_hash,
        };
        let heard = match fate {
            Fate::AnswerLost => return self.lost(),
            Fate::AnswerRepeated(back) => {
                let index = self.batch_answers.len().saturating_sub(back + 1);
                self.batch_answers[index].clone()
            }
            Fate::AnswerForeign => {
                BatchAnswer::Acknowledgement(Acknowledgement { epoch: Bytes([8; 16]), ..forged })
            }
            Fate::AnswerForged => BatchAnswer::Acknowledgement(forged),
            _ => answer,
        };
        let stated = heard.stated();
        let own = match self.gullible {
            true => Some(stated.chain_hash),
            false => self.own_hash(stated.sequence),
        };
        self.machine.batch_answered(&heard, own, self.now, 1 << 31)
    }

    fn commit(&mut self, after: Position, end: u64) -> BatchAnswer {
        let stated = |position: Position| Acknowledgement {
            device: device(),
            epoch: epoch(),
            sequence: position.sequence,
            chain_hash: position.chain_hash,
        };
        if after.sequence.0 > self.relay {
            return BatchAnswer::Head(stated(self.at(self.relay)));
        }
        self.relay = self.relay.max(end);
        self.relay_max = self.relay_max.max(self.relay);
        BatchAnswer::Acknowledgement(stated(self.at(end)))
    }

    fn lost(&mut self) -> Outcome {
        let reason = Reason::new(Code::RelayUnreachable, "lost");
        self.machine.failed(&Failure::unavailable(reason), self.now, 1 << 31)
    }

    fn refused(&mut self) -> Outcome {
        self.machine.failed(&refusal(Code::Internal), self.now, 1 << 31)
    }

    /// With a good line everything arrives within a bounded number of steps.
    fn drain(&mut self) -> Result<(), TestCaseError> {
        // A restore is noticed by the next entry; without one the relay cannot be missed.
        self.sell(1);
        for _ in 0..40 {
            self.step(Fate::Arrives)?;
        }
        prop_assert!(self.step(Fate::Arrives)?, "still busy");
        prop_assert_eq!(self.relay, self.head(), "the relay lacks entries");
        prop_assert_eq!(self.acknowledged, self.head());
        Ok(())
    }
}

proptest! {
    #[test]
    fn nothing_counts_that_the_relay_never_held_and_everything_arrives(
        fates in prop::collection::vec(fate(), 1..80),
    ) {
        let mut world = World::new(false);
        for fate in fates {
            world.step(fate)?;
        }
        world.drain()?;
    }
}

/// The control: a shell that does not compare chain hashes counts what was never committed.
#[test]
fn without_the_comparison_of_chain_hashes_a_forged_answer_counts() {
    let mut world = World::new(true);
    world.sell(3);
    world.step(Fate::Arrives).unwrap();
    world.step(Fate::AnswerForged).unwrap_err();
    assert_eq!(world.statements, 1);
}

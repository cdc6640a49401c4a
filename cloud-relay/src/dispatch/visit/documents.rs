//! Carries out calls about documents: several of one lane together, their attempts committed
//! before and their outcomes after in one commit each.
//!
//! Does not choose them ([`super::lane`]) and does not judge answers ([`super::super::outcome`]).

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{Flow, Visit};
use crate::connectors::{Call, TargetRef, Unanswered};
use crate::dispatch::bounded::{bounded, or_retry, or_unknown};
use crate::dispatch::lane::{self, DocumentStep};
use crate::dispatch::outcome::{
    Called, Hold, Moments, Outcome, after_call, after_find, not_applied,
};
use crate::dispatch::purse::{Leave, until};
use crate::store::StoreError;
use crate::store::model::{Delivery, DeliveryId, DeliveryState, Step, Transition};

/// The action under which look-ups and readings are reckoned in the budget.
const FIND: &str = "find";
const VERIFY: &str = "verify";

/// One call that is about to be made.
struct Ready {
    step: DocumentStep,
    delivery: Delivery,
    leave: Leave,
}

/// What came of one call.
struct Came {
    transition: Transition,
    hold: Option<Hold>,
    action: String,
}

impl Visit<'_> {
    pub(super) async fn documents(&mut self, steps: Vec<DocumentStep>) -> Result<Flow, StoreError> {
        let ready = match self.ready(steps).await {
            Ok(ready) => ready,
            Err(wake_at) => return Ok(Flow::Leave(wake_at)),
        };
        self.keep_lease().await?;
        let now = self.shared.now();
        let deadline = lane::deadline(&self.rules, now);
        let mut unreadable = Vec::new();
        let mut calls = Vec::new();
        for ready in ready {
            match self.call(&ready.delivery, deadline) {
                Ok(call) => calls.push((ready, call)),
                Err(transition) => unreadable.push(*transition),
            }
        }
        self.begin(calls.iter().map(|(ready, _)| ready), deadline, now).await?;
        let calls = calls.into_iter().map(|(ready, call)| self.one(ready, call, now));
        let came = join_all(calls).await;
        let mut flow = Flow::Go;
        let mut transitions = unreadable;
        let mut holds = Vec::new();
        for Came { transition, hold, action } in came {
            transitions.push(transition);
            holds.extend(hold.map(|hold| (action, hold)));
        }
        self.finish(transitions).await?;
        for (action, hold) in holds {
            flow = self.hold(&action, Some(hold)).await?;
        }
        Ok(flow)
    }

    /// Those for which there is budget now; the first is waited for a moment.
    async fn ready(&self, steps: Vec<DocumentStep>) -> Result<Vec<Ready>, Timestamp> {
        let mut ready: Vec<Ready> = Vec::new();
        for step in steps {
            let (DocumentStep::Find(id) | DocumentStep::Create(id) | DocumentStep::Commit(id, _)) =
                &step;
            let Some(delivery) = self.delivery(*id) else { continue };
            let action = match &step {
                DocumentStep::Find(_) => FIND,
                DocumentStep::Create(_) | DocumentStep::Commit(..) => &delivery.planned.action,
            };
            let leave = if ready.is_empty() {
                self.purse.ask(self.class(), action).await?
            } else {
                match self.purse.ask_now(self.class(), action) {
                    Some(leave) => leave,
                    None => break,
                }
            };
            ready.push(Ready { step, delivery, leave });
        }
        Ok(ready)
    }

    /// Commits the attempts, here and in the store. A look-up changes nothing and is none.
    async fn begin(
        &mut self,
        ready: impl Iterator<Item = &Ready>,
        deadline: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let attempts: Vec<_> = ready
            .filter(|ready| !matches!(ready.step, DocumentStep::Find(_)))
            .map(|ready| Step { id: ready.delivery.id, deadline, now })
            .collect();
        if attempts.is_empty() {
            return Ok(());
        }
        self.shared.store.begin(&self.claim, &attempts).await?;
        for Step { id, .. } in attempts {
            self.attempted(id, deadline);
        }
        Ok(())
    }

    fn attempted(&mut self, id: DeliveryId, deadline: Timestamp) {
        if let Some(open) = self.open.iter_mut().find(|open| open.delivery.id == id) {
            open.delivery.attempts = open.delivery.attempts.saturating_add(1);
            open.delivery.state = DeliveryState::Unknown { deadline, at: deadline };
        }
    }

    async fn one(&self, ready: Ready, call: Call, began_at: Timestamp) -> Came {
        let Ready { step, mut delivery, leave } = ready;
        if !matches!(step, DocumentStep::Find(_)) {
            delivery.attempts = delivery.attempts.saturating_add(1);
        }
        let limit = until(self.shared.now(), call.deadline);
        let moments = |deadline| Moments {
            began_at,
            deadline,
            now: self.shared.now(),
            chance: self.shared.chance(),
        };
        let (outcome, action, deadline) = match &step {
            DocumentStep::Find(_) => {
                let reply = or_retry(bounded(limit, self.connector.find(&call)).await);
                leave.settle(reply.budget);
                let deadline = unknown_since(&delivery, began_at);
                let outcome = after_find(&delivery, reply.outcome, &self.rules, moments(deadline));
                (outcome, FIND.to_owned(), deadline)
            }
            DocumentStep::Create(_) => {
                let reply = or_unknown(bounded(limit, self.connector.create(&call)).await);
                leave.settle(reply.budget);
                let moments = moments(call.deadline);
                let outcome = after_call(&delivery, Called::Create, reply.outcome, moments);
                (outcome, delivery.planned.action.clone(), call.deadline)
            }
            DocumentStep::Commit(_, draft) => {
                let reply = or_unknown(bounded(limit, self.connector.commit(&call, draft)).await);
                leave.settle(reply.budget);
                let (called, moments) = (Called::Commit(draft), moments(call.deadline));
                let outcome = after_call(&delivery, called, reply.outcome, moments);
                (outcome, delivery.planned.action.clone(), call.deadline)
            }
        };
        match outcome {
            Outcome::Settled { transition, hold } => Came { transition, hold, action },
            Outcome::Verify(reference) => self.verify(&delivery, call, &reference, deadline).await,
        }
    }

    /// Reads back what stands there. Until that is done it counts as unknown: it will be found
    /// again.
    async fn verify(
        &self,
        delivery: &Delivery,
        mut call: Call,
        reference: &TargetRef,
        deadline: Timestamp,
    ) -> Came {
        let leave = self.purse.ask(self.class(), VERIFY).await;
        let began_at = self.shared.now();
        call.deadline = lane::deadline(&self.rules, began_at);
        let verdict = match leave {
            Ok(leave) => {
                let limit = until(began_at, call.deadline);
                let reading = bounded(limit, self.connector.verify(&call, reference)).await;
                let reply = or_unknown(reading);
                leave.settle(reply.budget);
                Ok(reply.outcome)
            }
            Err(wake_at) => Err(Unanswered::Retry {
                after: Some(until(began_at, wake_at)),
                reason: format!("{} stands there; reading it back waits", reference.name),
            }),
        };
        let now = self.shared.now();
        let moments = Moments { began_at, deadline, now, chance: self.shared.chance() };
        let outcome = match verdict {
            Ok(verdict) => after_call(delivery, Called::Verify, verdict, moments),
            Err(unanswered) => not_applied(delivery, Called::Verify, unanswered, moments),
        };
        let action = VERIFY.to_owned();
        match outcome {
            Outcome::Settled { transition, hold } => Came { transition, hold, action },
            // `after_call` of a reading never asks for another one.
            Outcome::Verify(reference) => Came {
                transition: Transition {
                    id: delivery.id,
                    state: DeliveryState::Done { reference },
                    said: "stands".to_owned(),
                    now,
                },
                hold: None,
                action,
            },
        }
    }
}

/// The deadline of the attempt whose outcome is unknown.
fn unknown_since(delivery: &Delivery, began_at: Timestamp) -> Timestamp {
    match &delivery.state {
        DeliveryState::Unknown { deadline, .. } => *deadline,
        // Only what is unknown is looked for; were it otherwise, absence would count latest.
        _ => began_at,
    }
}

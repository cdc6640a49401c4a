//! Asks a target what stands there, page by page, without spending the budget that dispatch needs.
//!
//! What is refused for now is asked again a few times; what the target cannot say at all is said.
//! Compares nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use protocol::id::StoreId;
use protocol::time::BusinessDate;

use crate::connectors::{
    BudgetReading, Connector, ControlAsk, ControlDocument, ControlPage, ControlQuery, TargetRef,
    Unanswered,
};
use crate::seams::Clock;

/// Pages of one day: at 50 documents a page ten times the busiest store's day.
const PAGES_MAX: usize = 2_000;

/// How often one page is asked for.
const ATTEMPTS_MAX: u32 = 8;

/// The wait where the target names none.
const WAIT_DEFAULT: Duration = Duration::from_secs(2);

/// The longest wait for one attempt: who asks is waiting.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A day at a target, to be asked for.
pub(super) struct Asking<'a> {
    pub(super) connector: &'a dyn Connector,
    pub(super) store: &'a StoreId,
    pub(super) business_date: BusinessDate,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) clock: &'a Clock,
}

/// What a target says of a day.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The documents by their own identifiers: a page that moves shows one twice.
    pub(super) documents: BTreeMap<String, ControlDocument>,
    /// What it may hide.
    pub(super) note: Option<String>,
}

impl Said {
    fn take(&mut self, page: ControlPage) -> Option<String> {
        let documents = page.documents.into_iter();
        self.documents.extend(documents.map(|document| (document.id.clone(), document)));
        self.note = self.note.take().or(page.note);
        page.next
    }
}

impl Asking<'_> {
    /// Everything that the target finds by itself.
    pub(super) async fn all(&self) -> Result<Said, String> {
        let mut said = Said::default();
        let mut after = None;
        for _ in 0..PAGES_MAX {
            after = said.take(self.ask(ControlAsk::Page(after)).await?);
            if after.is_none() {
                return Ok(said);
            }
        }
        Err(format!("it shows more than {PAGES_MAX} pages of one day"))
    }

    /// One document, by the name that the target gave it.
    pub(super) async fn one(
        &self,
        said: &mut Said,
        action: &str,
        reference: &TargetRef,
    ) -> Result<(), String> {
        let (action, reference) = (action.to_owned(), reference.clone());
        said.take(self.ask(ControlAsk::One { action, reference }).await?);
        Ok(())
    }

    async fn ask(&self, ask: ControlAsk) -> Result<ControlPage, String> {
        let timeout = self.connector.profile().call_timeout;
        let mut reason = String::new();
        for _ in 0..ATTEMPTS_MAX {
            let deadline = (self.clock)().saturating_add(timeout).unwrap_or(Timestamp::MAX);
            let query = ControlQuery {
                store: self.store.clone(),
                business_date: self.business_date,
                from: self.from,
                until: self.until,
                ask: ask.clone(),
                deadline,
            };
            let reply = self.connector.control(&query).await;
            let wait = match reply.outcome {
                Ok(page) => {
                    tokio::time::sleep(reply.budget.map_or(Duration::ZERO, courtesy)).await;
                    return Ok(page);
                }
                Err(Unanswered::Paused { reason, .. }) => return Err(reason),
                Err(Unanswered::Throttled { after }) => {
                    "its budget is spent".clone_into(&mut reason);
                    after
                }
                Err(Unanswered::Retry { after, reason: why }) => {
                    reason = why;
                    after.unwrap_or(WAIT_DEFAULT)
                }
            };
            tokio::time::sleep(wait.min(WAIT_MAX)).await;
        }
        Err(reason)
    }
}

/// The wait after which half of the budget is there again: the other half is dispatch's.
fn courtesy(budget: BudgetReading) -> Duration {
    let wanted = u64::from(budget.maximum / 2).saturating_sub(u64::from(budget.available));
    let wait = wanted.checked_div(u64::from(budget.restored_per_second)).unwrap_or_default();
    Duration::from_secs(wait).min(WAIT_MAX)
}

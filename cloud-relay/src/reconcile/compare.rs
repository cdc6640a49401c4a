//! A target's documents beside the receipts that they belong to.
//!
//! For each receipt, what it brought in is what its documents come to, what the target cannot hold
//! (`connectors::bridging`), and what a person settled otherwise. Whatever is left is named with its
//! receipt, its document and the reason that the relay knows. Asks the target again only for
//! documents that it did not show by itself.

use std::collections::{BTreeMap, BTreeSet};

use protocol::id::{RegisterId, TargetId};
use protocol::money::{Currency, Money};

use super::readback::{Asking, Said};
use super::receipts::{Expected, Receipt, by_key};
use super::report::{Column, Finding, FindingKind, TargetColumn};
use crate::connectors::ControlDocument;
use crate::dispatch::exceptions::code;
use crate::store::model::{DeliveryFilter, DeliveryState, DeliveryView};
use crate::store::{Store, StoreError};

/// Deliveries of one event: some ten actions at some ten targets.
const DELIVERIES_MAX: usize = 1_000;

/// What a target holds of a store's day.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// By register and currency.
    pub(super) columns: BTreeMap<RegisterId, BTreeMap<Currency, TargetColumn>>,
    /// What differs.
    pub(super) findings: Vec<Finding>,
    /// What the target may hide.
    pub(super) note: Option<String>,
}

/// Why a document is not there, as the relay knows it.
enum Absence {
    Person { text: String },
    OnItsWay { text: String },
    Settled { text: String },
    Gone { name: String },
    NeverPlanned,
}

/// A store's receipts at one target.
pub(super) struct Side<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) target: &'a TargetId,
    pub(super) receipts: &'a [Receipt],
    pub(super) expected: &'a [Expected],
}

impl Side<'_> {
    /// Compares.
    ///
    /// # Errors
    /// The store failed; what the target does not say is the inner error.
    pub(super) async fn compare(
        &self,
        asking: &Asking<'_>,
    ) -> Result<Result<Compared, String>, StoreError> {
        let mut said = match asking.all().await {
            Ok(said) => said,
            Err(reason) => return Ok(Err(reason)),
        };
        let absent = match self.absent(asking, &mut said).await? {
            Ok(absent) => absent,
            Err(reason) => return Ok(Err(reason)),
        };
        Ok(Ok(self.judge(&said, &absent)))
    }

    /// The documents that are not shown, with the reason; those that stand under another date are
    /// asked for by name and added.
    async fn absent(
        &self,
        asking: &Asking<'_>,
        said: &mut Said,
    ) -> Result<Result<BTreeMap<(usize, usize), Absence>, String>, StoreError> {
        let shown: BTreeSet<_> = said.documents.values().filter_map(|it| it.key).collect();
        let mut absent = BTreeMap::new();
        for (index, expected) in self.expected.iter().enumerate() {
            if expected.documents.iter().all(|(key, _)| shown.contains(key)) {
                continue;
            }
            let deliveries = self.deliveries(&self.receipts[index]).await?;
            for (place, (key, planned)) in expected.documents.iter().enumerate() {
                if shown.contains(key) {
                    continue;
                }
                // Of one action, deliveries stand in the order of their parts.
                let mut same = deliveries.iter().filter(|it| it.action == planned.action);
                let part = usize::try_from(planned.part).unwrap_or(usize::MAX);
                let delivery = same.nth(part);
                if let Some(DeliveryState::Done { reference }) = delivery.map(|it| &it.state)
                    && let Err(reason) = asking.one(said, &planned.action, reference).await
                {
                    return Ok(Err(reason));
                }
                if !said.documents.values().any(|it| it.key == Some(*key)) {
                    absent.insert((index, place), absence(delivery));
                }
            }
        }
        Ok(Ok(absent))
    }

    async fn deliveries(&self, receipt: &Receipt) -> Result<Vec<DeliveryView>, StoreError> {
        let filter = DeliveryFilter {
            natural_key: Some(receipt.natural_key.clone()),
            target: Some(self.target.clone()),
            count_max: DELIVERIES_MAX,
            ..DeliveryFilter::default()
        };
        self.store.deliveries(&filter).await
    }

    fn judge(&self, said: &Said, absent: &BTreeMap<(usize, usize), Absence>) -> Compared {
        let index = by_key(self.expected);
        let mut own: BTreeMap<usize, Vec<&ControlDocument>> = BTreeMap::new();
        let mut compared = Compared { note: said.note.clone(), ..Compared::default() };
        for document in said.documents.values() {
            match document.key.map(|key| index.get(&key)) {
                Some(Some((receipt, _))) => own.entry(*receipt).or_default().push(document),
                // Another day's document that was shown along with one of this day.
                Some(None) => {}
                None => compared.findings.push(self.unexplained(document)),
            }
        }
        for place in 0..self.receipts.len() {
            let documents = own.remove(&place).unwrap_or_default();
            self.judge_receipt(place, &documents, absent, &mut compared);
        }
        compared
    }

    fn unexplained(&self, document: &ControlDocument) -> Finding {
        Finding {
            kind: FindingKind::Unexplained,
            register: None,
            receipt: None,
            target: Some(self.target.clone()),
            amount: Some(document.amount),
            text: format!(
                "{} of {} stands in {} and belongs to no receipt",
                document.name, document.amount, self.target
            ),
        }
    }

    fn judge_receipt(
        &self,
        place: usize,
        documents: &[&ControlDocument],
        absent: &BTreeMap<(usize, usize), Absence>,
        compared: &mut Compared,
    ) {
        let receipt = &self.receipts[place];
        let missing: Vec<_> = absent.range((place, 0)..(place + 1, 0)).collect();
        let standing = || documents.iter().filter(|document| document.void.is_none());
        let currency = receipt.brought_in.map(|money| money.currency);
        let Some(currency) = currency.or_else(|| standing().map(|it| it.amount.currency).next())
        else {
            return;
        };
        let brought_in = receipt.brought_in.map_or(0, |money| money.minor);
        let bridging = &self.expected[place].bridging;
        let bridged: i64 = bridging.iter().map(|it| it.amount.minor).sum();
        let stands: i64 = standing().map(|document| document.amount.minor).sum();
        let left = brought_in - bridged - stands;
        // What a person settled is settled for the whole receipt's share.
        let is_settled = !missing.is_empty()
            && missing.iter().all(|(_, absence)| matches!(absence, Absence::Settled { .. }));
        let (settled, difference) = if is_settled { (left, 0) } else { (0, left) };
        let nothing = Money::new(0, currency);
        let columns = compared.columns.entry(receipt.register.clone()).or_default();
        let column = columns.entry(currency).or_insert_with(|| TargetColumn {
            stands: Column { count: 0, amount: nothing },
            bridging: BTreeMap::new(),
            settled: 0,
            difference: 0,
        });
        column.stands.count += u64::try_from(standing().count()).unwrap_or(u64::MAX);
        column.stands.amount.minor += stands;
        for it in bridging {
            *column.bridging.entry(it.item).or_default() += it.amount.minor;
        }
        column.settled += settled;
        column.difference += difference;
        if difference == 0 && settled == 0 && missing.is_empty() {
            return;
        }
        let amount = Money::new(difference + settled, currency);
        let (kind, text) = self.explain(receipt, documents, &missing, amount);
        compared.findings.push(Finding {
            kind,
            register: Some(receipt.register.clone()),
            receipt: Some(receipt.number.clone()),
            target: Some(self.target.clone()),
            amount: Some(amount),
            text,
        });
    }

    /// The gravest reason, in words.
    fn explain(
        &self,
        receipt: &Receipt,
        documents: &[&ControlDocument],
        missing: &[(&(usize, usize), &Absence)],
        amount: Money,
    ) -> (FindingKind, String) {
        let target = self.target;
        let head = format!("receipt {} of register {}", receipt.number, receipt.register);
        let mut said: Vec<(FindingKind, String)> = Vec::new();
        for document in documents {
            if let Some(void) = document.void {
                said.push((FindingKind::Altered, format!("{} is {void}", document.name)));
            }
        }
        for (_, absence) in missing {
            said.push(match absence {
                Absence::Person { text } => (FindingKind::NeedsPerson, text.clone()),
                Absence::OnItsWay { text } => (FindingKind::OnItsWay, text.clone()),
                Absence::Settled { text } => (FindingKind::Settled, text.clone()),
                Absence::Gone { name } => {
                    (FindingKind::Altered, format!("{name} stood there and is gone"))
                }
                Absence::NeverPlanned => {
                    let text = "nothing was planned for it: `replay` does that".to_owned();
                    (FindingKind::NeedsPerson, text)
                }
            });
        }
        if said.is_empty() {
            let names: Vec<_> =
                documents.iter().map(|it| format!("{} of {}", it.name, it.amount)).collect();
            let text = format!("there stand {}", names.join(" and "));
            said.push((FindingKind::Altered, text));
        }
        let kind = said.iter().map(|(kind, _)| *kind).min().unwrap_or(FindingKind::Altered);
        let reasons: Vec<_> = said.into_iter().map(|(_, text)| text).collect();
        let missing = if amount.minor < 0 { "too much" } else { "missing" };
        let much = Money::new(amount.minor.saturating_abs(), amount.currency);
        (kind, format!("{head}: {much} {missing} in {target}; {}", reasons.join("; ")))
    }
}

/// Why a document that was planned is not there.
fn absence(delivery: Option<&DeliveryView>) -> Absence {
    let Some(delivery) = delivery else { return Absence::NeverPlanned };
    let id = delivery.id;
    match &delivery.state {
        DeliveryState::Due { .. }
        | DeliveryState::Unknown { .. }
        | DeliveryState::Draft { .. }
        | DeliveryState::Bundled { .. } => {
            Absence::OnItsWay { text: format!("delivery {id} is on its way") }
        }
        DeliveryState::Waiting { for_key, .. } => {
            Absence::OnItsWay { text: format!("delivery {id} waits for {for_key}") }
        }
        DeliveryState::Exception { class, reason, .. } => Absence::Person {
            text: format!("delivery {id} needs a person ({}): {reason}", code(*class).number()),
        },
        DeliveryState::Resolved { resolution } => {
            Absence::Settled { text: format!("settled by {}: {}", resolution.by, resolution.note) }
        }
        DeliveryState::Done { reference } => Absence::Gone { name: reference.name.clone() },
    }
}

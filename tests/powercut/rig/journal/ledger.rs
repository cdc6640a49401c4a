//! What the journal answered since its folder was empty, and whether it is there.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use journal::{Journal, Seams};
use protocol::chain::{ChainHash, Sequence};

use super::{RECEIPT, natural_key};
use crate::rig::report::Said;
use crate::rig::series::Found;

/// Receipts by their number, with the place that the journal gave them.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    receipts: BTreeMap<u64, Place>,
    mark: Sequence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    sequence: Sequence,
    /// A replay is answered without it.
    chain_hash: Option<ChainHash>,
}

impl Ledger {
    /// Takes down what was said; how many receipts were acknowledged for the first time.
    pub(crate) fn hear(&mut self, said: &[Said]) -> Result<u64> {
        let mut new = 0;
        for line in said {
            let (receipt, place) = match line {
                Said::Appended { receipt, position } => {
                    let chain_hash = Some(position.chain_hash);
                    (*receipt, Place { sequence: position.sequence, chain_hash })
                }
                Said::Replayed { receipt, sequence } => {
                    (*receipt, Place { sequence: *sequence, chain_hash: None })
                }
                Said::Marked { sequence } => {
                    self.mark = self.mark.max(*sequence);
                    continue;
                }
                _ => continue,
            };
            let known = *self.receipts.entry(receipt).or_insert_with(|| {
                new += 1;
                place
            });
            ensure!(
                known.sequence == place.sequence,
                "receipt {receipt} was answered with sequence {}, and then with {}",
                known.sequence,
                place.sequence
            );
        }
        Ok(new)
    }

    /// The first receipt without an answer.
    pub(crate) fn next_receipt(&self) -> u64 {
        let answered = (0_u64..).zip(self.receipts.keys());
        let whole = answered.take_while(|(number, receipt)| number == *receipt);
        whole.last().map_or(0, |(number, _)| number + 1)
    }

    /// Opens the journal as the agent does at its next start, verifies it and looks for everything.
    pub(crate) fn compare(&self, folder: &Path) -> Result<Found> {
        let journal = match super::open(folder, Seams::default()) {
            Ok(journal) => journal,
            Err(error) => {
                let lost = count(self.receipts.len());
                return Ok(Found {
                    lost,
                    unanswered: 0,
                    faults: vec![format!("the journal does not open: {error:#}")],
                });
            }
        };
        let mut faults = Vec::new();
        let verified = journal.verify(&mut |_| ()).context("verify the journal")?;
        if let Some(fault) = verified.fault {
            faults.push(format!("the chain is broken: {fault:?}"));
        }
        let mark = journal.acknowledged().sequence;
        if mark < self.mark {
            faults.push(format!("the mark fell from {} to {mark}", self.mark));
        }
        let held = held(&journal)?;
        let is_there = |receipt: u64, place: &Place| {
            held.get(&natural_key(receipt)).is_some_and(|(sequence, chain_hash)| {
                *sequence == place.sequence
                    && place.chain_hash.is_none_or(|known| known == *chain_hash)
            })
        };
        let lost = self.receipts.iter().filter(|(receipt, place)| !is_there(**receipt, place));
        let lost = count(lost.count());
        let unanswered = count(held.len()).saturating_sub(count(self.receipts.len()) - lost);
        Ok(Found { lost, unanswered, faults })
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits 64 bits")
}

/// Every entry by its natural key.
fn held(journal: &Journal) -> Result<BTreeMap<String, (Sequence, ChainHash)>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .context("start a thread for reading")?;
    let count_max = usize::try_from(journal.head().sequence.0).context("count the entries")?;
    runtime.block_on(async {
        let entries = journal.read_after(Sequence::NONE, count_max, usize::MAX).await?;
        let hashes: BTreeMap<_, _> =
            entries.into_iter().map(|entry| (entry.sequence, entry.chain_hash)).collect();
        let events = journal.by_natural_key_prefix(RECEIPT, count_max).await?;
        events
            .into_iter()
            .map(|event| {
                let chain_hash = hashes.get(&event.sequence);
                let chain_hash = *chain_hash.context("find the chain hash of an event")?;
                Ok((event.natural_key, (event.sequence, chain_hash)))
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    //! What was said twice counts once, and what was answered differently is an error.

    use protocol::chain::Position;

    use super::*;

    fn appended(receipt: u64, sequence: u64) -> Said {
        let position = Position { sequence: Sequence(sequence), ..Position::START };
        Said::Appended { receipt, position }
    }

    #[test]
    fn a_receipt_that_is_answered_again_counts_once() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.hear(&[appended(0, 1), appended(1, 2)]).unwrap(), 2);
        let again = Said::Replayed { receipt: 1, sequence: Sequence(2) };
        assert_eq!(ledger.hear(&[again, appended(2, 3)]).unwrap(), 1);
        let moved = Said::Replayed { receipt: 1, sequence: Sequence(3) };
        assert!(ledger.hear(&[moved]).is_err());
    }

    #[test]
    fn the_next_receipt_is_the_first_without_an_answer() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.next_receipt(), 0);
        ledger.hear(&[appended(0, 1), appended(1, 3), appended(3, 2)]).unwrap();
        assert_eq!(ledger.next_receipt(), 2);
    }

    #[test]
    fn what_is_not_in_the_journal_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::default();
        assert_eq!(ledger.compare(folder.path()).unwrap(), Found::default());
        ledger.hear(&[appended(0, 1), Said::Marked { sequence: Sequence(1) }]).unwrap();
        let found = ledger.compare(folder.path()).unwrap();
        assert_eq!((found.lost, found.faults.len()), (1, 1));
    }
}

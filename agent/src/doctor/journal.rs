//! The journal: whether it opens, and whether its newest entries hold.
//!
//! `journal verify` looks at every entry; this looks at the end, where a torn disk shows first.

use protocol::chain::Position;

use super::Check;
use crate::cli::{CommandError, Source};
use crate::local_api::{Incident, Status};
use crate::lookup::{PAGE_ENTRIES_MAX, Which};

/// Entries of the end that are looked at: read and hashed within a second.
const CHECKED_MAX: u64 = 1_000;

const FIX: &str =
    "run `storekeep-agent journal verify`, keep the file, and read docs/errors/SK0043.md";

/// Bytes of records that are read for it.
const CHECKED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Seconds that the newest entries have to span before they say anything about a day.
const SPAN_SECONDS_MIN: i64 = 60 * 60;

const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// Opens it, or asks the agent that has it open.
pub(super) async fn check(
    source: &Result<Source, CommandError>,
    status: Option<&Status>,
) -> Vec<Check> {
    const NAME: &str = "journal";
    match source {
        Ok(Source::Agent(_)) => {
            let mut checks = vec![Check::good(NAME, "open in the running agent, which reads it")];
            let incidents = status.map(|status| status.journal.incidents.clone());
            checks.extend(incidents.unwrap_or_default().first().map(incident));
            checks
        }
        Ok(Source::File { journal, .. }) => {
            let mut checks = vec![tail(journal).await];
            match Incident::latest(journal).await {
                Ok(incidents) => checks.extend(incidents.first().map(incident)),
                Err(error) => checks.push(Check::bad(NAME, error.to_string(), FIX)),
            }
            checks
        }
        Err(error) => {
            let fix = error.problem.next.clone().unwrap_or_default();
            let found = format!("{} [{}]", error.problem.detail, error.problem.code);
            vec![Check::bad(NAME, found, fix)]
        }
    }
}

/// The last thing that happened to its files.
fn incident(incident: &Incident) -> Check {
    const NAME: &str = "journal files";
    match incident.lost() {
        0 => Check::notice(NAME, incident.to_string(), "read docs/errors/SK0048.md"),
        _ => Check::bad(
            NAME,
            incident.to_string(),
            "let the POS send its transactions of that time again, and read docs/errors/SK0048.md",
        ),
    }
}

/// Recomputes the chain over the newest entries.
async fn tail(journal: &journal::Journal) -> Check {
    const NAME: &str = "journal";
    match broken(journal).await {
        Ok(None) => Check::good(NAME, "opens, and its newest entries hold"),
        Ok(Some(sequence)) => {
            Check::bad(NAME, format!("entry {sequence} is not what was journaled"), FIX)
        }
        Err(error) => Check::bad(NAME, format!("{error}: {}", error.source), FIX),
    }
}

async fn broken(
    journal: &journal::Journal,
) -> Result<Option<protocol::chain::Sequence>, journal::ReadError> {
    let state = journal.state();
    let first = protocol::chain::Sequence(state.head.sequence.0.saturating_sub(CHECKED_MAX));
    let Some(chain_hash) = journal.chain_hash(first).await? else { return Ok(Some(first)) };
    let mut position = Position { sequence: first, chain_hash };
    while position.sequence < state.head.sequence {
        let count = usize::try_from(CHECKED_MAX).unwrap_or(usize::MAX);
        let read = journal.read_after(position.sequence, count, CHECKED_BYTES_MAX).await?;
        if read.is_empty() {
            return Ok(Some(position.sequence.next()));
        }
        for entry in read {
            let next = match &entry.record {
                Some(record) => position.extended(state.identity.epoch, record),
                // Pruned: only its hash is left.
                None => Position { sequence: entry.sequence, chain_hash: entry.chain_hash },
            };
            if next.sequence != entry.sequence || next.chain_hash != entry.chain_hash {
                return Ok(Some(entry.sequence));
            }
            position = next;
        }
    }
    Ok(None)
}

/// What the journal grows by in a day, by its newest entries; none if they are too few to tell.
pub(super) async fn bytes_a_day(
    source: &Result<Source, CommandError>,
    status: Option<&Status>,
) -> Option<u64> {
    let source = source.as_ref().ok()?;
    let page = source.page(Which::All, None, PAGE_ENTRIES_MAX).await.ok()?;
    let (newest, oldest) = (page.entries.first()?, page.entries.last()?);
    let span = newest.journaled_at.as_second().saturating_sub(oldest.journaled_at.as_second());
    let (bytes, entries) = match (source, status) {
        (Source::File { journal, .. }, _) => {
            let stats = journal.stats().await.ok()?;
            (stats.file_bytes, stats.entries)
        }
        (Source::Agent(_), Some(status)) => (status.journal.bytes, status.journal.entries),
        (Source::Agent(_), None) => return None,
    };
    growth(bytes, entries, u64::try_from(page.entries.len()).ok()?, span)
}

fn growth(bytes: u64, entries: u64, counted: u64, span_seconds: i64) -> Option<u64> {
    if span_seconds < SPAN_SECONDS_MIN {
        return None;
    }
    let bytes_an_entry = bytes.checked_div(entries)?;
    let a_day = counted.checked_mul(u64::try_from(SECONDS_A_DAY).ok()?)?;
    let entries_a_day = a_day.checked_div(u64::try_from(span_seconds).ok()?)?;
    bytes_an_entry.checked_mul(entries_a_day)
}

#[cfg(test)]
mod tests {
    //! The estimate.

    use super::growth;

    #[test]
    fn a_day_is_estimated_from_the_newest_entries() {
        assert_eq!(growth(2_000_000, 1_000, 500, 12 * 60 * 60), Some(2_000 * 1_000));
        assert_eq!(growth(2_000_000, 1_000, 500, 60), None, "a minute says nothing");
        assert_eq!(growth(0, 0, 0, 7_200), None);
    }
}

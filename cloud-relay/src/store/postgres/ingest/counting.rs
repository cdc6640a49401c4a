//! The figures of a batch, on their way into the days of its registers.
//!
//! What is in conflict waits for a person, and what is an exception for another reason is none of
//! the store's. Does not know what is summed.

use super::Destination;
use super::standing::Standing;
use crate::connectors::ExceptionClass;
use crate::reconcile::figures::ZDifference;
use crate::store::books::places;
use crate::store::model::BatchEntry;
use crate::store::postgres::books;
use crate::store::postgres::codec::Fault;
use crate::store::postgres::transaction::Transaction;

/// Adds what counts; the Zs that differ from their receipts, by their entries' rows.
pub(super) async fn count(
    on: &Transaction<'_>,
    destination: &Destination<'_>,
    entries: &[BatchEntry],
    rows: &[i64],
    standings: &[Standing],
) -> Result<Vec<(i64, ZDifference)>, Fault> {
    let store = destination.store();
    let mut days = books::open(on, store, places(entries)).await?;
    let mut differences = Vec::new();
    for ((entry, inbox_row), standing) in entries.iter().zip(rows).zip(standings) {
        let Some(addition) = &entry.figures else { continue };
        let stated = entry.exception.as_ref().map(|(class, _)| *class);
        match (standing, stated) {
            (Standing::Replay { .. }, _) => {}
            (Standing::New { .. }, None) => {
                let difference = days.take(addition, None).z_difference;
                differences.extend(difference.map(|difference| (*inbox_row, difference)));
            }
            (_, None | Some(ExceptionClass::Conflict)) => {
                let session = days.wait(addition);
                books::keep_waiting(on, store, *inbox_row, session, addition).await?;
            }
            (_, Some(_)) => {}
        }
    }
    books::save(on, store, days).await?;
    Ok(differences)
}

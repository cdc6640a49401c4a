//! Reads back the event of a delivery's record.
//!
//! What stands in the inbox was read once at ingest, so a failure here means a damaged store or a
//! program that is older than the record. Does not look at what the event calls for.

use jiff::Timestamp;
use protocol::envelope::Event;
use protocol::record::Record;

use super::lane::Open;
use crate::connectors::Mode;
use crate::store::model::Delivery;

/// Why a record cannot be read back.
#[derive(Debug, thiserror::Error)]
#[error("read the event of the record in the relay's store")]
pub(crate) struct Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>);

/// The event of a record.
pub(crate) fn event(record: &[u8]) -> Result<Event, Unreadable> {
    let record = Record::parse(record).map_err(|error| Unreadable(Box::new(error)))?;
    Event::parse(record.event.get().as_bytes()).map_err(|error| Unreadable(Box::new(error)))
}

/// The deliveries with the times that order them around counts. Events are parsed only where a
/// count stands among them; elsewhere their times decide nothing.
pub(super) fn open(deliveries: Vec<Delivery>) -> Vec<Open> {
    let has_count = deliveries.iter().any(|delivery| delivery.planned.mode == Mode::Count);
    deliveries
        .into_iter()
        .map(|delivery| {
            let stated = has_count.then(|| times(&delivery)).flatten();
            let (occurred_at, counted_at) = stated.unwrap_or((delivery.created_at, None));
            Open { delivery, occurred_at, counted_at }
        })
        .collect()
}

/// When the event happened, and when it was counted if it is a count. An unreadable one has no
/// times; it becomes an exception when its turn comes.
fn times(delivery: &Delivery) -> Option<(Timestamp, Option<Timestamp>)> {
    let event = event(&delivery.record).ok()?;
    let counted_at = super::count::lines(&event).iter().map(|line| line.counted_at).max();
    Some((event.occurred_at(), counted_at))
}

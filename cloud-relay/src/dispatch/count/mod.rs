//! Counts: when one may be sent, and what moved since the counting.
//!
//! A count is the quantity on the shelf at one moment. It may be set only once every device of
//! the store has said that it holds nothing older unsent; what moved after the counting and stands
//! in the target already is added on top. Pure; the setting itself is the connector's.

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use protocol::decimal::Number;
use protocol::envelope::Event;
use protocol::event::{Body, StockKind};
use protocol::id::StoreId;

use super::policy::LEVEL_LOOK;
use super::retry::after;
use crate::store::model::{Device, DeviceState, StockMoveRow};

/// One counted line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CountLine {
    /// Where.
    pub(super) location: String,
    /// The item as [`StockMoveRow::item`] names it.
    pub(super) item: String,
    /// When.
    pub(super) counted_at: Timestamp,
}

/// Whether a count may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Level {
    /// Every device has sent what happened before the counting.
    Yes,
    /// Not yet.
    NotYet {
        /// When to look again.
        at: Timestamp,
        /// Who is missing.
        reason: String,
    },
    /// Not within the limit.
    Never {
        /// Who is missing, and what to do.
        reason: String,
    },
}

/// Whether every device of the store is level with the counting.
pub(super) fn level(
    devices: &[Device],
    store: &StoreId,
    counted_at: Timestamp,
    created_at: Timestamp,
    limit: SignedDuration,
    now: Timestamp,
) -> Level {
    let behind: Vec<_> = devices
        .iter()
        .filter(|device| device.store == *store && device.state == DeviceState::Active)
        .filter(|device| device.level_at.is_none_or(|level_at| level_at <= counted_at))
        .map(|device| device.device.as_str())
        .collect();
    if behind.is_empty() {
        return Level::Yes;
    }
    let who = behind.join(", ");
    if now < after(created_at, limit) {
        let reason = format!("waits until {who} has sent what it held at {counted_at}");
        return Level::NotYet { at: after(now, LEVEL_LOOK), reason };
    }
    let hours = limit.as_hours();
    let reason = format!(
        "{who} did not say within {hours} h that it holds nothing older than the counting at \
         {counted_at}; bring it online or revoke it, then retry, or count again"
    );
    Level::Never { reason }
}

/// For each line, the sum of what moved after it was counted.
///
/// # Errors
/// A sum that no quantity can hold, named by its item.
pub(super) fn moved_since(
    lines: &[CountLine],
    moves: &[StockMoveRow],
) -> Result<Vec<Number>, String> {
    lines
        .iter()
        .map(|line| {
            let sum = moves
                .iter()
                .filter(|moved| moved.item == line.item && moved.location == line.location)
                .filter(|moved| moved.occurred_at > line.counted_at)
                .try_fold(rust_decimal::Decimal::ZERO, |sum, moved| {
                    sum.checked_add(moved.quantity.value())
                });
            let number = sum.and_then(|sum| Number::try_from(sum).ok());
            number.ok_or_else(|| format!("the movements of {} add up to no quantity", line.item))
        })
        .collect()
}

/// The lines of a count in the event's order; none for any other event.
///
/// A line without a time or a name, which no event that was parsed has, keeps its place: it was
/// counted when the document was made, and nothing moved under no name.
pub(super) fn lines(event: &Event) -> Vec<CountLine> {
    let Body::Stock(document) = &event.body else { return Vec::new() };
    if document.kind != StockKind::Count {
        return Vec::new();
    }
    let location = document.stock_location();
    let lines = document.lines.iter().map(|line| CountLine {
        location: location.to_string(),
        item: line.item.stock_name().unwrap_or_default().to_owned(),
        counted_at: line.counted_at.as_ref().unwrap_or(&document.occurred_at).instant(),
    });
    lines.collect()
}

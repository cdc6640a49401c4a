//! Moments as Shopify reads and writes them: RFC 3339, to the second, in UTC.

use jiff::Timestamp;

/// Reads a `DateTime`; `None` if it is none. An offset is required.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Writes a `DateTime`.
pub(crate) fn write(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

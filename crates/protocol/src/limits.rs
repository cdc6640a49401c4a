//! Every bound that both sides have to agree on, with the reason for the number.
//!
//! Bounds of one program alone stand in that program's `policy.rs`.

/// Events in one `POST /v1/events`: a till sends one; a store server that catches up sends many,
/// and 500 of about 1 KiB stay below [`REQUEST_BYTES_MAX`].
pub const EVENTS_PER_REQUEST_MAX: usize = 500;

/// Bytes of one local request. The largest real basket seen (2,000 lines) is about 600 KiB.
pub const REQUEST_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Bytes of one event in canonical form. Above a batch's compressed limit it could never be sent.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// Lines of one transaction or stock document.
pub const LINES_MAX: usize = 5_000;

/// Discounts or taxes of one line, tenders of one transaction and other short lists.
pub const ENTRIES_PER_LIST_MAX: usize = 200;

/// Characters of one `extensions` value; they carry vendor identifiers, not documents.
pub const EXTENSION_CHARS_MAX: usize = 4_096;

/// Nesting of JSON that is read from outside.
pub const JSON_DEPTH_MAX: usize = 32;

/// Entries in one batch: at 1 KiB a record a batch stays near 100 KiB compressed, which an LTE
/// link carries in a second.
pub const BATCH_ENTRIES_MAX: usize = 1_000;

/// Bytes of a batch as sent, compressed.
pub const BATCH_COMPRESSED_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of a batch uncompressed; bounds what a hostile sender can make the relay unpack.
pub const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Items in one downlink page.
pub const DOWNLINK_ITEMS_MAX: usize = 500;

/// Seconds that a long poll of the downlink waits; below the 60 s after which proxies hang up.
pub const DOWNLINK_WAIT_SECONDS_MAX: u64 = 25;

/// Days that a business date may lie ahead of the host's clock: one for stores that are a day
/// ahead across the date line, one for a night shift that opened tomorrow early.
pub const BUSINESS_DATE_DAYS_AHEAD_MAX: i64 = 2;

/// Characters of one thing that a fiscal device says: a signature, a code's content, an export.
pub const FISCAL_PAYLOAD_CHARS_MAX: usize = 65_536;

/// Bytes of a transaction's personal fields before they are sealed.
pub const PERSONAL_BYTES_MAX: usize = 8_192;

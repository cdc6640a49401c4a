//! The bounds of the journal, each with the reason for the number.
//!
//! Bounds that agent and relay share stand in [`protocol::limits`]. Nothing here is a setting.

use std::time::Duration;

use protocol::limits;

/// Bytes of one record, uncompressed: an event of the largest size, and room for what capture
/// noticed about it. A record beyond it could not travel in a batch and is refused.
pub(crate) const RECORD_BYTES_MAX: usize = limits::EVENT_BYTES_MAX + 64 * 1024;

/// Entries in one transaction. Beyond a few hundred, sharing a sync saves nothing more, and the
/// first of them should not wait for the last; one local request ([`limits::EVENTS_PER_REQUEST_MAX`])
/// fits.
pub(crate) const GROUP_ENTRIES_MAX: usize = limits::EVENTS_PER_REQUEST_MAX;

/// Bytes of records in one transaction: 4 MiB are synced in some 20 ms on a till's disk.
pub(crate) const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bodies that one pruning removes: the appends behind it wait no longer than for a group.
pub(crate) const PRUNE_ENTRIES_MAX: usize = GROUP_ENTRIES_MAX;

/// Requests that wait for the writer; the next caller waits to hand its own over.
pub(crate) const QUEUE_REQUESTS_MAX: usize = 1_024;

/// KiB of records that wait for the writer: two full groups, so that the writer never idles and
/// the agent stays within its 32 MB.
pub(crate) const QUEUE_KIB_MAX: usize = 2 * GROUP_BYTES_MAX / 1024;

/// Pages of the log (16 MiB) from which on it is copied into the file: a commit in some two
/// hundred under full load then pays for the copy's end, and a start after a crash copies for a
/// fraction of a second.
pub(crate) const CHECKPOINT_PAGES: usize = 4_096;

/// Pages (1 MiB) that the writer copies itself to let the log start again: some two milliseconds.
pub(crate) const CHECKPOINT_FINISH_PAGES: usize = 256;

/// Bytes of the log beside the file. What a burst left above it is given back to the disk.
pub(crate) const LOG_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Pages of the log at which the writer itself brings them into the file, should the checkpointer
/// not have kept up.
pub(crate) const LOG_PAGES_MAX: usize = LOG_BYTES_MAX / 4_120;

/// How long the head copy may be behind a commit before it is written: of what is lost beside the
/// file, nothing older than a tenth of a second goes unnoticed, and under load it costs a dozen
/// syncs a second.
pub(crate) const HEAD_COPY_DELAY: Duration = Duration::from_millis(75);

/// Until a head copy that could not be written is tried again.
pub(crate) const HEAD_COPY_RETRY: Duration = Duration::from_secs(1);

/// Reads at the same time: sync and the local page. More would only take cores from the writer.
pub(crate) const READERS_MAX: usize = 2;

/// KiB of pages that the writer keeps: the right edges of four trees, and the pages around the
/// natural keys of some fifty registers.
pub(crate) const WRITER_CACHE_KIB: usize = 4 * 1024;

/// KiB of pages that a reader keeps: it reads forward and seldom twice.
pub(crate) const READER_CACHE_KIB: usize = 1024;

/// Statements that a connection keeps prepared: more than the journal has.
pub(crate) const STATEMENTS_MAX: usize = 64;

/// Bytes of a page of the file, which SQLCipher encrypts one by one.
pub(crate) const PAGE_BYTES: u64 = 4_096;

/// Bytes beyond the reserve that have to be free before events are taken again: a few groups, so
/// that a disk that stays nearly full is not found full again with the next one.
pub(crate) const ROOM_MARGIN_BYTES: u64 = 4 * 1024 * 1024;

/// Until a full disk is looked at again.
pub(crate) const ROOM_RETRY: Duration = Duration::from_millis(250);

/// Bytes of the log from which on a read that is still under way is interrupted: it is what keeps
/// the log from starting over, and no read of ours takes so long.
pub(crate) const LOG_INTERRUPT_PAGES: usize = LOG_PAGES_MAX / 2;

/// Entries by which the pace of a store is told: a day or two of a large one.
pub(crate) const PACE_ENTRIES_MAX: u64 = 5_000;

/// Ranges of missing entries that are shown of one incident: more than a person reads.
pub(crate) const MISSING_SHOWN_MAX: i64 = 1_000;

/// Entries that one read of `verify` takes: some 5 ms, so that no snapshot holds the log back.
pub(crate) const VERIFY_ENTRIES_MAX: usize = 1_000;

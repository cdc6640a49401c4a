//! Every bound of the local API's own, with the reason for the number. What sender and receiver
//! have to agree on stands in `protocol::limits`.

use std::time::Duration;

/// Connections at a time: the tills of a large store with a few each. More wait in the listener.
pub(super) const CONNECTIONS_MAX: usize = 256;

/// How long a connection may take to send the head of its next request. Closes idle ones too: a
/// POS that has sold nothing for so long connects anew without noticing.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of a request's head; a bearer token and a POS's own headers need less than 4 KiB.
pub(super) const HEAD_BYTES_MAX: usize = 16 * 1024;

/// How long requests that are under way may take once the agent stops; a commit takes
/// milliseconds, a sender that hangs is not waited for.
pub(super) const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause after a connection could not be accepted (no file descriptors left), so that the loop
/// does not spin until some are closed.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Receipts on the local page: what somebody looks for there was sold just now.
pub(super) const PAGE_RECEIPTS: usize = 20;

/// Entries that are shown under one receipt number: a sale, its return, conflicts.
pub(super) const RECEIPT_ENTRIES_MAX: usize = 50;

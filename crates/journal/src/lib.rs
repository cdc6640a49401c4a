//! The journal: the agent's encrypted, append-only, hash-chained file.
//!
//! Everything that a POS hands over is written here before the POS is answered, and stays until
//! the relay has said, with our own chain hash, that it holds it. This page is the format and its
//! promise; the modules follow it. The journal stores bytes: it reads nothing of an event but what
//! `append` is told, knows no relay, opens no socket, reads no clock and draws nothing but what it
//! is handed.
//!
//! # The promise
//!
//! 1. What was answered is on disk. No answer goes out before the commit that holds its entry has
//!    been synced, and a repeated entry is answered from nothing less.
//! 2. What is on disk stays. No statement removes an unacknowledged record; the tables' own
//!    triggers refuse it.
//! 3. What is read is what was written. The file is encrypted and authenticated page by page, and
//!    each record is fixed in its place by a chain of hashes.
//! 4. The same event is journaled once. Natural key and content hash of every entry are kept for
//!    ever, across epochs.
//! 5. Its pace does not depend on its length.
//!
//! # Files
//!
//! | file | what it is |
//! |---|---|
//! | `journal.db` | SQLite through SQLCipher: pages of 4 KiB, AES-256 and HMAC-SHA-512, under a raw random key ([`DataKey`]) |
//! | `journal.db-wal` | the log: commits that are not yet copied into the file; encrypted likewise |
//! | `journal.db-shm` | the log's index, made anew at every start; page numbers and checksums only |
//! | `journal.db.head` | the head copy: (epoch, sequence, chain hash, acknowledged sequence, announced epoch, salt) with an HMAC-SHA-256 under a key derived from the data key; 134 bytes |
//! | `journal.db.reserve` | bytes that are given back when the disk is full ([`Quota`]) |
//! | `journal.db.suspect` | there after a page could not be read: the next opening salvages |
//! | `journal.db.aside-1`, `-2`, … | a journal that was set aside, with its `-wal` beside it; nothing reads or removes it |
//! | `journal.key` | by its keeper's choice of name: the data key as this host keeps it ([`key`]) |
//! | `journal.db.lock` | empty; the operating system's lock on it makes this process the only one |
//!
//! File and log belong together: neither is a journal without the other. `application_id` is
//! `0x534b4a4e` ("SKJN"), `user_version` the number of the last migration.
//!
//! # Tables
//!
//! Times are microseconds since 1970 UTC by the host's clock. A **place** is the key of an entry:
//! the number of its epoch, shifted left by 40 bits, plus its sequence. It ascends in the order of
//! writing, so that entries and bodies are only ever added at the right edge of their trees.
//!
//! | table | column | meaning |
//! |---|---|---|
//! | `format` | `min_reader` | the least schema that a program must know to read the file; its shape never changes |
//! | `epochs` | `number` | from 1, in the order in which the epochs began in this file; the highest is the current one |
//! | | `epoch` | its 128 random bits |
//! | | `predecessor_epoch`, `predecessor_sequence`, `predecessor_hash` | the epoch that it continues, and that one's last position; all absent in a journal that began empty |
//! | | `reason` | why: `rewound` (behind what the relay held) or `salvaged` (taken over from a damaged file) |
//! | `entries` | `place` | where it stands |
//! | | `event_id` | the event's identity |
//! | | `natural_key` | what makes it the same event, however often it is read |
//! | | `content_hash` | SHA-256 over what makes it the same content |
//! | | `chain_hash` | the chain hash at this entry |
//! | | `journaled_at` | when |
//! | | `conflict_of` | the first event with this natural key, if this one has other content |
//! | `bodies` | `place`, `packed` | the record, zstd-compressed; gone once pruned |
//! | `local_extensions` | `place`, `extensions` | what stays on this host: neither chained nor sent; goes with the body |
//! | `acknowledgements` | `place`, `acknowledged_at` | the relay holds everything of this epoch up to here, and when it said so; the last one of an epoch is its mark |
//! | `input_cursors` | `input`, `cursor` | where an input stands, written with its entries |
//! | `progress` | `place`, `target`, … | the relay's last word about an entry and a target |
//! | `downlink` | `cursor` | the position after that word |
//! | `notes` | `name`, `value` | what sync must not forget: the session's ticket, the relay's keys |
//! | `incidents` | `at`, `kind`, `epoch`, `set_aside` | what happened to the files, when it was noticed, and the name of a file that was set aside |
//! | `missing` | `epoch`, `first`, `last`, `relayed`, `incident` | entries that this host lost by it, and whether the relay had acknowledged them |
//!
//! `entries` has two indexes that every append touches: (natural key, content hash), unique, for
//! telling a replay from a conflict; and event id, for telling a reused id. Receipts of one register
//! follow one another and ids that the agent draws are version 7, so both grow at a few places that
//! stay in the cache. Ids that a POS draws at random cost a page each.
//!
//! # The record and the chain
//!
//! The record is `{"version":1,"journaledAt":…,"findings":…,"event":…}`
//! ([`protocol::record::seal`]), written once and never serialised again: the very bytes travel to
//! the relay. `chain_hash = SHA-256(previous ‖ epoch ‖ sequence ‖ SHA-256(record))`
//! ([`protocol::chain`]), over the uncompressed record. An epoch begins at zeros and has no gaps:
//! its sequences are 1, 2, 3 and so on. [`verify`] recomputes all of it.
//!
//! # Writing an entry
//!
//! 1. The caller's task seals and packs the record ([`Prepared`]) and waits for room in the queue.
//! 2. The writing thread takes whatever waits, up to a group's bounds, and opens one transaction.
//! 3. For each entry it looks up event id and natural key and decides ([`Appended`]):
//!
//!    | natural key | content hash | event id | |
//!    |---|---|---|---|
//!    | any | any | stands under another natural key | refused, [`AppendError::IdReused`] |
//!    | unknown | | | `New` |
//!    | known | known under this key | | `Replay` of that entry; nothing is added |
//!    | known | other | | `Conflict`: journaled, its findings naming the first event |
//!
//! 4. It adds entry, body and local extensions and sets the input's cursor (a replay sets the
//!    cursor alone). Should the tables refuse one, the group is written anew with a savepoint an
//!    entry, and that one fails alone.
//! 5. It commits: SQLite appends the changed pages to the log and syncs it (`synchronous=FULL`).
//! 6. It shows the new head, then answers everyone in the group.
//!
//! Entries within a group see those before them. Whatever makes a transaction fail as a whole (an
//! I/O error, a full disk) is answered [`AppendError::NotCommitted`] or [`AppendError::DiskFull`];
//! the writer opens the file again, syncs what the log holds, and reads the head anew before it
//! goes on, because after a failed sync the kernel's memory says nothing about the disk.
//!
//! # What a crash leaves
//!
//! | crash | what is found | what happens |
//! |---|---|---|
//! | before step 5 | nothing of the group | the callers had no answer; they try again |
//! | within step 5, pages written in part | a commit without its end, which SQLite's checksums leave out | as above; a group is there whole or not at all |
//! | within step 5, written but not synced | the group, in the kernel's memory only, if the host lived on | opening syncs it before anything is answered; trying again is a replay |
//! | between steps 5 and 6 | the group | trying again is a replay, answered with the first position |
//! | while the log is copied into the file | file pages half new, and the log whole | opening copies it again; a log starts over only once the file is synced |
//! | while a new file is made | no tables, or all of them with their epoch | it begins again |
//! | while pruning, acknowledging, beginning an epoch | before or after | one transaction each |
//!
//! A disk that loses what it said it had synced, or a file put back to an older state, is beyond
//! what the file can know about itself: `quick_check` passes on it. So its head stands a second time
//! beside it, and each opening compares ([`Standing`]):
//!
//! | journal | head copy | |
//! |---|---|---|
//! | not there, or never appended to | not there | `Begun` |
//! | there | not there | `CopyMissing`, or `Adopted` if a version without copies wrote it |
//! | there | another key's, or not a copy | `CopyForged` |
//! | holds what the copy names | | `Holds`, however far beyond it is |
//! | holds it, and more was relayed | names less than was relayed | `CopyOld`: before each upload the copy is synced |
//! | ends before it, or is gone | | `TailLost` |
//! | has another chain hash there, or not that epoch | | `Replaced` |
//!
//! The copy is written within a tenth of a second of a commit and before anything leaves the host,
//! never before the commit itself; a new epoch is announced in it before it begins. Older versions of
//! both files at once agree with each other: the relay's head finds those at the next handshake.
//!
//! # Salvage
//!
//! A journal that lost its tail, was replaced, is gone or has a page that cannot be read is salvaged
//! when it is opened under [`Terms`] that say so; others are refused and left as they are.
//!
//! 1. File and log are read page by page, each page on its own: whether the others, the first page or
//!    the log's checksums are damaged does not matter. The key must have shown that it fits.
//! 2. Entries that the relay had acknowledged keep their place in their old epoch, and with it their
//!    natural keys: their replays are recognised.
//! 3. Entries that it had not are written again, the very bytes of their records, into a new epoch
//!    that names the old one as its predecessor (`salvaged`). They go up again; what the relay had
//!    all the same, it recognises by the natural key.
//! 4. What cannot be read is named in `missing`, sequence by sequence. Its natural key is not kept, and
//!    the inputs' cursors are not carried over, so that a source that is read again heals the loss.
//! 5. The new file is synced, the head copy announces its epoch, the old file and log are renamed, and
//!    the new file takes their place. After a crash before that the next opening begins anew or, once
//!    the new file is complete, finishes.
//!
//! # Room
//!
//! A reserve is allocated beside the journal. When a write finds the disk full, it is given back: then
//! the log can be copied, acknowledgements written and bodies pruned, while every new entry is refused
//! at once with [`AppendError::DiskFull`], as it is once the quota is reached. Entries are taken again
//! when the reserve could be made again ([`Room`]).
//!
//! # Invariants
//!
//! - Within an epoch there is an entry for every sequence from 1 to the head, and none beyond; an epoch
//!   from before a salvage ends at its mark and lacks what is named as missing.
//! - An entry never changes and never goes. A body never changes, and goes only if a mark of its own
//!   epoch stands at or beyond it. Bodies go oldest first.
//! - No two entries share natural key and content hash; no event id stands under two natural keys.
//! - A mark lies at or below the head, its chain hash was ours when it was set, and it never moves
//!   back.
//! - Only the current epoch is appended to and acknowledged.
//! - One process has the file; one thread of it writes.
//!
//! # Bounds
//!
//! | what | bound | |
//! |---|---|---|
//! | a record | 1 MiB + 64 KiB | what a batch can carry |
//! | a transaction | 500 entries, 4 MiB of records | no caller waits long for another's commit |
//! | a pruning | 500 bodies | likewise |
//! | waiting for the writer | 8 MiB, 1,024 requests | the next caller waits to hand over |
//! | the log | copied from 16 MiB on, by the writer itself at 64 MiB | a read that keeps it beyond 32 MiB is interrupted |
//! | caches | 4 MiB for the writer, 1 MiB for each of two readers | whatever the journal's length |
//! | an epoch | 2^40 entries | 34 years at 1,000 a second |
//!
//! Reads are bounded by count (sync's by bytes as well), each in one short snapshot, so that none
//! keeps the log from starting over. No figure is counted row by row: since sequences have no gaps,
//! [`Stats`] are differences of positions.
//!
//! # Older and newer programs
//!
//! Migrations are numbered and frozen. A program refuses a file whose `min_reader` is above the
//! schema it knows ([`OpenError::Newer`]), and reads and writes any other: `min_reader` rises one
//! release after readers for it have shipped, so that a rolled-back program can still work.
//!
//! The format leaves room for what is kept outside it: an epoch can name a predecessor in another
//! file (`salvaged`).
//!
//! # In line
//!
//! [`Journal`] is a [`JournalFile`] on a thread of its own. A simulation drives the file itself,
//! or has [`Journal::in_line`] do so: the same code, without threads.

mod append;
mod checkpoint;
mod codec;
mod cursor;
mod epoch;
mod error;
mod file;
mod files;
mod head;
mod in_line;
mod incident;
mod journal;
pub mod key;
mod open;
mod pack;
mod policy;
mod quota;
mod readers;
mod salvage;
mod schema;
mod seams;
#[cfg(test)]
mod testing;
mod verify;
mod writer;

pub use self::append::{Appended, InputCursor, NewEntry, Prepared};
pub use self::cursor::read::{Filter, JournaledEvent, PageEnd, StoredEntry};
pub use self::cursor::stats::Stats;
pub use self::epoch::{Identity, State};
pub use self::error::{AcknowledgeError, AppendError, Cause, ChangeError, ReadError};
pub use self::file::JournalFile;
pub use self::head::judge::Standing;
pub use self::in_line::Disk;
pub use self::incident::{Incident, IncidentKind, Missing};
pub use self::journal::Journal;
pub use self::key::DataKey;
pub use self::open::{OpenError, Options, Terms};
pub use self::quota::{Quota, Room};
pub use self::seams::Seams;
pub use self::verify::{Fault, FaultKind, Verification, VerifyProgress, verify};

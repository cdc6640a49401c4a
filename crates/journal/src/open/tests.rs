//! Which files are opened, and which are refused and left alone.

use std::fs;

use super::*;
use crate::testing::{EPOCH, Place, append_sales, key, sale};

#[test]
fn a_new_file_begins_the_given_epoch_and_an_old_one_keeps_its_own() {
    let place = Place::new();
    assert_eq!(place.open().state().identity.epoch, EPOCH);
    let other = Options { new_epoch: protocol::bytes::Bytes([9; 16]), ..place.options() };
    let again = crate::JournalFile::open(&other).unwrap();
    assert_eq!(again.state().identity.epoch, EPOCH);
    assert_eq!(again.state().identity.predecessor, None);
}

#[cfg(unix)]
#[test]
fn every_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let mut journal = place.open();
    append_sales(&mut journal, 3);
    let folder = place.file().parent().unwrap().to_owned();
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let modes: Vec<_> = files
        .map(|file| (file.file_name(), file.metadata().unwrap().permissions().mode() & 0o777))
        .collect();
    assert!(modes.len() >= 3, "{modes:?}");
    assert!(modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
}

#[test]
fn a_second_opener_is_refused_until_the_first_is_gone() {
    let place = Place::new();
    let first = place.open();
    assert!(matches!(place.try_open(), Err(OpenError::InUse { .. })));
    let verified = crate::verify(&place.file(), &key(1), &mut |_| ());
    assert!(matches!(verified, Err(OpenError::InUse { .. })));
    drop(first);
    place.open();
}

#[test]
fn another_key_is_refused_and_nothing_is_changed() {
    let place = Place::new();
    append_sales(&mut place.open(), 3);
    let before = fs::read(place.file()).unwrap();
    let options = Options { key: key(2), ..place.options() };
    let refused = crate::JournalFile::open(&options).map(|_| ());
    assert!(matches!(refused, Err(OpenError::WrongKey { .. })), "{refused:?}");
    assert_eq!(fs::read(place.file()).unwrap(), before);
    assert_eq!(place.open().state().head.sequence.0, 3);
}

#[test]
fn nothing_readable_stands_in_any_file() {
    let place = Place::new();
    let mut file = place.open();
    append_sales(&mut file, 50);
    for file in [place.file(), place.log_file()] {
        let bytes = fs::read(&file).unwrap();
        for marker in [&b"SQLite format"[..], b"receipt", sale(7).natural_key.as_bytes()] {
            let found = bytes.windows(marker.len()).any(|window| window == marker);
            assert!(!found, "{} in {}", String::from_utf8_lossy(marker), file.display());
        }
    }
}

#[test]
fn a_file_that_needs_a_later_reader_is_refused_and_one_that_does_not_is_read() {
    let place = Place::new();
    append_sales(&mut place.open(), 1);
    place.tamper("PRAGMA user_version = 9");
    assert_eq!(place.open().state().head.sequence.0, 1);
    place.tamper("UPDATE format SET min_reader = 9");
    let refused = place.try_open().map(|_| ());
    assert!(matches!(refused, Err(OpenError::Newer { found: 9, known: 2, .. })), "{refused:?}");
}

#[test]
fn the_file_of_another_program_is_refused() {
    let place = Place::new();
    drop(place.open());
    place.tamper("PRAGMA application_id = 1");
    assert!(matches!(place.try_open(), Err(OpenError::Damaged { .. })));
    fs::remove_file(place.file()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "what stands there is no file of ours")]
    fs::write(place.file(), b"not a database".repeat(1_000)).unwrap();
    assert!(matches!(place.try_open(), Err(OpenError::WrongKey { .. })));
}

#[test]
fn a_mark_beyond_the_last_entry_is_damage() {
    let place = Place::new();
    append_sales(&mut place.open(), 1);
    place.tamper("INSERT INTO acknowledgements SELECT max(place) + 1, 0 FROM entries");
    let refused = place.try_open().map(|_| ());
    assert!(matches!(refused, Err(OpenError::Damaged { .. })), "{refused:?}");
}

#[test]
fn a_creation_that_was_cut_short_begins_again() {
    let place = Place::new();
    // The file exists and is in WAL mode, but the transaction with the tables never came.
    drop(place.raw());
    assert_eq!(place.open().state().identity.epoch, EPOCH);
}

#[test]
fn a_key_is_never_shown() {
    let shown = format!("{:?}", Place::new().options());
    assert!(shown.contains("***") && !shown.contains("0101"), "{shown}");
}

#[test]
fn every_commit_is_synced_unless_a_harness_asks_for_the_fault() {
    let place = Place::new();
    let synchronous = |seams: Seams| {
        let source = Source::take_with(&place.file(), &key(1), seams).unwrap();
        let writer = source.writer().unwrap();
        writer.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0)).unwrap()
    };
    let (full, normal) = (2, 1);
    assert_eq!(synchronous(Seams::default()), full);
    assert_eq!(synchronous(Seams { answer_before_sync: true, ..Seams::default() }), normal);
}

/// Twelve sales, of which five are relayed and three of those pruned, as the program wrote them that
/// knew neither the head copy nor the second schema.
#[test]
fn a_journal_of_the_first_schema_opens_and_goes_on() {
    let place = Place::new();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/schema-1/journal.db");
    fs::copy(fixture, place.file()).unwrap();
    let terms = Terms { salvage_at: Some(crate::testing::at(0)), ..Terms::default() };
    let mut file = crate::JournalFile::open_under(&place.options(), &terms).unwrap();
    assert_eq!((file.standing(), file.noticed()), (Standing::Adopted, None));
    let state = file.state();
    assert_eq!((state.head.sequence.0, state.acknowledged.sequence.0), (12, 5));
    assert_eq!(file.note("ticket").unwrap().as_deref(), Some(&b"t"[..]));
    let again = crate::testing::append(&mut file, sale(7)).unwrap();
    assert!(matches!(again, crate::Appended::Replay { .. }), "{again:?}");
    crate::testing::append(&mut file, sale(13)).unwrap();
    drop(file);
    let found = crate::verify(&place.file(), &key(1), &mut |_| ()).unwrap();
    assert_eq!((found.entries, found.records, found.fault), (13, 10, None));
    assert_eq!(place.open().standing(), Standing::Holds);
}

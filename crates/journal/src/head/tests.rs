//! What is found when journal and head copy do not agree.

use std::fs;

use protocol::handshake::EpochReason;

use super::judge::Standing;
use super::*;
use crate::incident::IncidentKind;
use crate::open::Terms;
use crate::seams::Seams;
use crate::testing::{EPOCH, NEXT_EPOCH, Place, append, append_sales, at, sale};
use crate::{Journal, JournalFile};

fn terms() -> Terms {
    Terms { salvage_at: Some(at(0)), ..Terms::default() }
}

/// Ten sales, closed; the copy is level.
fn ten() -> Place {
    let place = Place::new();
    let mut file = place.open();
    append_sales(&mut file, 10);
    file.sync_head_copy().unwrap();
    place
}

fn standing(place: &Place) -> Standing {
    JournalFile::open_under(&place.options(), &terms()).unwrap().standing()
}

fn overwrite(file: &Path, bytes: &[u8]) {
    files::replace(file, bytes).unwrap();
}

#[test]
fn a_journal_and_its_copy_agree_from_the_first_opening_on() {
    let place = Place::new();
    assert_eq!(standing(&place), Standing::Begun);
    assert!(place.head_file().exists());
    assert_eq!(standing(&place), Standing::Holds);
}

#[test]
fn a_journal_whose_making_was_cut_short_before_the_copy_begins_again() {
    let place = Place::new();
    drop(place.open());
    fs::remove_file(place.head_file()).unwrap();
    assert_eq!(standing(&place), Standing::Begun);
    assert_eq!(standing(&place), Standing::Holds);
}

#[test]
fn a_copy_that_is_behind_is_no_alarm_and_a_level_one_is_not_written_again() {
    let place = ten();
    let before = fs::read(place.head_file()).unwrap();
    let mut file = place.open();
    file.sync_head_copy().unwrap();
    assert_eq!(fs::read(place.head_file()).unwrap(), before);
    append(&mut file, sale(11)).unwrap();
    drop(file);
    assert_eq!(fs::read(place.head_file()).unwrap(), before);
    assert_eq!(standing(&place), Standing::Holds);
}

#[test]
fn a_journal_that_ends_before_its_copy_is_refused_and_left_as_it_is() {
    let place = ten();
    let older = place.crashed();
    append(&mut place.open(), sale(11)).unwrap();
    place.open().sync_head_copy().unwrap();
    fs::copy(place.head_file(), older.head_file()).unwrap();
    let before = fs::read(older.file()).unwrap();
    let refused = older.try_open().map(|_| ());
    let Err(OpenError::TailLost { epoch, last, committed, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((epoch, last, committed), (EPOCH, Sequence(10), Sequence(11)));
    assert_eq!(fs::read(older.file()).unwrap(), before);
}

#[test]
fn a_journal_that_is_gone_while_its_copy_is_there_is_not_begun_anew() {
    let place = ten();
    fs::remove_file(place.file()).unwrap();
    let refused = place.try_open().map(|_| ());
    assert!(matches!(refused, Err(OpenError::TailLost { .. })), "{refused:?}");
    assert!(!place.file().exists());
}

#[test]
fn another_history_of_the_same_length_is_refused() {
    let (place, other) = (ten(), Place::new());
    let mut file = other.open();
    for n in 21..=30 {
        append(&mut file, sale(n)).unwrap();
    }
    drop(file);
    fs::copy(place.head_file(), other.head_file()).unwrap();
    let refused = other.try_open().map(|_| ());
    assert!(matches!(refused, Err(OpenError::Replaced { .. })), "{refused:?}");
}

#[test]
fn a_missing_and_a_forged_copy_are_alarms_that_outlast_the_restart() {
    let place = ten();
    fs::remove_file(place.head_file()).unwrap();
    assert_eq!(place.open().standing(), Standing::CopyMissing);
    assert!(!place.head_file().exists(), "whoever only looks leaves the evidence");
    assert_eq!(standing(&place), Standing::CopyMissing);
    assert_eq!(standing(&place), Standing::Holds);
    let copy = fs::read(place.head_file()).unwrap();
    for byte in 0..copy.len() {
        let mut flipped = copy.clone();
        flipped[byte] ^= 1;
        assert_eq!(decode(&derived(place.source().key()), &flipped), None, "byte {byte}");
    }
    overwrite(&place.head_file(), &copy[1..]);
    assert_eq!(standing(&place), Standing::CopyForged);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let journal = Journal::open(&place.options()).unwrap();
    let incidents = runtime.block_on(journal.incidents(10)).unwrap();
    let kinds: Vec<_> = incidents.iter().map(|incident| incident.kind).collect();
    assert_eq!(kinds, [IncidentKind::CopyForged, IncidentKind::CopyMissing]);
    assert!(incidents.iter().all(|incident| incident.missing.is_empty()));
}

#[test]
fn a_copy_from_before_the_acknowledged_mark_was_put_back() {
    let place = Place::new();
    drop(place.open());
    let old = fs::read(place.head_file()).unwrap();
    let mut file = place.open();
    append_sales(&mut file, 3);
    file.sync_head_copy().unwrap();
    file.acknowledge(file.state().head, at(1)).unwrap();
    drop(file);
    overwrite(&place.head_file(), &old);
    assert_eq!(standing(&place), Standing::CopyOld);
}

#[test]
fn an_epoch_is_announced_before_it_begins_and_a_crash_between_is_no_alarm() {
    let place = ten();
    let file = place.open();
    file.head_copy().announce(file.state(), NEXT_EPOCH).unwrap();
    file.sync_head_copy().unwrap();
    drop(file);
    let copied = find(&place.source()).unwrap();
    assert_eq!(copied.held().unwrap().pending, Some(NEXT_EPOCH));
    assert_eq!(standing(&place), Standing::Holds, "it never began");
    let mut file = place.open();
    file.begin_epoch(NEXT_EPOCH, EpochReason::Rewound).unwrap();
    drop(file);
    assert_eq!(standing(&place), Standing::Holds, "it began, and the copy was not written since");
    let copied = find(&place.source()).unwrap();
    assert_eq!((copied.held().unwrap().epoch, copied.held().unwrap().pending), (NEXT_EPOCH, None));
}

#[test]
fn a_journal_from_before_the_last_epoch_is_another_history() {
    let place = ten();
    let older = place.crashed();
    let mut file = place.open();
    file.begin_epoch(NEXT_EPOCH, EpochReason::Rewound).unwrap();
    file.sync_head_copy().unwrap();
    fs::copy(place.head_file(), older.head_file()).unwrap();
    let refused = older.try_open().map(|_| ());
    assert!(matches!(refused, Err(OpenError::Replaced { .. })), "{refused:?}");
}

#[test]
fn the_control_that_ignores_the_copy_opens_what_lost_its_tail() {
    let place = ten();
    let older = place.crashed();
    append(&mut place.open(), sale(11)).unwrap();
    place.open().sync_head_copy().unwrap();
    fs::copy(place.head_file(), older.head_file()).unwrap();
    let seams = Seams { ignore_head_copy: true, ..Seams::default() };
    let opened = JournalFile::open_under(&older.options(), &Terms { seams, ..terms() }).unwrap();
    assert_eq!(opened.state().head.sequence, Sequence(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_copy_follows_by_itself_and_at_once_when_asked() {
    let place = Place::new();
    let journal = Journal::open(&place.options()).unwrap();
    let key = derived(&crate::testing::key(1));
    let head = || read(&place.head_file(), &key).unwrap().held().unwrap().head;
    journal.append(sale(1)).await.unwrap();
    let deadline = tokio::time::Duration::from_secs(30);
    let follows = async {
        while head() != journal.head() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(deadline, follows).await.expect("the copy follows the head");
    journal.append(sale(2)).await.unwrap();
    journal.sync_head_copy().await.unwrap();
    assert_eq!(head(), journal.head());
    journal.append(sale(3)).await.unwrap();
    let last = journal.head();
    drop(journal);
    assert_eq!(head(), last, "closing leaves a level copy");
}

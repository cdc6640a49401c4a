//! The mark, pruning, reading, and what is remembered.

use protocol::bytes::Bytes;
use protocol::chain::{GENESIS, Position, Sequence};
use protocol::handshake::EpochReason;
use protocol::progress::{Progress, ProgressState};

use super::read::{Filter, JournaledEvent};
use super::*;
use crate::append::NewEntry;
use crate::codec::EpochNumber;
use crate::error::AcknowledgeError;
use crate::file::JournalFile;
use crate::testing::{EPOCH, NEXT_EPOCH, Place, append, append_sales, at, entry, event_id, sale};

const FIRST: EpochNumber = EpochNumber(1);

fn position_at(place: &Place, sequence: u64) -> Position {
    let sequence = Sequence(sequence);
    let raw = place.crashed().raw();
    let chain_hash = crate::epoch::chain_hash(&raw, FIRST, sequence).unwrap().unwrap();
    Position { sequence, chain_hash }
}

fn sequences(events: &[JournaledEvent]) -> Vec<u64> {
    events.iter().map(|event| event.sequence.0).collect()
}

fn bodies_left(place: &Place) -> Vec<u64> {
    let raw = place.crashed().raw();
    let entries = read::after(&raw, FIRST, Sequence::NONE, 1_000, usize::MAX).unwrap();
    entries.iter().filter(|e| e.record.is_some()).map(|e| e.sequence.0).collect()
}

fn with_sales(count: u128) -> (Place, JournalFile) {
    let place = Place::new();
    let mut file = place.open();
    append_sales(&mut file, count);
    (place, file)
}

#[test]
fn an_acknowledgement_of_another_history_does_not_count() {
    let (place, mut file) = with_sales(3);
    let mut forged = position_at(&place, 2);
    forged.chain_hash = Bytes([1; 32]);
    let beyond = Position { sequence: Sequence(4), chain_hash: file.state().head.chain_hash };
    let far = Position { sequence: Sequence(u64::MAX), chain_hash: GENESIS };
    for position in [forged, beyond, far] {
        let refused = file.acknowledge(position, at(0)).unwrap_err();
        assert!(matches!(refused, AcknowledgeError::Mismatch { .. }), "{refused:?}");
    }
    assert_eq!(file.state().acknowledged, Position::START);
}

#[test]
fn the_mark_never_moves_back_and_survives_a_restart() {
    let (place, mut file) = with_sales(3);
    file.acknowledge(Position::START, at(0)).unwrap();
    file.acknowledge(position_at(&place, 3), at(0)).unwrap();
    file.acknowledge(position_at(&place, 1), at(1)).unwrap();
    assert_eq!(file.state().acknowledged, file.state().head);
    let mut forged = position_at(&place, 1);
    forged.chain_hash = Bytes([1; 32]);
    file.acknowledge(forged, at(0)).unwrap_err();
    drop(file);
    assert_eq!(place.open().state().acknowledged.sequence, Sequence(3));
}

#[test]
fn pruning_takes_acknowledged_bodies_oldest_first_and_leaves_what_identifies_them() {
    let (place, mut file) = with_sales(10);
    file.acknowledge(position_at(&place, 4), at(100)).unwrap();
    file.acknowledge(position_at(&place, 7), at(200)).unwrap();
    assert_eq!(file.prune(at(100), 100).unwrap(), 0, "the mark is not older than that");
    assert_eq!(file.prune(at(101), 3).unwrap(), 3, "no more than asked for");
    assert_eq!(bodies_left(&place), [4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(file.prune(at(101), 100).unwrap(), 1);
    assert_eq!(file.prune(at(1_000), 100).unwrap(), 3);
    assert_eq!(bodies_left(&place), [8, 9, 10], "what is unsent stays whatever the time");
    assert!(matches!(
        append(&mut file, sale(2)),
        Ok(crate::Appended::Replay { sequence: Sequence(2), .. })
    ));
    assert_eq!(file.state().acknowledged, position_at(&place, 7));
    let raw = place.crashed().raw();
    assert_eq!(sequences(&read::by_event(&raw, event_id(2)).unwrap()), [2]);
    assert_eq!(stats::stats(&raw).unwrap().pruned, 7);
}

#[test]
fn the_tables_themselves_refuse_to_lose_or_change_an_entry() {
    let (place, file) = with_sales(3);
    drop(file);
    let raw = place.raw();
    for sql in [
        "UPDATE entries SET natural_key = 'x'",
        "DELETE FROM entries",
        "REPLACE INTO entries SELECT place, event_id, 'x', content_hash, chain_hash, 0, NULL FROM entries",
        "UPDATE bodies SET packed = x''",
        "DELETE FROM bodies",
        "UPDATE epochs SET reason = NULL",
        "DELETE FROM epochs",
    ] {
        assert!(raw.execute_batch(sql).is_err(), "{sql}");
    }
    let acknowledge = "INSERT INTO acknowledgements SELECT place, 0 FROM entries
                       WHERE place & 1099511627775 =";
    raw.execute_batch(&format!("{acknowledge} 2")).unwrap();
    assert!(raw.execute_batch(&format!("{acknowledge} 1")).is_err());
    assert!(raw.execute_batch("DELETE FROM acknowledgements").is_err());
    assert!(raw.execute_batch("DELETE FROM bodies").is_err(), "the third is unsent");
    raw.execute_batch("DELETE FROM bodies WHERE place & 1099511627775 <= 2").unwrap();
}

#[test]
fn an_unsent_body_of_an_old_epoch_is_not_pruned_by_an_acknowledgement_of_the_new_one() {
    let (place, mut file) = with_sales(2);
    file.begin_epoch(NEXT_EPOCH, EpochReason::Rewound).unwrap();
    append(&mut file, sale(3)).unwrap();
    file.acknowledge(file.state().head, at(0)).unwrap();
    assert_eq!(file.prune(at(1_000), 100).unwrap(), 1);
    assert_eq!(bodies_left(&place), [1, 2]);
    let stats = stats::stats(&place.crashed().raw()).unwrap();
    assert_eq!((stats.entries, stats.unsent, stats.pruned), (3, 2, 1));
    assert_eq!(stats.oldest_unsent_at, Some(at(1)));
    assert_eq!(stats.last_journaled_at, Some(at(3)));
}

#[test]
fn a_read_forward_stops_at_its_bounds_but_never_before_the_first_entry() {
    let (place, file) = with_sales(5);
    drop(file);
    let raw = place.raw();
    let read = |after, count, bytes| {
        let entries = read::after(&raw, FIRST, Sequence(after), count, bytes).unwrap();
        entries.iter().map(|entry| entry.sequence.0).collect::<Vec<_>>()
    };
    assert_eq!(read(0, 10, usize::MAX), [1, 2, 3, 4, 5]);
    assert_eq!(read(2, 2, usize::MAX), [3, 4]);
    assert_eq!(read(0, 10, 0), [1]);
    assert_eq!(read(5, 10, usize::MAX), [0_u64; 0]);
    let bytes = read::after(&raw, FIRST, Sequence::NONE, 2, usize::MAX).unwrap();
    let two: usize = bytes.iter().map(|entry| entry.record.as_ref().unwrap().len()).sum();
    assert_eq!(read(0, 10, two), [1, 2]);
    assert_eq!(read(0, 10, two - 1), [1]);
}

#[test]
fn entries_are_found_by_key_prefix_by_id_and_newest_first() {
    let place = Place::new();
    let mut file = place.open();
    for (id, key, content) in
        [(1, "s/1/a", "x"), (2, "s/10/a", "x"), (3, "s/1/a", "y"), (4, "s/1/b", "x")]
    {
        append(&mut file, entry(id, key, content)).unwrap();
    }
    let local = NewEntry { local: Some("{}".to_owned()), ..entry(5, "t", "x") };
    append(&mut file, local).unwrap();
    file.acknowledge(position_at(&place, 2), at(0)).unwrap();
    let raw = place.crashed().raw();
    let prefixed = |prefix| sequences(&read::by_natural_key_prefix(&raw, prefix, 10).unwrap());
    assert_eq!(prefixed("s/1/"), [1, 3, 4]);
    assert_eq!(prefixed("s/1"), [1, 3, 4, 2]);
    assert_eq!(prefixed(""), [1, 3, 4, 2, 5]);
    assert_eq!(prefixed("\u{10ffff}"), [0_u64; 0]);
    let latest = |filter, before| read::latest(&raw, filter, before, 2).unwrap();
    assert_eq!(sequences(&latest(Filter::All, None)), [5, 4]);
    assert_eq!(sequences(&latest(Filter::All, Some((EPOCH, Sequence(4))))), [3, 2]);
    assert_eq!(sequences(&latest(Filter::Unsent, Some((EPOCH, Sequence(4))))), [3]);
    assert_eq!(sequences(&latest(Filter::Conflicts, None)), [3]);
    assert_eq!(latest(Filter::All, Some((NEXT_EPOCH, Sequence(4)))), []);
    let [found] = &read::by_event(&raw, event_id(5)).unwrap()[..] else { panic!("one entry") };
    assert_eq!((found.local.as_deref(), found.acknowledged), (Some("{}"), false));
    assert_eq!((found.epoch, found.journaled_at), (EPOCH, at(5)));
    let [first] = &read::by_event(&raw, event_id(1)).unwrap()[..] else { panic!("one entry") };
    assert!(first.acknowledged);
}

#[test]
fn progress_keeps_the_last_word_about_entries_that_the_file_holds() {
    let (place, mut file) = with_sales(1);
    let progress = |id, sequence, state, detail: Option<&str>| Progress {
        epoch: EPOCH,
        sequence: Sequence(sequence),
        event_id: event_id(id),
        target: "shop".parse().unwrap(),
        state,
        reference: None,
        detail: detail.map(|text| protocol::id::Text::new(text).unwrap()),
        at: at(0),
    };
    let waiting = progress(1, 1, ProgressState::Waiting, Some("for the original"));
    let applied = progress(1, 1, ProgressState::Applied, None);
    let elsewhere = Progress { epoch: NEXT_EPOCH, ..applied.clone() };
    let another = progress(2, 1, ProgressState::Applied, None);
    let never = progress(1, 9, ProgressState::Applied, None);
    file.record_progress(std::slice::from_ref(&waiting), 1).unwrap();
    let raw = place.crashed().raw();
    assert_eq!(remember::progress_of(&raw, event_id(1)).unwrap(), [waiting]);
    file.record_progress(&[applied.clone(), elsewhere, another, never], 5).unwrap();
    let raw = place.crashed().raw();
    assert_eq!(remember::progress_of(&raw, event_id(1)).unwrap(), [applied]);
    assert_eq!(remember::progress_of(&raw, event_id(2)).unwrap(), []);
    assert_eq!(remember::downlink_cursor(&raw).unwrap(), 5);
}

#[test]
fn a_note_is_replaced_and_survives() {
    let (place, mut file) = with_sales(0);
    file.put_note("ticket", b"1").unwrap();
    file.put_note("ticket", b"2").unwrap();
    let raw = place.crashed().raw();
    assert_eq!(remember::note(&raw, "ticket").unwrap().unwrap(), b"2");
    assert_eq!(remember::note(&raw, "other").unwrap(), None);
}

#[test]
fn what_was_pruned_is_known_by_its_last_position_and_an_epoch_begins_only_where_it_was_thought_to()
{
    let place = Place::new();
    let mut file = place.open();
    append_sales(&mut file, 5);
    let at_three = file.read_after(Sequence(2), 1, 1).unwrap()[0].chain_hash;
    let three = Position { sequence: Sequence(3), chain_hash: at_three };
    file.acknowledge(three, at(50)).unwrap();
    file.prune(at(60), 10).unwrap();
    let connection = place.crashed().raw();
    let number = crate::epoch::current(&connection).unwrap();
    let pruned = |after| read::pruned_after(&connection, number, Sequence(after)).unwrap();
    assert_eq!((pruned(0), pruned(2), pruned(3)), (Some(three), Some(three), None));
    let head = file.state().head;
    let reason = EpochReason::Rewound;
    assert_eq!(file.begin_epoch_after(three, NEXT_EPOCH, reason).unwrap(), None);
    assert_eq!(file.state().head, head);
    assert!(file.begin_epoch_after(head, NEXT_EPOCH, reason).unwrap().is_some());
}

//! What becomes of an entry.

use protocol::chain::{Position, Sequence};
use protocol::record::Record;

use super::*;
use crate::testing::{EPOCH, NEXT_EPOCH, Place, append, append_sales, entry, event_id, sale};

fn position(appended: Result<Appended, AppendError>) -> Position {
    match appended {
        Ok(Appended::New { position } | Appended::Conflict { position, .. }) => position,
        other => panic!("not journaled: {other:?}"),
    }
}

#[test]
fn each_entry_extends_the_chain_over_its_sealed_record() {
    let place = Place::new();
    let mut file = place.open();
    let mut expected = Position::START;
    for n in 1..=3 {
        let new = sale(n);
        let record = record::seal(&new.event, &new.findings, new.journaled_at);
        expected = expected.extended(EPOCH, &record);
        assert_eq!(position(append(&mut file, new)), expected);
    }
    assert_eq!(file.state().head, expected);
}

#[test]
fn the_same_content_again_answers_as_the_first_time_whatever_its_id() {
    let place = Place::new();
    let mut file = place.open();
    append(&mut file, entry(1, "a", "x")).unwrap();
    let head = file.state().head;
    let replay = Appended::Replay {
        event_id: event_id(1),
        epoch: EPOCH,
        sequence: Sequence(1),
        conflict_of: None,
    };
    assert_eq!(append(&mut file, entry(1, "a", "x")).unwrap(), replay);
    assert_eq!(append(&mut file, entry(2, "a", "x")).unwrap(), replay);
    assert_eq!(file.state().head, head);
}

#[test]
fn a_replay_within_its_own_group_is_one() {
    let place = Place::new();
    let mut file = place.open();
    let group = [entry(1, "a", "x"), entry(2, "a", "x"), entry(3, "b", "x")];
    let outcomes = file.append(&group.map(|new| Prepared::new(new).unwrap()));
    assert!(matches!(outcomes[0], Ok(Appended::New { .. })));
    assert!(matches!(outcomes[1], Ok(Appended::Replay { sequence: Sequence(1), .. })));
    assert!(matches!(outcomes[2], Ok(Appended::New { .. })));
    assert_eq!(file.state().head.sequence, Sequence(2));
}

#[test]
fn other_content_under_the_same_key_is_journaled_as_a_conflict_and_replays_as_itself() {
    let place = Place::new();
    let mut file = place.open();
    append(&mut file, entry(1, "a", "x")).unwrap();
    let conflict = append(&mut file, entry(2, "a", "y")).unwrap();
    let head = file.state().head;
    assert_eq!(conflict, Appended::Conflict { position: head, conflict_of: event_id(1) });
    assert_eq!(
        append(&mut file, entry(9, "a", "y")).unwrap(),
        Appended::Replay {
            event_id: event_id(2),
            epoch: EPOCH,
            sequence: Sequence(2),
            conflict_of: Some(event_id(1)),
        }
    );
    // A third content conflicts with the first, not with the second.
    assert!(matches!(
        append(&mut file, entry(3, "a", "z")),
        Ok(Appended::Conflict { conflict_of, .. }) if conflict_of == event_id(1)
    ));
    drop(file);
    let packed: Vec<u8> = place
        .raw()
        .query_row("SELECT packed FROM bodies WHERE place & 1099511627775 = 2", [], |row| {
            row.get(0)
        })
        .unwrap();
    let record = Record::parse(&pack::unpack(&packed).unwrap()).unwrap();
    assert_eq!(record.findings.conflict_of, Some(event_id(1)));
}

#[test]
fn a_known_id_under_another_key_fails_alone() {
    let place = Place::new();
    let mut file = place.open();
    append(&mut file, entry(1, "a", "x")).unwrap();
    let group = [entry(2, "b", "x"), entry(1, "c", "x"), entry(3, "d", "x")];
    let outcomes = file.append(&group.map(|new| Prepared::new(new).unwrap()));
    assert!(matches!(outcomes[0], Ok(Appended::New { .. })));
    assert!(
        matches!(&outcomes[1], Err(AppendError::IdReused { natural_key }) if natural_key == "a")
    );
    assert!(matches!(outcomes[2], Ok(Appended::New { .. })));
    assert_eq!(file.state().head.sequence, Sequence(3));
}

#[test]
fn a_new_epoch_still_knows_the_keys_of_the_old_one() {
    let place = Place::new();
    let mut file = place.open();
    append(&mut file, entry(1, "a", "x")).unwrap();
    let old = file.state().clone();
    let identity = file.begin_epoch(NEXT_EPOCH, protocol::handshake::EpochReason::Rewound).unwrap();
    let predecessor = identity.predecessor.unwrap();
    assert_eq!((predecessor.epoch, predecessor.head), (EPOCH, old.head));
    assert_eq!(file.state().head, Position::START);
    assert!(matches!(
        append(&mut file, entry(5, "a", "x")),
        Ok(Appended::Replay { epoch: EPOCH, sequence: Sequence(1), .. })
    ));
    assert_eq!(position(append(&mut file, entry(6, "b", "x"))).sequence, Sequence(1));
}

#[test]
fn a_record_that_no_batch_could_carry_is_refused() {
    let mut new = sale(1);
    new.event = format!("\"{}\"", "x".repeat(policy::RECORD_BYTES_MAX));
    assert!(matches!(Prepared::new(new), Err(AppendError::TooLarge { .. })));
}

#[test]
fn what_was_answered_survives_a_crash() {
    let place = Place::new();
    let mut file = place.open();
    append_sales(&mut file, 100);
    let crashed = place.crashed();
    assert_eq!(crashed.open().state(), file.state());
    append(&mut file, sale(101)).unwrap();
    drop(file);
    assert_eq!(place.open().state().head.sequence, Sequence(101));
}

#[test]
fn an_inputs_cursor_moves_with_its_entry_and_not_with_one_that_failed() {
    let place = Place::new();
    let mut file = place.open();
    let at = |id, key, cursor: &[u8]| NewEntry {
        cursor: Some(InputCursor { input: "folder".to_owned(), value: cursor.to_owned() }),
        ..entry(id, key, "x")
    };
    let stands = |place: &Place| {
        crate::cursor::remember::input_cursor(&place.crashed().raw(), "folder").unwrap()
    };
    append(&mut file, at(1, "a", b"1")).unwrap();
    append(&mut file, at(2, "a", b"2")).unwrap();
    assert_eq!(stands(&place).unwrap(), b"2", "a replay moves it too");
    append(&mut file, at(1, "b", b"3")).unwrap_err();
    assert_eq!(stands(&place).unwrap(), b"2");
    append(&mut file, at(3, "c", b"4")).unwrap();
    assert_eq!(stands(&place).unwrap(), b"4");
}

#[test]
fn groups_are_bounded_by_count_and_by_bytes() {
    let many = (0..1_100).map(sale).collect();
    let counts: Vec<usize> = groups(many).iter().map(Vec::len).collect();
    assert_eq!(counts, [500, 500, 100]);
    let large = |n| NewEntry { event: "x".repeat(3 * 1024 * 1024), ..sale(n) };
    let counts: Vec<usize> = groups((0..3).map(large).collect()).iter().map(Vec::len).collect();
    assert_eq!(counts, [1, 1, 1]);
}

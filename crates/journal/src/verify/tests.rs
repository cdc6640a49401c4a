//! Whatever is done to the entries behind the journal's back is found and named.

use super::*;
use crate::testing::{EPOCH, NEXT_EPOCH, Place, append, append_sales, at, key, sale};

const UNGUARDED: &str = "
    DROP TRIGGER entries_never_change; DROP TRIGGER entries_never_go;
    DROP TRIGGER bodies_never_change; DROP TRIGGER bodies_go_when_acknowledged;";

fn verified(place: &Place) -> Verification {
    verify(&place.file(), &key(1), &mut |_| ()).unwrap()
}

/// Ten sales, of which two are pruned and four acknowledged, and what `sql` makes of them.
fn tampered(sql: &str) -> Option<(u64, FaultKind)> {
    let place = Place::new();
    let mut file = place.open();
    append_sales(&mut file, 10);
    let sequence = Sequence(4);
    let chain_hash = file.chain_hash(sequence).unwrap().unwrap();
    file.acknowledge(Position { sequence, chain_hash }, at(0)).unwrap();
    file.prune(at(1), 2).unwrap();
    drop(file);
    place.tamper(UNGUARDED);
    place.tamper(&sql.replace("SEQUENCE", "place & 1099511627775"));
    let fault = verified(&place).fault?;
    assert_eq!(fault.epoch, EPOCH);
    Some((fault.sequence.0, fault.kind))
}

#[test]
fn an_untouched_journal_holds_and_says_how_far_it_is() {
    let place = Place::new();
    let mut file = place.open();
    append_sales(&mut file, 2_100);
    file.acknowledge(file.state().head, at(0)).unwrap();
    file.prune(at(1), 100).unwrap();
    file.begin_epoch(NEXT_EPOCH, protocol::handshake::EpochReason::Rewound).unwrap();
    append(&mut file, sale(3_000)).unwrap();
    drop(file);
    let mut seen = Vec::new();
    let found = verify(&place.file(), &key(1), &mut |p| seen.push((p.entries, p.entries_total)));
    assert_eq!(
        found.unwrap(),
        Verification { entries: 2_101, records: 2_001, missing: 0, fault: None }
    );
    assert_eq!(seen, [(1_000, 2_101), (2_000, 2_101), (2_100, 2_101), (2_101, 2_101)]);
    assert_eq!(tampered(""), None);
}

#[test]
fn verifying_what_a_crash_left_changes_nothing() {
    let place = Place::new();
    let mut file = place.open();
    append_sales(&mut file, 10);
    let crashed = place.crashed();
    let files = || [crashed.file(), crashed.log_file()].map(|file| std::fs::read(file).unwrap());
    let before = files();
    assert_eq!(
        verified(&crashed),
        Verification { entries: 10, records: 10, missing: 0, fault: None }
    );
    assert_eq!(files(), before);
}

#[test]
fn a_changed_record_is_found() {
    let other = "UPDATE bodies SET packed = (SELECT packed FROM bodies ORDER BY place DESC LIMIT 1)
                 WHERE SEQUENCE = 6";
    assert_eq!(tampered(other), Some((6, FaultKind::Broken)));
    let flipped =
        "UPDATE bodies SET packed = CAST(x'00' || substr(packed, 2) AS BLOB) WHERE SEQUENCE = 6";
    assert!(matches!(tampered(flipped), Some((6, FaultKind::Unreadable(_)))));
}

#[test]
fn a_changed_chain_hash_is_found_also_of_a_pruned_entry() {
    let changed = |sequence| {
        tampered(&format!(
            "UPDATE entries SET chain_hash = zeroblob(32) WHERE SEQUENCE = {sequence}"
        ))
    };
    assert_eq!(changed(6), Some((6, FaultKind::Broken)));
    assert_eq!(changed(2), Some((3, FaultKind::Broken)), "where the next record is there");
}

#[test]
fn swapped_entries_are_found() {
    let swap = "UPDATE entries SET place = -7 WHERE SEQUENCE = 7;
                UPDATE entries SET place = place - 1 WHERE SEQUENCE = 8;
                UPDATE entries SET place = (SELECT max(place) - 2 FROM entries) WHERE place = -7;";
    assert_eq!(tampered(swap), Some((7, FaultKind::Broken)));
}

#[test]
fn a_removed_entry_is_found() {
    let removed = "DELETE FROM entries WHERE SEQUENCE = 6";
    assert_eq!(tampered(removed), Some((6, FaultKind::Missing)));
    let pruned = "DELETE FROM entries WHERE SEQUENCE = 1";
    assert_eq!(tampered(pruned), Some((1, FaultKind::Missing)));
}

#[test]
fn a_body_that_went_without_an_acknowledgement_is_found() {
    let removed = "DELETE FROM bodies WHERE SEQUENCE = 5";
    assert_eq!(tampered(removed), Some((5, FaultKind::BodyMissing)));
    assert_eq!(tampered("DELETE FROM bodies WHERE SEQUENCE = 4"), None, "this one had one");
}

#[test]
fn a_lost_end_is_seen_if_it_was_acknowledged_and_only_then() {
    let cut_after =
        |sequence| tampered(&format!("DELETE FROM entries WHERE SEQUENCE > {sequence}"));
    assert_eq!(cut_after(3), Some((4, FaultKind::BeyondHead)));
    assert_eq!(cut_after(5), None, "nothing within the file tells");
}

#[test]
fn a_lost_end_is_seen_by_the_copy_of_the_head() {
    let place = Place::new();
    append_sales(&mut place.open(), 10);
    let older = place.crashed();
    let mut file = place.open();
    append(&mut file, sale(11)).unwrap();
    file.sync_head_copy().unwrap();
    std::fs::copy(place.head_file(), older.head_file()).unwrap();
    let fault = verified(&older).fault.unwrap();
    assert_eq!((fault.sequence, fault.kind), (Sequence(11), FaultKind::Missing));
}

#[test]
fn a_flipped_bit_in_a_page_of_entries_never_passes() {
    let place = Place::new();
    let mut file = place.open();
    append_sales(&mut file, 400);
    drop(file);
    let bytes = std::fs::read(place.file()).unwrap();
    let pages = pages_of_entries(&place);
    assert!(pages.len() > 20);
    for page in pages.into_iter().step_by(7) {
        let damaged = Place::new();
        let mut copy = bytes.clone();
        copy[(page - 1) * 4_096 + 1_000] ^= 1;
        #[expect(clippy::disallowed_methods, reason = "a test's set-up may be cut short")]
        std::fs::write(damaged.file(), copy).unwrap();
        match verify(&damaged.file(), &key(1), &mut |_| ()) {
            Ok(found) => assert!(found.fault.is_some(), "page {page}"),
            Err(OpenError::Damaged { .. } | OpenError::WrongKey { .. }) => {}
            Err(other) => panic!("page {page}: {other:?}"),
        }
    }
}

/// The pages of the two tables that a verification reads.
fn pages_of_entries(place: &Place) -> Vec<usize> {
    let raw = place.raw();
    let mut select =
        raw.prepare("SELECT pageno FROM dbstat WHERE name IN ('entries', 'bodies')").unwrap();
    let pages = select.query_map([], |row| row.get::<_, i64>(0)).unwrap();
    pages.map(|page| usize::try_from(page.unwrap()).unwrap()).collect()
}

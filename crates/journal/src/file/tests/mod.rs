//! Transactions that fail, and everything against a plain model.

mod model;

use protocol::chain::Sequence;

use super::*;
use crate::testing::{Place, append, append_sales, entry, noise, sale};

/// Makes every COMMIT of the current connection fail in which an entry was written.
fn fail_commits(file: &JournalFile) {
    file.connection
        .as_ref()
        .unwrap()
        .execute_batch(
            "PRAGMA foreign_keys = ON;
             CREATE TEMP TABLE parents (id INTEGER PRIMARY KEY);
             CREATE TEMP TABLE orphans (id REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
             CREATE TEMP TRIGGER fail_at_commit AFTER INSERT ON main.entries
             BEGIN INSERT INTO orphans VALUES (1); END;",
        )
        .unwrap();
}

#[test]
fn a_failed_commit_is_answered_as_such_leaves_nothing_and_may_be_tried_again() {
    let place = Place::new();
    let mut file = place.open();
    append_sales(&mut file, 2);
    let before = file.state().clone();
    fail_commits(&file);
    let group = [sale(3), sale(4)].map(|new| Prepared::new(new).unwrap());
    for outcome in file.append(&group) {
        assert!(matches!(outcome, Err(AppendError::NotCommitted(_))), "{outcome:?}");
    }
    assert_eq!(*file.state(), before);
    assert!(matches!(append(&mut file, sale(3)), Ok(Appended::New { .. })));
    drop(file);
    assert_eq!(place.open().state().head.sequence, Sequence(3));
}

#[test]
fn a_full_disk_is_named_and_ends_with_room() {
    let place = Place::new();
    let mut file = place.open();
    append_sales(&mut file, 1);
    let connection = file.connection.as_ref().unwrap();
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    connection.execute_batch(&format!("PRAGMA max_page_count = {pages}")).unwrap();
    // What does not compress needs pages that the disk does not have.
    let mut filling = None;
    for n in 2..200 {
        if let Err(error) = append(&mut file, entry(n, &format!("{n}"), &noise(n, 50_000))) {
            filling = Some(error);
            break;
        }
    }
    assert!(matches!(filling, Some(AppendError::DiskFull(_))), "{filling:?}");
    assert!(matches!(append(&mut file, sale(999)), Err(AppendError::DiskFull(_))), "at once");
    // The file was opened again, and with that the disk has room.
    file.look_for_room();
    assert!(matches!(append(&mut file, sale(1_000)), Ok(Appended::New { .. })));
    let head = file.state().clone();
    drop(file);
    assert_eq!(*place.open().state(), head);
}

#[test]
fn an_entry_that_the_tables_refuse_fails_alone() {
    let place = Place::new();
    let mut file = place.open();
    file.connection
        .as_ref()
        .unwrap()
        .execute_batch(
            "CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.bodies
             WHEN (SELECT natural_key FROM main.entries WHERE place = NEW.place) = 'bad'
             BEGIN SELECT RAISE(ABORT, 'refused'); END;",
        )
        .unwrap();
    let group = [entry(1, "a", "x"), entry(2, "bad", "x"), entry(3, "c", "x")];
    let outcomes = file.append(&group.map(|new| Prepared::new(new).unwrap()));
    assert!(matches!(&outcomes[0], Ok(Appended::New { position }) if position.sequence.0 == 1));
    assert!(matches!(&outcomes[1], Err(AppendError::NotCommitted(_))));
    assert!(matches!(&outcomes[2], Ok(Appended::New { position }) if position.sequence.0 == 2));
    drop(file);
    let found = crate::verify(&place.file(), &crate::testing::key(1), &mut |_| ()).unwrap();
    assert_eq!((found.entries, found.fault), (2, None));
}

#[test]
fn what_a_crash_left_in_the_log_is_in_the_file_before_anything_is_answered_from_it() {
    let place = Place::new();
    let mut file = place.open();
    append_sales(&mut file, 5);
    let crashed = place.crashed();
    let opened = crashed.open();
    assert_eq!(opened.log().unwrap().left, 0);
    let without_log = Place::new();
    std::fs::copy(crashed.file(), without_log.file()).unwrap();
    assert_eq!(without_log.open().state(), file.state());
}

#[test]
fn a_log_cut_anywhere_by_a_crash_keeps_whole_groups_only() {
    let place = Place::new();
    let mut file = place.open();
    let mut heads = vec![file.state().head];
    for n in 0..4 {
        let group = [1, 2, 3].map(|k| Prepared::new(sale(n * 3 + k)).unwrap());
        for outcome in file.append(&group) {
            outcome.unwrap();
        }
        heads.push(file.state().head);
    }
    let log = std::fs::metadata(place.log_file()).unwrap().len();
    let mut seen = Vec::new();
    for length in (0..=log).step_by(1_009) {
        let crashed = place.crashed();
        let cut = std::fs::OpenOptions::new().write(true).open(crashed.log_file()).unwrap();
        cut.set_len(length).unwrap();
        let head = crashed.open().state().head;
        assert!(heads.contains(&head), "{head:?} after {length} bytes");
        seen.push(head);
    }
    seen.dedup();
    assert_eq!(seen, heads[..seen.len()], "in order");
    assert_eq!(place.crashed().open().state().head, heads[4]);
}

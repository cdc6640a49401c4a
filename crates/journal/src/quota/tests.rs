//! When new events are refused, and when they are taken again.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::JournalFile;
use crate::append::Prepared;
use crate::open::Terms;
use crate::testing::{Place, append, at, entry, noise, sale};

fn open(place: &Place, quota: Quota) -> JournalFile {
    JournalFile::open_under(&place.options(), &Terms { quota, ..Terms::default() }).unwrap()
}

#[test]
fn the_reserve_is_made_released_and_made_again() {
    let place = Place::new();
    let file = place.file().with_file_name("journal.db.reserve");
    let journal = open(&place, Quota { reserve_bytes: 1 << 20, ..Quota::default() });
    assert_eq!(fs::metadata(&file).unwrap().len(), 1 << 20);
    journal.reserve().release();
    assert!(!file.exists());
    assert_eq!(journal.reserve().room(), Room::DiskFull);
    journal.reserve().restore();
    assert_eq!(
        (fs::metadata(&file).unwrap().len(), journal.reserve().room()),
        (1 << 20, Room::Enough)
    );
}

#[test]
fn at_the_reserve_new_events_are_refused_and_everything_else_goes_on() {
    let place = Place::new();
    let mut journal = open(&place, Quota::default());
    append(&mut journal, sale(1)).unwrap();
    journal.reserve().release();
    assert!(matches!(append(&mut journal, sale(2)), Err(AppendError::DiskFull(_))));
    journal.acknowledge(journal.state().head, at(0)).unwrap();
    assert_eq!(journal.prune(at(1), 10).unwrap(), 1);
    journal.put_note("ticket", b"1").unwrap();
    journal.reserve().restore();
    append(&mut journal, sale(2)).unwrap();
}

/// One thing that happens to a journal with a quota.
#[derive(Debug, Clone)]
enum Step {
    Append,
    AcknowledgeAll,
    Prune,
    Full,
    RoomAgain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Append),
        1 => Just(Step::AcknowledgeAll),
        2 => Just(Step::Prune),
        1 => Just(Step::Full),
        2 => Just(Step::RoomAgain),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// The model knows a full disk and the bytes in use, and nothing of how they are kept.
    #[test]
    fn an_event_is_refused_exactly_while_there_is_no_room(steps in vec(step(), 1..40)) {
        let place = Place::new();
        let bytes_max = 400 * 1024;
        let mut journal = open(&place, Quota { bytes_max: Some(bytes_max), reserve_bytes: 0 });
        let (mut is_full, mut taken) = (false, 0_u64);
        for (n, step) in (1_u128..).zip(steps) {
            match step {
                Step::Append => {
                    let used = journal.used_bytes().unwrap();
                    let new = entry(n, &format!("r{n}"), &noise(n, 40_000));
                    let outcome = journal.append(&[Prepared::new(new).unwrap()]).pop().unwrap();
                    let is_refused = matches!(outcome, Err(AppendError::DiskFull(_)));
                    prop_assert_eq!(is_refused, is_full || used >= bytes_max, "{} bytes", used);
                    prop_assert_eq!(outcome.is_ok(), !is_refused);
                    taken += u64::from(!is_refused);
                }
                Step::AcknowledgeAll => journal.acknowledge(journal.state().head, at(0)).unwrap(),
                Step::Prune => {
                    journal.prune(at(1), 500).unwrap();
                    journal.copy_log().unwrap();
                }
                Step::Full => {
                    journal.reserve().release();
                    is_full = true;
                }
                Step::RoomAgain => {
                    journal.reserve().restore();
                    is_full = false;
                }
            }
            prop_assert_eq!(journal.state().head.sequence.0, taken, "what was taken is there");
        }
    }
}

//! What is left of a damaged journal: everything that its undamaged pages hold, and the names of the
//! rest.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use protocol::chain::{Position, Sequence};
use protocol::handshake::EpochReason;

use super::*;
use crate::cursor::read::StoredEntry;
use crate::incident::{Incident, Missing};
use crate::open::Terms;
use crate::testing::{EPOCH, NEXT_EPOCH, Place, append, append_sales, at, entry, key, noise, sale};
use crate::{Appended, JournalFile, Options, verify};

const SALES: u128 = 300;
const MARK: u64 = 120;

/// Sales of which the first are acknowledged and a few of those pruned; some of the rest are only in
/// the log.
fn journal() -> Place {
    let place = Place::new();
    let mut file = place.open();
    append_sales(&mut file, SALES - 50);
    let sequence = Sequence(MARK);
    let chain_hash = file.chain_hash(sequence).unwrap().unwrap();
    file.acknowledge(Position { sequence, chain_hash }, at(0)).unwrap();
    file.prune(at(1), 20).unwrap();
    file.put_note("ticket", b"t").unwrap();
    file.copy_log().unwrap();
    for n in SALES - 49..=SALES {
        append(&mut file, sale(n)).unwrap();
    }
    file.sync_head_copy().unwrap();
    place.crashed_with_head()
}

fn opened(place: &Place) -> JournalFile {
    let terms = Terms { salvage_at: Some(at(9)), ..Terms::default() };
    let options = Options { new_epoch: NEXT_EPOCH, ..place.options() };
    JournalFile::open_under(&options, &terms).unwrap()
}

/// What became of every sale: in the new epoch, still known by its natural key, or named as lost.
struct Outcome {
    incident: Incident,
    again: u64,
    unknown: BTreeSet<u64>,
    file: JournalFile,
}

/// Opens a damaged journal and sells everything once more.
fn salvaged(place: &Place) -> Outcome {
    let mut file = opened(place);
    let incident = file.noticed().unwrap().clone();
    let identity = file.state().identity.clone();
    assert_eq!(identity.epoch, NEXT_EPOCH);
    let predecessor = identity.predecessor.unwrap();
    assert_eq!((predecessor.epoch, predecessor.reason), (EPOCH, EpochReason::Salvaged));
    let again = file.state().head.sequence.0;
    assert_follows(&file.read_after(Sequence::NONE, 1_000, usize::MAX).unwrap());
    let mut unknown = BTreeSet::new();
    for n in 1..=SALES {
        match append(&mut file, sale(n)).unwrap() {
            Appended::Replay { .. } => {}
            Appended::New { .. } => {
                unknown.insert(u64::try_from(n).unwrap());
            }
            Appended::Conflict { .. } => panic!("{n} became a conflict"),
        }
    }
    Outcome { incident, again, unknown, file }
}

fn assert_follows(entries: &[StoredEntry]) {
    let mut position = Position::START;
    for entry in entries {
        position = position.extended(NEXT_EPOCH, entry.record.as_ref().unwrap());
        assert_eq!((position.sequence, position.chain_hash), (entry.sequence, entry.chain_hash));
    }
}

fn gone(missing: &[Missing], relayed: bool) -> BTreeSet<u64> {
    let gaps = missing.iter().filter(|gap| gap.relayed == relayed);
    gaps.flat_map(|gap| gap.first.0..=gap.last.0).collect()
}

/// Nothing is lost silently: what is neither there nor recognised is exactly what is named.
fn assert_whole_or_named(outcome: &Outcome) {
    let lost = gone(&outcome.incident.missing, false);
    let sold = u64::try_from(SALES).unwrap();
    assert_eq!(lost.len(), usize::try_from(sold - MARK - outcome.again).unwrap());
    assert!(lost.iter().all(|sequence| *sequence > MARK), "{lost:?}");
    let relayed = gone(&outcome.incident.missing, true);
    let named: BTreeSet<u64> = lost.union(&relayed).copied().collect();
    assert!(outcome.unknown.is_subset(&named), "{:?} of {named:?}", outcome.unknown);
    assert!(lost.is_subset(&outcome.unknown), "what is lost is taken again");
}

fn change(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    crate::files::replace(file, &bytes).unwrap();
}

/// Makes the next opening salvage, as a page does that could not be read.
fn suspect(place: &Place) {
    super::suspect(&place.source()).unwrap();
}

#[test]
fn an_undamaged_journal_is_salvaged_whole() {
    let place = journal();
    let before = fs::read(place.file()).unwrap();
    suspect(&place);
    let outcome = salvaged(&place);
    assert_whole_or_named(&outcome);
    assert_eq!((outcome.incident.missing.len(), outcome.again, outcome.unknown.len()), (0, 180, 0));
    assert_eq!(outcome.incident.kind, IncidentKind::Damaged);
    let aside = outcome.incident.set_aside.unwrap();
    let aside = place.file().with_file_name(aside);
    assert_eq!(fs::read(&aside).unwrap(), before, "set aside as it was");
    assert!(beside(&aside, "-wal").exists());
    assert_eq!(outcome.file.note("ticket").unwrap().as_deref(), Some(&b"t"[..]));
    drop(outcome.file);
    let found = verify(&place.file(), &key(1), &mut |_| ()).unwrap();
    assert_eq!((found.entries, found.fault), (300, None));
    assert_eq!(opened(&place).noticed(), None, "it is over");
}

#[test]
fn whichever_page_is_flipped_the_rest_is_taken_over_and_what_is_lost_is_named() {
    let whole = journal();
    let pages = fs::metadata(whole.file()).unwrap().len() / 4_096;
    let mut losses = 0;
    for page in 0..pages {
        let place = whole.crashed_with_head();
        let at = usize::try_from(page * 4_096 + 2_000).unwrap();
        change(&place.file(), |bytes| bytes[at] ^= 1);
        suspect(&place);
        let outcome = salvaged(&place);
        assert_whole_or_named(&outcome);
        losses += gone(&outcome.incident.missing, false).len();
        assert!(gone(&outcome.incident.missing, false).len() < 60, "a page holds no more");
    }
    assert!(losses > 0, "some page held the only copy of a record");
}

#[test]
fn a_destroyed_header_costs_nothing_but_itself() {
    let place = journal();
    change(&place.file(), |bytes| bytes[..4_096].fill(0));
    let refused = place.try_open().map(|_| ());
    assert!(matches!(refused, Err(OpenError::WrongKey { .. })), "{refused:?}");
    assert!(place.log_file().exists(), "left as it is");
    let outcome = salvaged(&place);
    assert_whole_or_named(&outcome);
    assert_eq!((outcome.again, outcome.unknown.len()), (180, 0));
}

#[test]
fn a_truncated_and_an_empty_file_keep_what_the_log_and_the_rest_hold() {
    let whole = journal();
    let length = usize::try_from(fs::metadata(whole.file()).unwrap().len()).unwrap();
    for kept in [length / 2, 5_000, 1, 0] {
        let place = whole.crashed_with_head();
        change(&place.file(), |bytes| bytes.truncate(kept));
        suspect(&place);
        assert_whole_or_named(&salvaged(&place));
    }
}

#[test]
fn a_flipped_log_costs_one_page_and_not_everything_behind_it() {
    let whole = journal();
    let frames = (fs::metadata(whole.log_file()).unwrap().len() - 32) / (24 + 4_096);
    assert!(frames > 100, "{frames}");
    for frame in (0..frames).step_by(9) {
        let place = whole.crashed_with_head();
        let at = usize::try_from(32 + frame * (24 + 4_096) + 24 + 1_000).unwrap();
        change(&place.log_file(), |bytes| bytes[at] ^= 1);
        // Its own comparison finds it, without a mark.
        let outcome = salvaged(&place);
        assert_eq!(outcome.incident.kind, IncidentKind::TailLost);
        assert_whole_or_named(&outcome);
        let lost = gone(&outcome.incident.missing, false);
        assert!(lost.len() <= 1, "frame {frame}: {lost:?}");
    }
    let place = whole.crashed_with_head();
    change(&place.log_file(), |bytes| bytes[..32].fill(0));
    let outcome = salvaged(&place);
    assert_eq!((outcome.again, outcome.unknown.len()), (180, 0), "only the log's header was lost");
}

#[test]
fn a_journal_that_is_gone_is_named_from_the_first_entry_to_the_last() {
    let place = journal();
    fs::remove_file(place.file()).unwrap();
    fs::remove_file(place.log_file()).unwrap();
    let file = opened(&place);
    let incident = file.noticed().unwrap();
    assert_eq!(
        (incident.kind, incident.set_aside.as_deref()),
        (IncidentKind::JournalMissing, None)
    );
    let gap = |first, last, relayed| Missing {
        epoch: EPOCH,
        first: Sequence(first),
        last: Sequence(last),
        relayed,
    };
    assert_eq!(incident.missing, [gap(1, MARK, true), gap(MARK + 1, 300, false)]);
    let predecessor = file.state().identity.predecessor.clone().unwrap();
    assert_eq!(predecessor.head.sequence, Sequence(300));
}

#[test]
fn an_older_version_of_the_journal_goes_on_in_a_new_epoch() {
    let place = Place::new();
    append_sales(&mut place.open(), 10);
    let older = place.crashed();
    let mut file = place.open();
    for n in 11..=20 {
        append(&mut file, sale(n)).unwrap();
    }
    file.sync_head_copy().unwrap();
    fs::copy(place.head_file(), older.head_file()).unwrap();
    let file = opened(&older);
    let incident = file.noticed().unwrap();
    assert_eq!(incident.kind, IncidentKind::TailLost);
    assert_eq!(gone(&incident.missing, false), (11..=20).collect());
    assert_eq!(file.state().head.sequence, Sequence(10), "what was not relayed goes up again");
}

#[test]
fn a_wrong_key_salvages_nothing() {
    let place = journal();
    let options = Options { key: key(2), ..place.options() };
    let terms = Terms { salvage_at: Some(at(9)), ..Terms::default() };
    let refused = JournalFile::open_under(&options, &terms).map(|_| ());
    assert!(matches!(refused, Err(OpenError::WrongKey { .. })), "{refused:?}");
    assert_eq!(place.open().state().head.sequence, Sequence(300));
}

#[test]
fn a_crash_before_the_last_step_is_finished_by_the_next_opening() {
    let place = journal();
    let source = place.source();
    let found = head::find(&source).unwrap();
    make(&source, found.held(), NEXT_EPOCH, IncidentKind::Damaged, at(9)).unwrap();
    drop(source);
    fs::rename(place.file(), beside(&place.file(), ".aside-1")).unwrap();
    let file = opened(&place);
    assert_eq!(
        (file.state().identity.epoch, file.state().head.sequence),
        (NEXT_EPOCH, Sequence(180))
    );
}

#[test]
fn records_that_fill_many_pages_are_put_together_again() {
    let place = Place::new();
    let mut file = place.open();
    for n in 1..=5 {
        append(&mut file, entry(n, &format!("r{n}"), &noise(n, 200_000))).unwrap();
    }
    file.sync_head_copy().unwrap();
    drop(file);
    suspect(&place);
    let file = opened(&place);
    let entries = file.read_after(Sequence::NONE, 10, usize::MAX).unwrap();
    assert_eq!(entries.len(), 5);
    assert_follows(&entries);
}

#[test]
fn a_second_salvage_keeps_the_names_of_the_first() {
    let place = journal();
    fs::remove_file(place.file()).unwrap();
    fs::remove_file(place.log_file()).unwrap();
    drop(opened(&place));
    suspect(&place);
    let terms = Terms { salvage_at: Some(at(10)), ..Terms::default() };
    let options = Options { new_epoch: protocol::bytes::Bytes([9; 16]), ..place.options() };
    let file = JournalFile::open_under(&options, &terms).unwrap();
    let incidents = file.incidents(10).unwrap();
    let kinds: Vec<_> = incidents.iter().map(|incident| incident.kind).collect();
    assert_eq!(kinds, [IncidentKind::Damaged, IncidentKind::JournalMissing]);
    assert_eq!(gone(&incidents[1].missing, false).len(), 180);
}

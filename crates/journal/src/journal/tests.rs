//! The journal under many hands.

use std::fs;

use protocol::chain::Sequence;

use super::*;
use crate::cursor::read::Filter;
use crate::testing::{EPOCH, NEXT_EPOCH, Place, at, entry, event_id, noise, sale};

fn open(place: &Place) -> Journal {
    Journal::open(&place.options()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_answered_finds_the_entry_after_a_crash() {
    let place = Arc::new(Place::new());
    let journal = open(&place);
    let callers: Vec<_> = (0..8_u128)
        .map(|caller| {
            let (journal, place) = (journal.clone(), Arc::clone(&place));
            tokio::spawn(async move {
                for n in 0..5 {
                    let appended = journal.append(sale(caller * 100 + n)).await.unwrap();
                    let Appended::New { position } = appended else { panic!("{appended:?}") };
                    let crashed = place.crashed().open();
                    let kept = crashed.chain_hash(position.sequence).unwrap();
                    assert_eq!(kept, Some(position.chain_hash));
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(journal.head().sequence, Sequence(40));
}

#[tokio::test]
async fn entries_appended_together_have_outcomes_of_their_own_in_order() {
    let place = Place::new();
    let journal = open(&place);
    let too_large = NewEntry { event: "x".repeat(2 * 1024 * 1024), ..sale(2) };
    let entries = vec![
        entry(1, "a", "x"),
        too_large,
        entry(1, "b", "x"),
        entry(3, "a", "x"),
        entry(4, "a", "y"),
    ];
    let outcomes = journal.append_all(entries).await;
    assert!(matches!(outcomes[0], Ok(Appended::New { .. })));
    assert!(matches!(outcomes[1], Err(AppendError::TooLarge { .. })));
    assert!(matches!(outcomes[2], Err(AppendError::IdReused { .. })));
    assert!(matches!(outcomes[3], Ok(Appended::Replay { .. })));
    assert!(matches!(outcomes[4], Ok(Appended::Conflict { .. })));
    assert_eq!(journal.append_all(Vec::new()).await.len(), 0);
    let many = journal.append_all((10..1_300).map(sale).collect()).await;
    assert_eq!(many.iter().filter(|outcome| outcome.is_ok()).count(), 1_290);
    assert_eq!(journal.head().sequence, Sequence(1_292));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writer_is_reached_only_when_it_does_not_stand_still() {
    let place = Place::new();
    let journal = open(&place);
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (go_on, goes_on) = std::sync::mpsc::channel();
    let standing = tokio::spawn({
        let journal = journal.clone();
        async move {
            let stand = move |_: &mut JournalFile| {
                begun.send(()).unwrap();
                goes_on.recv().unwrap();
                Ok(())
            };
            journal.change("stand still", stand).await
        }
    });
    tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
    let reached = journal.reach_writer();
    tokio::pin!(reached);
    tokio::select! {
        biased;
        _ = &mut reached => panic!("it stands still"),
        () = tokio::task::yield_now() => {}
    }
    go_on.send(()).unwrap();
    reached.await.unwrap();
    standing.await.unwrap().unwrap();
}

#[tokio::test]
async fn whoever_follows_the_head_is_woken_by_a_commit() {
    let place = Place::new();
    let journal = open(&place);
    let mut head = journal.head_changes();
    assert_eq!(*head.borrow_and_update(), Position::START);
    journal.append(sale(1)).await.unwrap();
    head.changed().await.unwrap();
    assert_eq!(*head.borrow_and_update(), journal.head());
    journal.append(sale(1)).await.unwrap();
    journal.put_note("ticket", b"1").await.unwrap();
    assert!(!head.has_changed().unwrap(), "nothing new stands in the journal");
    journal.begin_epoch(NEXT_EPOCH, EpochReason::Rewound).await.unwrap();
    assert_eq!(*head.borrow_and_update(), Position::START);
}

#[tokio::test]
async fn what_was_handed_over_is_committed_although_its_caller_has_gone() {
    let place = Place::new();
    let journal = open(&place);
    // Polled once: the entry is in the writer's queue, and nobody waits for its answer.
    let mut appending = Box::pin(journal.append(sale(1)));
    std::future::poll_fn(|context| {
        let polled = appending.as_mut().poll(context);
        std::task::Poll::Ready(polled.is_ready())
    })
    .await;
    drop(appending);
    drop(journal);
    assert_eq!(place.open().state().head.sequence, Sequence(1));
}

#[tokio::test]
async fn the_file_is_free_once_the_last_clone_is_gone() {
    let place = Place::new();
    let journal = open(&place);
    let clone = journal.clone();
    clone.append(sale(1)).await.unwrap();
    clone.read_after(Sequence::NONE, 10, 1_000).await.unwrap();
    drop(journal);
    assert!(matches!(place.try_open(), Err(OpenError::InUse { .. })));
    drop(clone);
    place.open();
    assert!(!place.log_file().exists(), "the last connection takes the log with it");
}

#[tokio::test]
async fn sync_reads_acknowledges_and_prunes_what_inputs_append() {
    let place = Place::new();
    let journal = open(&place);
    journal.append_all((1..=6).map(sale).collect()).await;
    let batch = journal.read_after(Sequence(1), 3, usize::MAX).await.unwrap();
    let last = batch.last().unwrap();
    assert_eq!(last.sequence, Sequence(4));
    let mut position = Position {
        sequence: Sequence(1),
        chain_hash: journal.chain_hash(Sequence(1)).await.unwrap().unwrap(),
    };
    for stored in &batch {
        position = position.extended(EPOCH, stored.record.as_ref().unwrap());
        assert_eq!(position.chain_hash, stored.chain_hash);
    }
    journal.acknowledge(position, at(0)).await.unwrap();
    assert_eq!(journal.acknowledged(), position);
    let stats = journal.stats().await.unwrap();
    assert_eq!((stats.entries, stats.unsent, stats.pruned), (6, 2, 0));
    assert_eq!((stats.oldest_unsent_at, stats.last_journaled_at), (Some(at(5)), Some(at(6))));
    assert!(stats.file_bytes > 0 && stats.log_bytes > 0);
    assert_eq!(journal.prune(at(1), 100).await.unwrap(), 4);
    let left = journal.read_after(Sequence::NONE, 10, usize::MAX).await.unwrap();
    assert_eq!(left.iter().filter(|stored| stored.record.is_none()).count(), 4);
    let unsent = journal.latest(Filter::Unsent, None, 10).await.unwrap();
    assert_eq!(unsent.len(), 2);
    let found = journal.by_event(event_id(2)).await.unwrap();
    assert!(found[0].acknowledged && found[0].record.is_none());
    assert_eq!(journal.by_natural_key_prefix("0042/2/", 10).await.unwrap().len(), 6);
    let verified = journal.verify(&mut |_| ()).unwrap();
    assert_eq!((verified.entries, verified.records, verified.fault), (6, 2, None));
}

#[tokio::test]
async fn what_sync_and_inputs_remember_survives_a_restart() {
    let place = Place::new();
    let journal = open(&place);
    let cursor = Some(crate::InputCursor { input: "folder".to_owned(), value: b"7".to_vec() });
    journal.append(NewEntry { cursor, ..sale(1) }).await.unwrap();
    journal.put_note("ticket", b"t").await.unwrap();
    journal.record_progress(Vec::new(), 9).await.unwrap();
    drop(journal);
    let journal = open(&place);
    assert_eq!(journal.cursor("folder").await.unwrap().unwrap(), b"7");
    assert_eq!(journal.note("ticket").await.unwrap().unwrap(), b"t");
    assert_eq!(journal.downlink_cursor().await.unwrap(), 9);
    assert_eq!(journal.progress_of(event_id(1)).await.unwrap(), []);
}

#[tokio::test]
async fn a_long_log_is_copied_into_the_file_while_appends_go_on() {
    let place = Place::new();
    let journal = open(&place);
    let full_log = u64::try_from(crate::policy::CHECKPOINT_PAGES * 4_096).unwrap();
    // 1 MiB a group: far more groups than the log has room for.
    for group in 0..200_u128 {
        let entries = (0..100).map(|n| group * 100 + n);
        let entries = entries.map(|n| entry(n, &format!("{n:09}"), &noise(n, 20_000)));
        for outcome in journal.append_all(entries.collect()).await {
            outcome.unwrap();
        }
        if journal.stats().await.unwrap().file_bytes >= full_log {
            return;
        }
    }
    panic!("the log was never copied: {:?}", journal.stats().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_never_ends_keeps_the_log_within_its_bound() {
    let place = Place::new();
    let journal = open(&place);
    journal.append(sale(0)).await.unwrap();
    let stuck = journal.clone();
    let stuck = tokio::spawn(async move {
        let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)
                       SELECT count(*) FROM n, (SELECT 1 FROM entries LIMIT 1)";
        let read = stuck.inner.readers.run("read for ever", |connection| {
            connection.query_row(endless, [], |row| row.get::<_, i64>(0))
        });
        read.await
    });
    let bound = u64::try_from(crate::policy::LOG_BYTES_MAX).unwrap();
    let mut longest = 0;
    for group in 0..2_000_u128 {
        let entries = (1..=50).map(|n| sale(group * 50 + n)).collect();
        for outcome in journal.append_all(entries).await {
            outcome.unwrap();
        }
        longest = longest.max(fs::metadata(place.log_file()).unwrap().len());
    }
    assert!(longest <= bound, "{longest} bytes");
    assert!(longest > bound / 4, "{longest} bytes: nothing held the log");
    assert!(stuck.await.unwrap().is_err(), "it was interrupted");
    assert_eq!(journal.stats().await.unwrap().unsent, 100_001);
}

#[tokio::test]
async fn a_page_that_cannot_be_read_is_told_and_the_next_opening_salvages() {
    let place = Place::new();
    let journal = open(&place);
    for outcome in journal.append_all((1..=300).map(sale).collect()).await {
        outcome.unwrap();
    }
    drop(journal);
    let page: i64 = place
        .raw()
        .query_row(
            "SELECT min(pageno) FROM dbstat WHERE name = 'bodies' AND pagetype = 'leaf'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let mut bytes = fs::read(place.file()).unwrap();
    bytes[usize::try_from(page - 1).unwrap() * 4_096 + 2_000] ^= 1;
    crate::files::replace(&place.file(), &bytes).unwrap();
    let terms = Terms { salvage_at: Some(at(9)), ..Terms::default() };
    let options = Options { new_epoch: NEXT_EPOCH, ..place.options() };
    let journal = Journal::open_under(&options, &terms).unwrap();
    assert!(journal.noticed().is_none(), "nothing has read that page yet");
    assert!(!*journal.damage().borrow());
    assert!(journal.read_after(Sequence::NONE, 300, usize::MAX).await.is_err());
    assert!(*journal.damage().borrow());
    drop(journal);
    let journal = Journal::open_under(&options, &terms).unwrap();
    let incident = journal.noticed().unwrap();
    let lost: u64 = incident.missing.iter().map(crate::Missing::count).sum();
    assert!((1..60).contains(&lost), "{incident:?}");
    assert_eq!(journal.head().sequence, Sequence(300 - lost));
    assert_eq!(journal.missing().await.unwrap(), incident.missing);
}

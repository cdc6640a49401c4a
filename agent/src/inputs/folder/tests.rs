//! Claims about folders, made with real files and a real journal; the decoder reads an event a line.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufRead;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use journal::{DataKey, Journal, Options};
use protocol::bytes::Bytes;
use protocol::envelope::Draft;
use protocol::handshake::EpochReason;
use protocol::id::StoreId;
use protocol::problem::{Code, Problem};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;

use super::lease::TERM;
use super::run::{Progress, Reading};
use super::*;
use crate::config::Config;
use crate::health::{Health, Link};
use crate::inputs::Around;
use crate::inputs::intake::{Intake, Outcome};
use crate::inputs::standing::{Board, InputState};
use crate::seams::Seams;

/// An event a line; `#` is skipped, and `---` is where a file ends that is whole.
struct Lines;

impl Decoder for Lines {
    fn decode(
        &self,
        file: &mut dyn BufRead,
        deliver: &mut dyn FnMut(Document) -> ControlFlow<()>,
    ) -> Result<(), Unreadable> {
        let mut line = 0;
        for text in file.lines().map(Result::unwrap) {
            line += 1;
            let place = Place { line, element: String::new() };
            let content = match text.as_bytes() {
                b"---" => return Ok(()),
                [b'#', ..] => Content::Skipped("a comment".to_owned()),
                json => match Draft::parse(json) {
                    Ok(draft) => Content::Event(Box::new(draft)),
                    Err(error) => Content::Refused(error.problem()),
                },
            };
            if deliver(Document { place, content }).is_break() {
                return Ok(());
            }
        }
        let problem = Problem::new(Code::UnreadableDocument, "the file breaks off");
        Err(Unreadable { place: Place { line, element: "---".to_owned() }, problem })
    }
}

/// A store with a POS that drops files.
struct Store {
    place: TempDir,
    journal: Journal,
    folder: Reading,
    progress: Progress,
    now: Instant,
}

impl Store {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("pos")).unwrap();
        let journal = open(place.path(), 7);
        let folder = folder(place.path(), &journal, "this-host");
        let progress = folder.begin();
        #[expect(clippy::disallowed_methods, reason = "where the test's clock begins")]
        let now = Instant::now();
        Self { place, journal, folder, progress, now }
    }

    fn drop_file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.place.path().join("pos").join(name);
        let mut whole = fs::read_to_string(&path).unwrap_or_default();
        whole.push_str(text);
        crate::files::write_private(&path, whole.as_bytes()).unwrap();
        path
    }

    /// Two looks with the settle time between them.
    async fn look_twice(&mut self) -> InputState {
        for _ in 0..2 {
            self.folder.round(&mut self.progress, self.now).await;
            self.now += Duration::from_secs(2);
        }
        self.state()
    }

    fn state(&self) -> InputState {
        self.folder.around.board.states().remove("tills").unwrap_or_default()
    }

    /// Names below the folder, without the lease.
    fn files(&self) -> Vec<String> {
        let root = self.place.path().join("pos");
        let mut names = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => names.push(path.strip_prefix(&root).unwrap().display().to_string()),
                }
            }
        }
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    }

    async fn entries(&self) -> u64 {
        self.journal.stats().await.unwrap().entries
    }
}

fn open(place: &Path, epoch: u8) -> Journal {
    let options = Options {
        file: place.join("journal.db"),
        key: DataKey::new([1; 32]),
        new_epoch: Bytes([epoch; 16]),
    };
    Journal::open(&options).unwrap()
}

fn folder(place: &Path, journal: &Journal, host: &str) -> Reading {
    let config = Arc::new(Config::for_store(StoreId::new("0042").unwrap()));
    let seams =
        Seams { clock: Arc::new(|| "2026-11-23T17:00:00Z".parse().unwrap()), ..Seams::default() };
    let (_, enrolment) = watch::channel(None);
    let health = Health::new(Link::NoRelay);
    let intake = Intake::new(config, journal.clone(), health, seams.clone(), enrolment);
    Reading {
        config: FolderConfig {
            folder: place.join("pos"),
            files: "*.txt".to_owned(),
            settle_seconds: 2.try_into().unwrap(),
            poll_seconds: 5.try_into().unwrap(),
        },
        decoder: Arc::new(Lines),
        around: Around {
            name: "tills".to_owned(),
            intake: Arc::new(intake),
            journal: journal.clone(),
            board: Board::default(),
            seams,
            holder: format!("holder on {host}"),
            host: host.to_owned(),
        },
    }
}

fn sale_of(receipt: u32, description: &str) -> Value {
    json!({
        "type": "storekeep.transaction.v1",
        "data": {
            "kind": "sale", "store": "0042", "register": "2", "businessDate": "2026-11-23",
            "receipt": receipt.to_string(), "completedAt": "2026-11-23T17:04:11+01:00",
            "currency": "EUR",
            "lines": [{
                "line": 1, "kind": "item", "item": { "sku": "4711", "description": description },
                "quantity": "3", "unitPrice": "1.49", "extended": 447, "total": 447
            }],
            "total": { "amount": 447, "direction": "in" },
            "tenders": [{ "tender": 1, "kind": "cash", "purpose": "payment", "amount": 447 }]
        }
    })
}

fn sale(receipt: u32) -> String {
    format!("{}\n", sale_of(receipt, "Pencil"))
}

fn sales(receipts: impl IntoIterator<Item = u32>) -> String {
    receipts.into_iter().map(sale).collect::<String>() + "---\n"
}

#[tokio::test]
async fn a_complete_file_is_taken_once_and_moves_to_done() {
    let mut store = Store::new();
    store.drop_file("a.txt", &sales(1..=450));
    let state = store.look_twice().await;
    assert_eq!((state.journaled, state.problem), (450, None));
    assert_eq!(store.files(), ["done/2026-11-23/a.txt"]);
    assert_eq!(store.entries().await, 450);
}

#[tokio::test]
async fn a_file_that_is_still_written_is_left_alone_until_it_has_settled() {
    let mut store = Store::new();
    store.drop_file("a.txt", &sale(1));
    store.folder.round(&mut store.progress, store.now).await;
    store.now += Duration::from_secs(1);
    store.drop_file("a.txt", &sale(2));
    store.folder.round(&mut store.progress, store.now).await;
    store.now += Duration::from_secs(1);
    store.folder.round(&mut store.progress, store.now).await;
    assert_eq!(store.entries().await, 0, "two seconds have passed, but not since the change");
    store.drop_file("a.txt", "---\n");
    assert_eq!(store.look_twice().await.journaled, 2);
}

#[tokio::test]
async fn unfinished_names_and_other_kinds_of_file_are_never_read() {
    let mut store = Store::new();
    for name in ["a.txt.tmp", ".a.txt", "a.txt.part", "a.TXT~", "notes.pdf"] {
        store.drop_file(name, &sales([1]));
    }
    store.look_twice().await;
    assert_eq!((store.entries().await, store.files().len()), (0, 4), "one name has a dot in front");
    store.drop_file("B.TXT", &sales([2]));
    assert_eq!(store.look_twice().await.journaled, 1, "names are compared without case");
}

#[tokio::test]
async fn the_same_file_a_renamed_copy_and_a_batch_with_one_more_receipt_double_nothing() {
    let mut store = Store::new();
    store.drop_file("a.txt", &sales(1..=3));
    store.look_twice().await;
    store.drop_file("a.txt", &sales(1..=3));
    store.drop_file("copy of a.txt", &sales(1..=3));
    store.drop_file("b.txt", &sales(1..=4));
    let state = store.look_twice().await;
    assert_eq!((state.journaled, state.replayed, state.conflicts), (4, 9, 0));
    assert_eq!(store.entries().await, 4);
    let done = ["a.txt", "b.txt", "copy of a.txt", "2-a.txt"];
    let done: BTreeMap<_, _> =
        done.iter().map(|name| (format!("done/2026-11-23/{name}"), ())).collect();
    assert_eq!(store.files(), done.into_keys().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_file_that_was_changed_after_it_was_taken_shows_as_a_conflict() {
    let mut store = Store::new();
    store.drop_file("a.txt", &sales([1]));
    store.look_twice().await;
    store.drop_file("a.txt", &format!("{}\n---\n", sale_of(1, "Pen")));
    let state = store.look_twice().await;
    assert_eq!((state.journaled, state.conflicts), (1, 1));
    assert_eq!(store.entries().await, 2, "both are kept");
}

#[tokio::test]
async fn what_is_wrong_is_rejected_with_its_line_and_the_rest_is_taken() {
    let mut store = Store::new();
    let wrong = sale(2).replace(r#""quantity":"3""#, r#""quantity":3.5"#);
    assert_ne!(wrong, sale(2));
    store.drop_file("a.txt", &format!("# header\n{}{wrong}{}---\n", sale(1), sale(3)));
    let state = store.look_twice().await;
    assert_eq!((state.journaled, state.refused, state.rejected_files), (2, 1, 1));
    assert_eq!(store.files(), ["rejected/a.txt", "rejected/a.txt.problem.json"]);
    let said = store.place.path().join("pos/rejected/a.txt.problem.json");
    let said: Value = serde_json::from_str(&fs::read_to_string(said).unwrap()).unwrap();
    assert_eq!(said["refused"][0]["line"], 3);
    assert_eq!(said["refused"][0]["problem"]["code"], "SK0002");
    assert_eq!(said["counts"]["skipped"], 1);
    // Corrected and moved back, nothing of it doubles.
    fs::remove_file(store.place.path().join("pos/rejected/a.txt")).unwrap();
    store.drop_file("a.txt", &sales(1..=3));
    let state = store.look_twice().await;
    assert_eq!((state.journaled, state.replayed), (3, 2));
}

#[tokio::test]
async fn a_refusal_beside_a_file_repeats_no_card_data_of_it() {
    let mut store = Store::new();
    let amount = sale(1).replace(r#""quantity":"3""#, r#""quantity":4111111111111111"#);
    let name = sale(2).replace(r#""quantity""#, r#""4111111111111111""#);
    assert!(amount.contains("4111111111111111") && name.contains("4111111111111111"));
    store.drop_file("a.txt", &format!("{amount}{name}---\n"));
    let state = store.look_twice().await;
    assert_eq!((state.journaled, state.refused), (0, 2));
    let said = store.place.path().join("pos/rejected/a.txt.problem.json");
    let said = fs::read_to_string(said).unwrap();
    assert!(!said.contains("4111111111111111"), "{said}");
    assert!(said.contains("411111******1111"), "{said}");
}

#[tokio::test]
async fn a_file_that_breaks_off_is_rejected_where_it_ends() {
    let mut store = Store::new();
    store.drop_file("a.txt", &sale(1));
    store.look_twice().await;
    let said = store.place.path().join("pos/rejected/a.txt.problem.json");
    let said: Value = serde_json::from_str(&fs::read_to_string(said).unwrap()).unwrap();
    assert_eq!((&said["endedAt"]["line"], &said["endedAt"]["element"]), (&json!(1), &json!("---")));
    assert_eq!(store.entries().await, 1, "what was complete is taken");
}

#[test]
fn what_the_journal_cannot_take_now_is_neither_taken_nor_refused() {
    let problem = Problem::new(Code::DiskReserve, "no room");
    let outcomes = vec![Outcome::Training, Outcome::NotCommitted(problem.clone())];
    let mut report = Report::default();
    let counted = take::count(vec![Place::default(); 2], outcomes, &mut report);
    assert_eq!(counted, Err(problem));
    assert_eq!((report.counts.training, report.is_whole()), (1, true));
}

#[tokio::test]
async fn a_folder_that_is_gone_is_said_and_read_on_when_it_is_back() {
    let mut store = Store::new();
    let pos = store.place.path().join("pos");
    fs::rename(&pos, store.place.path().join("away")).unwrap();
    let state = store.look_twice().await;
    assert_eq!(state.problem.map(|problem| problem.code).as_deref(), Some("SK0081"));
    fs::rename(store.place.path().join("away"), &pos).unwrap();
    store.drop_file("a.txt", &sales([1]));
    let state = store.look_twice().await;
    assert_eq!((state.problem, state.journaled), (None, 1));
}

#[tokio::test]
async fn a_second_agent_takes_nothing_until_the_first_ones_lease_has_ended() {
    let mut store = Store::new();
    store.look_twice().await;
    let other = folder(store.place.path(), &store.journal, "other-host");
    let mut progress = other.begin();
    store.drop_file("a.txt", &sales([1]));
    let mut now = store.now;
    for _ in 0..3 {
        other.round(&mut progress, now).await;
        now += Duration::from_secs(2);
    }
    let problem = other.around.board.states()["tills"].problem.clone().unwrap();
    assert_eq!(problem.code, "SK0082");
    assert!(problem.detail.contains("this-host"), "{}", problem.detail);
    assert_eq!(store.entries().await, 0);
    // The first one is gone; its lease ends by our clock, whatever its text says.
    for wait in [TERM, Duration::from_secs(2)] {
        now += wait;
        other.round(&mut progress, now).await;
    }
    assert_eq!(store.entries().await, 1);
}

#[tokio::test]
async fn a_lease_that_is_given_back_is_free_at_once() {
    let mut store = Store::new();
    store.look_twice().await;
    store.progress.lease.give_back().unwrap();
    let other = folder(store.place.path(), &store.journal, "other-host");
    let mut progress = other.begin();
    other.round(&mut progress, store.now).await;
    assert_eq!(other.around.board.states()["tills"].problem, None);
}

#[tokio::test]
async fn a_new_epoch_reads_what_was_done_again_so_that_a_restored_disk_loses_no_sale() {
    let mut store = Store::new();
    store.drop_file("a.txt", &sales(1..=2));
    store.look_twice().await;
    // The disk is an older one: it knows the folder's note and the first receipt only.
    let older = tempfile::tempdir().unwrap();
    let journal = open(older.path(), 7);
    let note = store.journal.note("inputs/tills/swept").await.unwrap().unwrap();
    journal.put_note("inputs/tills/swept", &note).await.unwrap();
    let mut folder = folder(store.place.path(), &journal, "this-host");
    folder.config.folder = store.place.path().join("pos");
    let mut progress = folder.begin();
    folder.round(&mut progress, store.now).await;
    assert_eq!(journal.stats().await.unwrap().entries, 0, "the same epoch reads nothing again");
    journal.begin_epoch(Bytes([8; 16]), EpochReason::Rewound).await.unwrap();
    folder.round(&mut progress, store.now).await;
    assert_eq!(journal.stats().await.unwrap().entries, 2);
    folder.round(&mut progress, store.now).await;
    let state = folder.around.board.states().remove("tills").unwrap();
    assert_eq!((state.journaled, state.replayed), (2, 0), "it is read again once");
}

#[tokio::test]
async fn card_data_in_a_file_is_masked_and_flagged_and_the_sale_is_kept() {
    let mut store = Store::new();
    let card = sale_of(1, "paid with 4111 1111 1111 1111, thanks");
    store.drop_file("a.txt", &format!("{card}\n---\n"));
    assert_eq!(store.look_twice().await.journaled, 1);
    let found = store.journal.by_natural_key_prefix("transaction/", 2).await.unwrap();
    let record = String::from_utf8(found[0].record.clone().unwrap()).unwrap();
    assert!(record.contains("paid with 411111******1111, thanks"), "{record}");
    assert!(record.contains(r#""at":"data.lines[0].item.description""#), "{record}");
    assert!(!record.contains("4111 1111"), "{record}");
}

#[tokio::test]
async fn the_run_loop_takes_a_file_by_itself_and_stops_when_it_is_told() {
    let store = Store::new();
    let board = store.folder.around.board.clone();
    store.drop_file("a.txt", &sales([1]));
    let (stop, stopped) = watch::channel(false);
    let Store { folder, journal, place, .. } = store;
    let running = tokio::spawn(folder.run(stopped));
    let taken = async {
        while journal.stats().await.unwrap().entries == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), taken).await.unwrap();
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(board.states()["tills"].problem, None);
    assert!(!place.path().join("pos/.storekeep-lease.json").exists());
}

//! What every input with a folder has to hold, whatever its files look like.
//!
//! An input's tests hand in files of theirs; the claims are checked with a real folder and a real
//! journal. Does not check what a format says: the input's own tests do.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use journal::{DataKey, Journal, Options};
use protocol::bytes::Bytes;
use protocol::id::StoreId;
use tokio::sync::watch;

use super::decoder::Decoder;
use super::run::{Progress, Reading};
use super::{Counts, FolderConfig};
use crate::config::Config;
use crate::health::{Health, Link};
use crate::inputs::Around;
use crate::inputs::intake::Intake;
use crate::inputs::standing::Board;
use crate::seams::Seams;

/// The store that the files are of.
pub(in crate::inputs) const STORE: &str = "0042";

/// The card number that stands in [`Case::card`].
pub(in crate::inputs) const CARD: &str = "4111111111111111";

/// An input's files.
pub(in crate::inputs) struct Case {
    pub(in crate::inputs) decoder: Arc<dyn Decoder>,
    /// A file with several receipts that add up, and how many there are.
    pub(in crate::inputs) whole: (Vec<u8>, u64),
    /// The same file with another content in one of them.
    pub(in crate::inputs) changed: Vec<u8>,
    /// One receipt of practice.
    pub(in crate::inputs) practice: Vec<u8>,
    /// One receipt of which nobody can tell whether it is practice.
    pub(in crate::inputs) doubtful: Vec<u8>,
    /// One receipt whose figures do not add up.
    pub(in crate::inputs) unbalanced: Vec<u8>,
    /// One receipt with [`CARD`] in a text, and what stands there once it is masked.
    pub(in crate::inputs) card: (Vec<u8>, &'static str),
}

/// A folder and a journal.
struct Shop {
    place: tempfile::TempDir,
    journal: Journal,
    folder: Reading,
    progress: Progress,
    now: Instant,
}

/// Checks every claim.
pub(in crate::inputs) async fn run(case: &Case) {
    what_stands_twice_is_taken_once(case).await;
    practice_is_counted_and_doubt_is_refused(case).await;
    what_does_not_add_up_is_kept_and_flagged(case).await;
    a_card_number_is_masked_and_the_sale_kept(case).await;
    no_bytes_make_it_fail(case);
}

async fn what_stands_twice_is_taken_once(case: &Case) {
    let mut shop = Shop::open(case);
    let (whole, count) = &case.whole;
    let taken = shop.take("a", whole).await;
    assert_eq!(taken, Counts { journaled: *count, ..Counts::default() }, "{:?}", shop.refused());
    let again = shop.take("b", whole).await;
    assert_eq!(again, Counts { replayed: *count, ..Counts::default() });
    let changed = shop.take("c", &case.changed).await;
    let one = Counts { replayed: count - 1, conflicts: 1, ..Counts::default() };
    assert_eq!(changed, one, "a receipt that was changed afterwards is shown as a conflict");
    assert_eq!(shop.journal.stats().await.unwrap().entries, count + 1, "both are kept");
}

async fn practice_is_counted_and_doubt_is_refused(case: &Case) {
    let mut shop = Shop::open(case);
    let practice = shop.take("a", &case.practice).await;
    assert_eq!(practice, Counts { training: 1, ..Counts::default() });
    let doubtful = shop.take("b", &case.doubtful).await;
    assert_eq!(doubtful, Counts { refused: 1, ..Counts::default() });
    assert_eq!(shop.journal.stats().await.unwrap().entries, 0);
}

async fn what_does_not_add_up_is_kept_and_flagged(case: &Case) {
    let mut shop = Shop::open(case);
    let taken = shop.take("a", &case.unbalanced).await;
    assert_eq!(taken, Counts { journaled: 1, ..Counts::default() }, "{:?}", shop.refused());
    let record = shop.only_record().await;
    assert!(record.contains(r#""balance":["#), "{record}");
}

async fn a_card_number_is_masked_and_the_sale_kept(case: &Case) {
    let mut shop = Shop::open(case);
    let (file, masked) = &case.card;
    let taken = shop.take("a", file).await;
    assert_eq!(taken, Counts { journaled: 1, ..Counts::default() }, "{:?}", shop.refused());
    let record = shop.only_record().await;
    assert!(record.contains(masked) && record.contains(r#""scrubbed":["#), "{record}");
    assert!(!record.contains(CARD), "{record}");
}

/// Files that break off, and files of another kind.
fn no_bytes_make_it_fail(case: &Case) {
    let (whole, _) = &case.whole;
    let step = (whole.len() / 50).max(1);
    for length in (0..whole.len()).step_by(step) {
        read(case, &whole[..length]);
        let mut wrong = whole.clone();
        wrong[length] = wrong[length].wrapping_add(128);
        read(case, &wrong);
    }
    read(case, &[0; 4_096]);
    read(case, &[0xff; 4_096]);
    read(case, &[b'"'; 4_096]);
}

fn read(case: &Case, mut bytes: &[u8]) {
    let mut documents = 0_u64;
    let decoded = case.decoder.decode(&mut bytes, &mut |_| {
        documents += 1;
        ControlFlow::Continue(())
    });
    if let Err(unreadable) = decoded {
        assert!(unreadable.problem.next.is_some(), "{:?} says what to do", unreadable.problem);
    }
}

impl Shop {
    fn open(case: &Case) -> Self {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("pos")).unwrap();
        let journal = journal(place.path());
        let folder = reading(place.path(), &journal, Arc::clone(&case.decoder));
        let progress = folder.begin();
        #[expect(clippy::disallowed_methods, reason = "where the test's clock begins")]
        let now = Instant::now();
        Self { place, journal, folder, progress, now }
    }

    /// Drops a file, looks at the folder twice, and says what became of it.
    async fn take(&mut self, name: &str, bytes: &[u8]) -> Counts {
        let before = self.counts();
        crate::files::write_private(&self.place.path().join("pos").join(name), bytes).unwrap();
        for _ in 0..2 {
            self.folder.round(&mut self.progress, self.now).await;
            self.now += Duration::from_secs(2);
        }
        let after = self.counts();
        Counts {
            journaled: after.journaled - before.journaled,
            replayed: after.replayed - before.replayed,
            conflicts: after.conflicts - before.conflicts,
            training: after.training - before.training,
            refused: after.refused - before.refused,
            skipped: 0,
        }
    }

    fn counts(&self) -> Counts {
        let state = self.folder.around.board.states().remove("pos").unwrap_or_default();
        Counts {
            journaled: state.journaled,
            replayed: state.replayed,
            conflicts: state.conflicts,
            training: state.training,
            refused: state.refused,
            skipped: 0,
        }
    }

    /// Why something was refused, for whoever looks for the fault.
    fn refused(&self) -> Vec<String> {
        let rejected = self.place.path().join("pos/rejected");
        let files = rejected.read_dir().into_iter().flatten().flatten().map(|file| file.path());
        let problems = files.filter(|file| file.extension().is_some_and(|end| end == "json"));
        problems.map(|file| std::fs::read_to_string(file).unwrap()).collect()
    }

    async fn only_record(&self) -> String {
        let found = self.journal.by_natural_key_prefix("transaction/", 2).await.unwrap();
        assert_eq!(found.len(), 1);
        String::from_utf8(found[0].record.clone().unwrap()).unwrap()
    }
}

fn journal(place: &Path) -> Journal {
    let options = Options {
        file: place.join("journal.db"),
        key: DataKey::new([1; 32]),
        new_epoch: Bytes([7; 16]),
    };
    Journal::open(&options).unwrap()
}

fn reading(place: &Path, journal: &Journal, decoder: Arc<dyn Decoder>) -> Reading {
    let config = Arc::new(Config::for_store(StoreId::new(STORE).unwrap()));
    let seams =
        Seams { clock: Arc::new(|| "2026-11-23T17:00:00Z".parse().unwrap()), ..Seams::default() };
    let (_, enrolment) = watch::channel(None);
    let health = Health::new(Link::NoRelay);
    let intake = Intake::new(config, journal.clone(), health, seams.clone(), enrolment);
    Reading {
        config: FolderConfig {
            folder: place.join("pos"),
            files: "*".to_owned(),
            settle_seconds: 2.try_into().unwrap(),
            poll_seconds: 5.try_into().unwrap(),
        },
        decoder,
        around: Around {
            name: "pos".to_owned(),
            intake: Arc::new(intake),
            journal: journal.clone(),
            board: Board::default(),
            seams,
            holder: "this agent".to_owned(),
            host: "this host".to_owned(),
        },
    }
}

//! From a file in the folder to the journal: once, however often it is there.

use std::fs;
use std::path::Path;
use std::time::Duration;

use journal::{DataKey, Journal, Options};
use protocol::bytes::Bytes;
use protocol::id::StoreId;
use tokio::sync::watch;

use super::*;
use crate::config::Config;
use crate::health::{Health, Link};
use crate::inputs::Around;
use crate::inputs::intake::Intake;
use crate::inputs::standing::{Board, InputState};
use crate::seams::Seams;

fn around(place: &Path) -> Around {
    let options = Options {
        file: place.join("journal.db"),
        key: DataKey::new([1; 32]),
        new_epoch: Bytes([7; 16]),
    };
    let journal = Journal::open(&options).unwrap();
    let config = Arc::new(Config::for_store(StoreId::new("0042").unwrap()));
    let clock = || "2026-11-24T17:00:00Z".parse().unwrap();
    let seams = Seams { clock: Arc::new(clock), ..Seams::default() };
    let (_, enrolment) = watch::channel(None);
    let health = Health::new(Link::NoRelay);
    let intake = Intake::new(config, journal.clone(), health, seams.clone(), enrolment);
    Around {
        name: "tills".to_owned(),
        intake: Arc::new(intake),
        journal,
        board: Board::default(),
        seams,
        holder: "this".to_owned(),
        host: "this".to_owned(),
    }
}

/// Waits until the input's state is what is wanted.
async fn until(board: &Board, is_wanted: impl Fn(&InputState) -> bool) -> InputState {
    let waited = async {
        loop {
            match board.states().remove("tills").filter(&is_wanted) {
                Some(state) => return state,
                None => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waited).await.unwrap()
}

#[tokio::test]
async fn a_file_is_journaled_once_and_practice_is_counted_only() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("pos");
    fs::create_dir(&folder).unwrap();
    let table = format!(
        "folder = \"{}\"\nprofile = \"strict\"\nsettle_seconds = 1\npoll_seconds = 1",
        folder.display()
    );
    let input = from_settings(toml::from_str(&table).unwrap()).unwrap();
    let around = around(place.path());
    let (board, journal) = (around.board.clone(), around.journal.clone());
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(input.run(around, stopped));
    crate::files::write_private(&folder.join("a.xml"), STRICT.as_bytes()).unwrap();
    let state = until(&board, |state| state.journaled == 6).await;
    assert_eq!((state.training, state.refused, state.replayed), (1, 0, 0));
    crate::files::write_private(&folder.join("again.xml"), STRICT.as_bytes()).unwrap();
    let state = until(&board, |state| state.replayed == 6).await;
    assert_eq!((state.journaled, state.conflicts), (6, 0));
    assert_eq!(journal.stats().await.unwrap().entries, 6);
    let broken = STRICT.replace("</POSLog>", "");
    crate::files::write_private(&folder.join("broken.xml"), broken.as_bytes()).unwrap();
    until(&board, |state| state.rejected_files == 1).await;
    let problem = folder.join("rejected/broken.xml.problem.json");
    assert!(fs::read_to_string(problem).unwrap().contains("breaks off"));
    stop.send(true).unwrap();
    running.await.unwrap();
}

//! Claims about all inputs together.

use std::sync::Arc;

use journal::{DataKey, Journal, Options};
use protocol::bytes::Bytes;
use tokio::sync::watch;

use super::*;
use crate::config;
use crate::health::{Health, Link};

#[tokio::test]
async fn every_input_of_the_configuration_runs_until_it_is_told_to_stop() {
    let place = tempfile::tempdir().unwrap();
    let text = format!(
        "store = \"0042\"\n[inputs.a]\nkind = \"events\"\nfolder = \"{0}\"\n\
         [inputs.b]\nkind = \"events\"\nfolder = \"{0}/away\"\n",
        place.path().display()
    );
    let config = Arc::new(config::parse(&text).unwrap());
    let journal = Journal::open(&Options {
        file: place.path().join("journal.db"),
        key: DataKey::new([1; 32]),
        new_epoch: Bytes([7; 16]),
    });
    let journal = journal.unwrap();
    let (health, seams) = (Health::new(Link::NoRelay), Seams::default());
    let (_, enrolment) = watch::channel(None);
    let intake =
        Intake::new(Arc::clone(&config), journal.clone(), health, seams.clone(), enrolment);
    let board = Board::default();
    let around = Around {
        name: String::new(),
        intake: Arc::new(intake),
        journal,
        board: board.clone(),
        seams,
        holder: "this".to_owned(),
        host: "this".to_owned(),
    };
    let (stop, stopped) = watch::channel(false);
    let running = start(&config, &around, &stopped).unwrap();
    // One that has no source says so, and holds up nobody.
    let waited = async {
        while board.states()["b"].problem.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), waited).await.unwrap();
    assert_eq!(board.states()["a"].kind, "events");
    stop.send(true).unwrap();
    running.join_all().await;
}

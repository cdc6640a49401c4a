//! Claims about databases: a POS's SQLite file here, servers in [`servers`].

mod files;
#[cfg(all(unix, feature = "database-servers"))]
mod servers;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use journal::{DataKey, Journal, Options};
use protocol::bytes::Bytes;
use protocol::id::StoreId;
use tokio::sync::watch;

use super::config::{Server, Settings};
use super::run::{Polling, Progress};
use super::*;
use crate::config::Config;
use crate::health::{Health, Link};
use crate::inputs::intake::Intake;
use crate::inputs::standing::{Board, InputState};
use crate::seams::Seams;

/// An agent that reads a database.
struct Shop {
    _place: tempfile::TempDir,
    journal: Journal,
    polling: Polling,
    progress: Option<Progress>,
    now: Instant,
}

impl Shop {
    fn new(settings: Settings) -> Self {
        let place = tempfile::tempdir().unwrap();
        let journal = journal(place.path());
        let polling = polling(settings, &journal);
        #[expect(clippy::disallowed_methods, reason = "where the test's clock begins")]
        let now = Instant::now();
        Self { _place: place, journal, polling, progress: None, now }
    }

    /// The agent ends and starts again, with other settings perhaps.
    fn restart(&mut self, settings: Settings) {
        self.polling = polling(settings, &self.journal);
        self.progress = None;
    }

    /// Two looks with the settle time between them.
    async fn look_twice(&mut self) -> InputState {
        for _ in 0..2 {
            self.look().await;
            self.now += Duration::from_secs(5);
        }
        self.state()
    }

    async fn look(&mut self) -> bool {
        self.polling.round(&mut self.progress, self.now).await
    }

    fn state(&self) -> InputState {
        self.polling.around.board.states().remove("pos").unwrap_or_default()
    }

    async fn entries(&self) -> u64 {
        self.journal.stats().await.unwrap().entries
    }

    /// The records of all events, in their order.
    async fn records(&self) -> Vec<String> {
        let found = self.journal.by_natural_key_prefix("transaction/", 1_000).await.unwrap();
        found.into_iter().map(|found| String::from_utf8(found.record.unwrap()).unwrap()).collect()
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

fn polling(settings: Settings, journal: &Journal) -> Polling {
    let config = Arc::new(Config::for_store(StoreId::new("0042").unwrap()));
    let seams =
        Seams { clock: Arc::new(|| "2026-11-23T23:00:00Z".parse().unwrap()), ..Seams::default() };
    let (_, enrolment) = watch::channel(None);
    let health = Health::new(Link::NoRelay);
    let intake = Intake::new(config, journal.clone(), health, seams.clone(), enrolment);
    let pack = pack::load(&settings).unwrap_or_else(|error| panic!("{error}: {}", error.next));
    let source = source::of_settings(&settings).unwrap();
    let around = Around {
        name: "pos".to_owned(),
        intake: Arc::new(intake),
        journal: journal.clone(),
        board: Board::default(),
        seams,
        holder: "this agent".to_owned(),
        host: "this host".to_owned(),
    };
    Polling { settings, pack, source, around }
}

fn settings(server: Server, pack: &str) -> Settings {
    let values = [
        ("store", "0042"),
        ("register", "2"),
        ("currency", "EUR"),
        ("zone", "Europe/Berlin"),
        ("day_begins", "04:00"),
    ];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Settings {
        server,
        pack: pack.to_owned(),
        since: "2026-11-22".parse().unwrap(),
        values: BTreeMap::from(values),
        file: None,
        host: "127.0.0.1".to_owned(),
        port: None,
        database: None,
        user: None,
        password_variable: None,
        password_file: None,
        unencrypted_beyond_this_host: false,
        poll_seconds: 5.try_into().unwrap(),
        settle_seconds: 3.try_into().unwrap(),
    }
}

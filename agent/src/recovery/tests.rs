//! A dead host's disk is read with the recovery key, and with no other.

use std::sync::Arc;

use journal::key::credential::{Credential, DEFAULT_NAME};
use journal::key::recovery::RecoveryTarget;
use protocol::bytes::Bytes;
use protocol::id::EventId;
use protocol::record::Findings;
use ring::rand::SystemRandom;
use serde_json::Value;
use uuid::Uuid;

use super::*;

const SALES: u32 = 2_000;

/// The sales that the relay had.
const RELAYED: u32 = 1_500;

/// A host whose key only its own credential unwraps, and which is dead now.
struct Dead {
    folder: tempfile::TempDir,
}

impl Dead {
    async fn new() -> Self {
        let dead = Self { folder: tempfile::tempdir().unwrap() };
        let random = SystemRandom::new();
        for name in ["recovery", "other"] {
            let private = RecoveryKey::draw(&random).unwrap();
            files::write_private(&dead.path(name), private.as_bytes()).unwrap();
        }
        files::make_private_folder(&dead.path("data")).unwrap();
        dead.begin(true).await;
        dead
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sells, and dies.
    async fn begin(&self, sealed: bool) {
        let random = SystemRandom::new();
        let pair = RecoveryKey::read(&read_bounded(&self.path("recovery")).unwrap()).unwrap();
        let target = RecoveryTarget::read(&pair.public(), pair.signer()).unwrap();
        files::write_private(&self.path(DEFAULT_NAME), &[1; 32]).unwrap();
        let folder = Some(self.folder.path().to_owned());
        let provider = Credential { folder, name: DEFAULT_NAME.to_owned() };
        let (key, file) = (self.path("data/journal.key"), self.path("data/journal.db"));
        let plain = KeyKeeper::plain(key, file.clone());
        let keeper = KeyKeeper { providers: vec![Arc::new(provider)], ..plain };
        let kept = keeper.load_or_create(sealed.then_some(&target), &random).unwrap();
        let options = Options { file, key: kept.key, new_epoch: Bytes([7; 16]) };
        let journal = Journal::open(&options).unwrap();
        let sell = async |numbers: std::ops::RangeInclusive<u32>| {
            for sold in journal.append_all(numbers.map(sale).collect()).await {
                sold.unwrap();
            }
        };
        sell(1..=RELAYED).await;
        journal.acknowledge(journal.head(), jiff::Timestamp::UNIX_EPOCH).await.unwrap();
        sell(RELAYED + 1..=SALES).await;
        drop(journal);
        fs::remove_file(self.path(DEFAULT_NAME)).unwrap();
    }

    fn order(&self) -> Order {
        Order {
            private_key: self.path("recovery"),
            journal: self.path("data"),
            key_file: None,
            export: self.path("found"),
        }
    }

    /// What stands on the disk, to show that reading leaves it as it is.
    fn disk(&self) -> Vec<(std::ffi::OsString, Vec<u8>)> {
        let files = fs::read_dir(self.path("data")).unwrap().map(Result::unwrap);
        let mut files: Vec<_> =
            files.map(|file| (file.file_name(), fs::read(file.path()).unwrap())).collect();
        files.sort();
        files
    }

    fn exported(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("found/entries.ndjson")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn sale(number: u32) -> journal::NewEntry {
    journal::NewEntry {
        event_id: EventId(Uuid::from_u128(number.into())),
        natural_key: format!("receipt/{number:06}"),
        content_hash: Bytes([1; 32]),
        event: format!("{{\"receipt\":\"{number:06}\"}}"),
        findings: Findings::default(),
        journaled_at: jiff::Timestamp::UNIX_EPOCH,
        cursor: None,
        local: None,
    }
}

async fn recovered(order: &Order) -> Result<Report, Problem> {
    recover(order, &Seams::default(), &mut |_, _| {}).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_hosts_disk_is_read_whole_and_says_what_was_not_relayed() {
    let dead = Dead::new().await;
    let before = dead.disk();
    let report = recovered(&dead.order()).await.unwrap();
    assert_eq!(dead.disk(), before, "the disk is only read");
    assert!(report.is_whole() && !report.salvaged, "{report:?}");
    let total = u64::from(SALES);
    assert_eq!((report.entries, report.records), (total, total));
    let (first, last) = (Sequence(u64::from(RELAYED) + 1), Sequence(total));
    assert_eq!(report.unsent, [Range { epoch: Bytes([7; 16]), first, last }]);
    let exported = dead.exported();
    assert_eq!(exported.len(), usize::try_from(SALES).unwrap());
    let record: Value = serde_json::from_str(exported[41]["record"].as_str().unwrap()).unwrap();
    assert_eq!(record["event"]["receipt"], "000042");
    assert!(dead.path("found/report.json").exists());
    assert!(!dead.path("found/working").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_disk_gives_what_can_be_read_and_names_what_cannot() {
    let dead = Dead::new().await;
    let file = dead.path("data/journal.db");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 3 * 4096].fill(0xa5);
    files::write_private(&file, &bytes).unwrap();
    let before = dead.disk();
    let report = recovered(&dead.order()).await.unwrap();
    assert_eq!(dead.disk(), before, "the disk is only read");
    assert!(report.salvaged, "{report:?}");
    let missing = report.verified.missing.map_or(0, u64::from);
    assert!(missing > 0 && !report.is_whole(), "{report:?}");
    assert_eq!(report.verified.entries + missing, u64::from(SALES), "{report:?}");
    assert!(report.records >= report.verified.records, "{report:?}");
    let unsent: u64 = report.unsent.iter().map(|range| range.last.since(range.first) + 1).sum();
    assert!((1..=u64::from(SALES - RELAYED)).contains(&unsent), "{report:?}");
    assert_eq!(dead.exported().len(), usize::try_from(report.entries).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_recovery_key_opens_nothing() {
    let dead = Dead::new().await;
    let order = Order { private_key: dead.path("other"), ..dead.order() };
    let problem = recovered(&order).await.unwrap_err();
    assert_eq!(problem.code, Code::RecoveryKey.number());
    assert!(problem.detail.contains("is sealed to recovery key"), "{problem:?}");
    assert!(!dead.path("found").exists());
    let order = Order { private_key: dead.path("data/journal.key"), ..dead.order() };
    let problem = recovered(&order).await.unwrap_err();
    assert!(problem.detail.contains("not the private half"), "{problem:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_never_sealed_cannot_be_recovered() {
    let dead = Dead::new().await;
    fs::remove_dir_all(dead.path("data")).unwrap();
    files::make_private_folder(&dead.path("data")).unwrap();
    dead.begin(false).await;
    let problem = recovered(&dead.order()).await.unwrap_err();
    assert_eq!(problem.code, Code::RecoveryKey.number());
    assert!(problem.detail.contains("not sealed to any recovery key"), "{problem:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_file_of_another_host_is_told_from_a_wrong_recovery_key() {
    let dead = Dead::new().await;
    let other = Dead::new().await;
    // Both belong to one retailer.
    let private_key = other.path("recovery");
    let key_file = Some(other.path("data/journal.key"));
    let order = Order { private_key, key_file, ..dead.order() };
    let problem = recovered(&order).await.unwrap_err();
    assert_eq!(problem.code, Code::JournalKey.number());
    assert!(problem.detail.contains("belongs to another journal"), "{problem:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_overwritten_and_a_missing_journal_is_named() {
    let dead = Dead::new().await;
    let order = Order { export: dead.path("data"), ..dead.order() };
    let problem = recovered(&order).await.unwrap_err();
    assert!(problem.detail.contains("is there already"), "{problem:?}");
    let order = Order { journal: dead.path("nowhere"), ..dead.order() };
    let problem = recovered(&order).await.unwrap_err();
    assert_eq!(problem.code, Code::NotFound.number());
}

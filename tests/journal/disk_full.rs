//! A disk that fills up while eight callers append.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use journal::{AppendError, DataKey, Journal, NewEntry, Options, Quota, Room, Terms, verify};
use protocol::bytes::Bytes;
use protocol::chain::Sequence;
use protocol::id::EventId;
use protocol::record::Findings;
use tempfile::TempDir;
use tests::needs;
use uuid::Uuid;

const MIB: u64 = 1024 * 1024;
const RESERVE: u64 = 8 * MIB;
const CALLERS: u64 = 8;

/// How long a refusal may take.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);

/// How long a test waits for what comes by itself.
const DEADLINE: Duration = Duration::from_secs(60);

/// A file system of a few MiB, gone when this is dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// None on a host that does not let us mount.
    fn mount() -> Option<Self> {
        let mount = needs::program("mount", "apt-get install mount")?;
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(mount);
        command.args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(folder.path());
        let mounted = command.output().unwrap();
        if !mounted.status.success() {
            needs::host("leave to mount a small file system", "sudo -E cargo xtask test");
            return None;
        }
        Some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills what is left of it.
    fn fill(&self) {
        let mut file = File::create(self.path().join("filling")).unwrap();
        for size in [1 << 20, 1 << 12] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.path().join("filling")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "the small disk stays mounted");
    }
}

fn options(disk: &SmallDisk) -> Options {
    Options {
        file: disk.path().join("journal.db"),
        key: DataKey::new([1; 32]),
        new_epoch: Bytes([7; 16]),
    }
}

fn open(disk: &SmallDisk) -> Journal {
    let quota = Quota { bytes_max: None, reserve_bytes: RESERVE };
    let terms = Terms { salvage_at: Some(at(0)), quota, ..Terms::default() };
    Journal::open_under(&options(disk), &terms).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn sale(caller: u64, number: u64) -> NewEntry {
    let key = format!("0042/{caller}/2026-11-23/{number}");
    // What hardly compresses, so that the disk is full before long.
    let mut noise = caller.wrapping_mul(0x9e37_79b9).wrapping_add(number) | 1;
    let mut text = String::new();
    for _ in 0..200 {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        text.push_str(&format!("{noise:x}"));
    }
    let content_hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    NewEntry {
        event_id: EventId(Uuid::from_u64_pair(caller, number)),
        natural_key: key,
        content_hash: Bytes::from_slice(content_hash.as_ref()).unwrap(),
        event: format!(r#"{{"text":"{text}"}}"#),
        findings: Findings::default(),
        journaled_at: at(0),
        cursor: None,
        local: None,
    }
}

/// What one caller saw.
#[derive(Default)]
struct Seen {
    answered: Vec<u64>,
    refused: u64,
    slowest_refusal: Duration,
}

/// Appends until it is told to stop, and tries again what was refused.
async fn sell(
    journal: Journal,
    caller: u64,
    stop: Arc<AtomicBool>,
    refusals: Arc<AtomicU64>,
) -> Seen {
    let mut seen = Seen::default();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        #[expect(clippy::disallowed_methods, reason = "how long a refusal takes is the claim")]
        let began = Instant::now();
        match journal.append(sale(caller, number)).await {
            Ok(_) => {
                seen.answered.push(number);
                number += 1;
            }
            Err(AppendError::DiskFull(_)) => {
                seen.slowest_refusal = seen.slowest_refusal.max(began.elapsed());
                seen.refused += 1;
                refusals.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
            Err(other) => panic!("caller {caller}, sale {number}: {other}"),
        }
    }
    seen
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_up_refuses_at_once_loses_nothing_and_comes_back_by_itself() {
    let Some(disk) = SmallDisk::mount() else { return };
    let journal = open(&disk);
    assert_eq!(fs::metadata(disk.path().join("journal.db.reserve")).unwrap().len(), RESERVE);
    let (stop, refusals) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (stop, refusals) = (Arc::clone(&stop), Arc::clone(&refusals));
            tokio::spawn(sell(journal.clone(), caller, stop, refusals))
        })
        .collect();
    until("sales are answered", || journal.head().sequence > Sequence(100)).await;
    disk.fill();
    until("callers are refused", || refusals.load(Ordering::Relaxed) > CALLERS * 2).await;
    assert_eq!(journal.room(), Room::DiskFull);

    // What was sold is still acknowledged and pruned on the full disk.
    let head = journal.head();
    journal.acknowledge(head, at(0)).await.unwrap();
    assert!(journal.prune(at(1), 500).await.unwrap() > 0);
    journal.put_note("ticket", b"1").await.unwrap();

    disk.make_room();
    until("sales are taken again by themselves", || journal.head().sequence > head.sequence).await;
    assert_eq!(journal.room(), Room::Enough);
    stop.store(true, Ordering::Relaxed);
    let mut answered = 0;
    for (caller, seen) in (0..).zip(callers) {
        let seen = seen.await.unwrap();
        assert!(seen.slowest_refusal < REFUSED_WITHIN, "{:?}", seen.slowest_refusal);
        for number in &seen.answered {
            let id = EventId(Uuid::from_u64_pair(caller, *number));
            assert_eq!(journal.by_event(id).await.unwrap().len(), 1, "{caller}/{number}");
        }
        answered += seen.answered.len();
    }
    assert_eq!(journal.stats().await.unwrap().entries, u64::try_from(answered).unwrap());
    drop(journal);
    let found = verify(&options(&disk).file, &options(&disk).key, &mut |_| ()).unwrap();
    assert_eq!((found.fault, found.missing), (None, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_opens_on_a_full_disk_and_relays_what_it_holds() {
    let Some(disk) = SmallDisk::mount() else { return };
    let journal = open(&disk);
    for number in 0..50 {
        journal.append(sale(1, number)).await.unwrap();
    }
    drop(journal);
    disk.fill();
    let journal = open(&disk);
    let head = journal.head();
    assert_eq!(head.sequence, Sequence(50));
    journal.acknowledge(head, at(0)).await.unwrap();
    assert_eq!(journal.read_after(Sequence::NONE, 100, usize::MAX).await.unwrap().len(), 50);
    disk.make_room();
    let sells = async {
        while journal.append(sale(1, 50)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, sells).await.expect("sales are taken again");
}

//! Several callers that append at the same time, and a relay that acknowledges and lets prune, with
//! the head copy synced before, as before each upload.
//!
//! Whatever the journal answers is told to the rig after the answer. Does not stop by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use jiff::{SignedDuration, Timestamp};
use journal::{Appended, Journal, NewEntry, Seams};
use protocol::bytes::Bytes;
use protocol::id::EventId;
use protocol::record::Findings;
use ring::digest::{SHA256, digest};
use tokio::task::JoinSet;

use super::natural_key;
use crate::rig::life::Birth;
use crate::rig::plan::Subject;
use crate::rig::report::Said;

/// Callers at the same time: enough that commits are shared.
const CALLERS: u64 = 8;

/// A caller hands over one receipt, the next one two, up to so many.
const BURST_MAX: u64 = 4;

/// Every so many receipts comes a large one.
const LARGE_EVERY: u64 = 40;

/// Characters of a large receipt, which hardly compress.
const LARGE_CHARACTERS: usize = 32 * 1024;

/// Characters of the others at most.
const SMALL_CHARACTERS_MAX: usize = 1_500;

/// Entries that the relay lets pile up before it acknowledges them.
const ACKNOWLEDGED_AT_ONCE: u64 = 64;

/// Bodies that are pruned after each acknowledgement: fewer than were acknowledged, so that some
/// stay.
const PRUNED_AT_ONCE: usize = 48;

/// Appends until the power goes.
pub(crate) async fn live(birth: &Birth) -> Result<()> {
    let answer_before_sync = birth.subject == Subject::JournalUnsynced;
    let seams = Seams { answer_before_sync, ..Seams::default() };
    let journal = super::open(&birth.folder, seams)?;
    let next = Arc::new(AtomicU64::new(birth.from));
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        tasks.spawn(call(journal.clone(), Arc::clone(&next), 1 + caller % BURST_MAX));
    }
    tasks.spawn(acknowledge(journal, now(birth.life)));
    match tasks.join_next().await {
        Some(ended) => ended.context("await a caller")?,
        None => bail!("there was no caller"),
    }
}

/// An hour passes between two lives.
fn now(life: u32) -> Timestamp {
    let since = SignedDuration::from_hours(i64::from(life));
    Timestamp::UNIX_EPOCH.saturating_add(since).expect("a year is far from the end of time")
}

async fn call(journal: Journal, next: Arc<AtomicU64>, burst: u64) -> Result<()> {
    loop {
        let first = next.fetch_add(burst, Ordering::Relaxed);
        let receipts = first..first + burst;
        let entries = receipts.clone().map(entry).collect();
        let outcomes = journal.append_all(entries).await;
        for (receipt, outcome) in receipts.zip(outcomes) {
            let said = match outcome.context("append a receipt")? {
                Appended::New { position } => Said::Appended { receipt, position },
                Appended::Replay { sequence, .. } => Said::Replayed { receipt, sequence },
                Appended::Conflict { .. } => bail!("receipt {receipt} came with other content"),
            };
            said.say().context("tell of a receipt")?;
        }
    }
}

async fn acknowledge(journal: Journal, now: Timestamp) -> Result<()> {
    let mut heads = journal.head_changes();
    loop {
        let mark = journal.acknowledged().sequence;
        let enough = heads.wait_for(|head| head.sequence.since(mark) >= ACKNOWLEDGED_AT_ONCE);
        let head = *enough.await.context("follow the head")?;
        journal.sync_head_copy().await.context("sync the head copy")?;
        journal.acknowledge(head, now).await.context("acknowledge")?;
        Said::Marked { sequence: head.sequence }.say().context("tell of a mark")?;
        // What was acknowledged in this life is too young.
        journal.prune(now, PRUNED_AT_ONCE).await.context("prune")?;
    }
}

/// The same receipt has the same content in every life.
fn entry(receipt: u64) -> NewEntry {
    let characters = match receipt % LARGE_EVERY {
        0 => LARGE_CHARACTERS,
        rest => usize::try_from(rest * 7919).unwrap_or(usize::MAX) % SMALL_CHARACTERS_MAX,
    };
    let event = format!(r#"{{"receipt":{receipt},"content":"{}"}}"#, noise(receipt, characters));
    let hash = digest(&SHA256, event.as_bytes());
    let content_hash = Bytes::from_slice(hash.as_ref()).expect("SHA-256 has 32 bytes");
    let id = u128::from(receipt) | 1 << 127;
    NewEntry {
        event_id: EventId(uuid::Builder::from_u128(id).into_uuid()),
        natural_key: natural_key(receipt),
        content_hash,
        event,
        findings: Findings::default(),
        journaled_at: Timestamp::UNIX_EPOCH,
        cursor: None,
        local: None,
    }
}

/// Text that hardly compresses, different for each receipt.
fn noise(receipt: u64, characters: usize) -> String {
    let blocks = (0_u64..).map(|block| {
        let mut seed = [0; 16];
        seed[..8].copy_from_slice(&receipt.to_be_bytes());
        seed[8..].copy_from_slice(&block.to_be_bytes());
        hex::encode(digest(&SHA256, &seed))
    });
    blocks.take(characters.div_ceil(64)).collect()
}

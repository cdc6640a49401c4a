//! The journal without the agent around it, and an agent's journal filled for what depends on its
//! length.
//!
//! Does not read what it wrote.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use jiff::{SignedDuration, Timestamp};
use journal::key::KeyKeeper;
use journal::{Appended, Journal, NewEntry, Options as Place};
use protocol::bytes::Bytes;
use protocol::envelope::Draft;
use protocol::id::EventId;
use protocol::record::Findings;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::sales::{Which, dealt};
use crate::timing::{latencies, now, rate};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The folder of a journal, begun if there is none
    #[arg(long)]
    folder: PathBuf,
    /// Callers that each wait for their commit
    #[arg(long)]
    callers: usize,
    #[command(flatten)]
    sales: Which,
}

#[derive(Debug, clap::Args)]
pub(crate) struct FillOptions {
    /// The agent's data folder
    #[arg(long)]
    folder: PathBuf,
    /// The file whose first line is the sale that all others are made after
    #[arg(long)]
    sales: PathBuf,
    /// How many entries wait for the relay in the end
    #[arg(long)]
    unsent: u64,
}

/// Entries that are handed over together: the most that share a commit.
const GROUP: u64 = 500;

/// Groups on their way at the same time: one is written while the next ones are made.
const GROUPS_AT_ONCE: u64 = 4;

/// The identity before the first: version 7, so that they ascend as an agent's do.
const FIRST_ID: u128 = 0x0192_f0c1_0000_7000_8000_0000_0000_0000;

fn open(folder: &Path) -> Result<Journal> {
    let (file, random) = (folder.join("journal.db"), SystemRandom::new());
    std::fs::create_dir_all(folder).context("make the journal's folder")?;
    let keeper = KeyKeeper::plain(folder.join("journal.key"), file.clone());
    let key = keeper.load_or_create(None, &random).context("get the key")?.key;
    let mut epoch = [0; 16];
    random.fill(&mut epoch).map_err(|_| anyhow!("draw an epoch"))?;
    Journal::open(&Place { file, key, new_epoch: Bytes(epoch) }).context("open the journal")
}

#[tokio::main]
pub(crate) async fn run(options: &Options) -> Result<Value> {
    let journal = open(&options.folder)?;
    let sales = options.sales.read()?;
    let entries =
        (1..).zip(sales).map(|(number, sale)| entry(number, format!("sale/{number}"), sale));
    let hands = dealt(entries.collect(), options.callers);
    let mut callers = JoinSet::new();
    let begun = now();
    for hand in hands {
        let journal = journal.clone();
        callers.spawn(async move {
            let mut each = Vec::with_capacity(hand.len());
            for entry in hand {
                let begun = now();
                is_new(journal.append(entry).await)?;
                each.push(begun.elapsed());
            }
            anyhow::Ok(each)
        });
    }
    let mut each = Vec::new();
    while let Some(ended) = callers.join_next().await {
        each.extend(ended.context("await a caller")??);
    }
    Ok(latencies(each, begun.elapsed()))
}

#[tokio::main]
pub(crate) async fn fill(options: &FillOptions) -> Result<Value> {
    let journal = open(&options.folder)?;
    let template = Template::read(&options.sales)?;
    let first = journal.head().sequence.0 + 1;
    let last = journal.acknowledged().sequence.0 + options.unsent;
    let begun = now();
    let mut groups = JoinSet::new();
    for from in (first..=last).step_by(usize::try_from(GROUP).context("count")?) {
        if groups.len() >= usize::try_from(GROUPS_AT_ONCE).context("count")? {
            groups.join_next().await.context("await a group")?.context("await a group")??;
        }
        let until = last.min(from + GROUP - 1);
        let entries: Vec<_> =
            (from..=until).map(|number| template.entry(number)).collect::<Result<_>>()?;
        let journal = journal.clone();
        groups.spawn(
            async move { journal.append_all(entries).await.into_iter().try_for_each(is_new) },
        );
    }
    while let Some(ended) = groups.join_next().await {
        ended.context("await a group")??;
    }
    let made = last.saturating_sub(first - 1);
    Ok(rate(usize::try_from(made).context("count")?, begun.elapsed()))
}

fn is_new(appended: Result<Appended, journal::AppendError>) -> Result<()> {
    match appended.context("append a sale")? {
        Appended::New { .. } => Ok(()),
        other => bail!("append a sale: it came out as {other:?}"),
    }
}

/// A small sale, from which others are made by their receipt.
struct Template {
    json: String,
    natural_key: String,
    receipt: String,
    id: String,
}

impl Template {
    fn read(sales: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(sales).context("read the sale")?;
        let first = text.lines().next().context("find the sale")?;
        let draft = Draft::parse(first.as_bytes()).context("understand the sale")?;
        let event = draft.into_event(EventId(Uuid::from_u128(FIRST_ID)));
        let natural_key = event.natural_key();
        let receipt = natural_key.split('/').nth(3).context("find the sale's receipt")?.to_owned();
        Ok(Self { json: event.to_json(), natural_key, receipt, id: event.id.0.to_string() })
    }

    fn entry(&self, number: u64) -> Result<NewEntry> {
        let receipt = format!("f{number:09}");
        let id = Uuid::from_u128(FIRST_ID | u128::from(number));
        let json = self.json.replace(&self.receipt, &receipt).replace(&self.id, &id.to_string());
        let natural_key = self.natural_key.replace(&self.receipt, &receipt);
        let moment = SignedDuration::from_millis(i64::try_from(number).context("tell the time")?);
        let mut made = entry(number, natural_key, json);
        made.event_id = EventId(id);
        made.journaled_at = made.journaled_at.checked_add(moment).context("tell the time")?;
        Ok(made)
    }
}

fn entry(number: u64, natural_key: String, event: String) -> NewEntry {
    let hash = digest(&SHA256, event.as_bytes());
    NewEntry {
        event_id: EventId(Uuid::from_u128(u128::from(number))),
        natural_key,
        content_hash: Bytes::from_slice(hash.as_ref()).expect("SHA-256 has 32 bytes"),
        event,
        findings: Findings::default(),
        journaled_at: Timestamp::constant(1_795_000_000, 0),
        cursor: None,
        local: None,
    }
}

//! B3 and the rest of B6: an agent with ten million entries that wait, beside one with none.
//!
//! The long journal is filled through the journal itself, in full groups of small sales; with a
//! cache folder it is kept, together with the relay that has seen part of it. Only a part is
//! drained here: what memory the drain takes does not depend on its end.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::Bench;
use crate::agent_host::AgentHost;
use crate::figures::{Figures, Verdict};
use crate::options::Budget;
use crate::ratio::Ratio;
use crate::relay_host::RelayHost;
use crate::resident::{forget_peak, peak_kib, resident_kib};
use crate::timing::{median, millis, now};
use tests::network::Mode;

const START_MS_MAX: u64 = 1_000;
const PEAK_KIB_MAX: u64 = 32 * 1024;

/// Entries that are drained while the peak is watched, or half of a shorter journal.
const DRAINED_MAX: u64 = 100_000;

pub(crate) async fn run(bench: &Bench, figures: &mut Figures) -> Result<()> {
    let folder = bench.options.cache.clone().unwrap_or_else(|| bench.folder.join("backlog"));
    let relay = RelayHost::start(bench, &folder.join("relay"), None).await?;
    let label = format!("backlog-{}", relay.line.address().port());
    let way = relay.way_for_agents(bench, &label).await?;
    let mut long = AgentHost::start(bench, &folder.join("agent"), &way).await?;
    long.online().await?;
    relay.line.set_mode(Mode::Cut).await?;
    long.running.kill()?;
    let waiting = bench.options.scale().backlog;
    fill(bench, &long.folder, waiting).await.context("fill the long journal")?;
    let bytes = journal_bytes(&long.folder)?;
    figures.seen(
        "B3",
        format!("a journal with {waiting} waiting"),
        format!("{} MB", bytes / 1_000_000),
    );
    figures.put("b3_waiting", waiting);
    figures.put("b3_journal_bytes", bytes);
    let start_ms = millis(long.start_again().await?);
    if bench.options.wants(Budget::B3) {
        let is_met = Verdict::of(start_ms <= START_MS_MAX);
        let bound = format!("≤ {START_MS_MAX} ms");
        figures.row("B3", "start with them", format!("{start_ms} ms"), bound, is_met);
        figures.put("b3_start_ms", start_ms);
        capture(bench, &mut long, figures).await.context("sell beside a backlog")?;
    }
    if bench.options.wants(Budget::B6) {
        memory(&long, &relay, DRAINED_MAX.min(waiting / 2), figures)
            .await
            .context("drain a part of a backlog")?;
    }
    Ok(())
}

async fn fill(bench: &Bench, folder: &Path, unsent: u64) -> Result<Value> {
    let (sales, folder) = (bench.sales.display().to_string(), folder.display().to_string());
    let unsent = unsent.to_string();
    bench
        .programs
        .probe(["fill", "--folder", &folder, "--sales", &sales, "--unsent", &unsent])
        .await
}

/// Bytes of the journal and its log.
fn journal_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for name in ["journal.db", "journal.db-wal"] {
        let file = folder.join(name);
        if file.exists() {
            bytes += fs::metadata(&file).context("look at the journal")?.len();
        }
    }
    Ok(bytes)
}

async fn capture(bench: &Bench, long: &mut AgentHost, figures: &mut Figures) -> Result<()> {
    let scale = bench.options.scale();
    let mut empty = AgentHost::start(bench, &bench.folder.join("empty"), "").await?;
    let (mut beside_none, mut beside_all) = (Vec::new(), Vec::new());
    for _ in 0..scale.rounds {
        beside_none.push(empty.sell(bench, 1, scale.alone).await?);
        beside_all.push(long.sell(bench, 1, scale.alone).await?);
    }
    let (none, all) = (median(&beside_none, "p99_us")?, median(&beside_all, "p99_us")?);
    let ratio = Ratio::of(all, none);
    let over = format!("{all} µs = {ratio} × that of an empty journal ({none} µs)");
    let is_met = Verdict::of(ratio <= Ratio::hundredths(110));
    figures.row("B3", "one till beside them: p99", over, "≤ 1.10 ×", is_met);
    figures.put("b3_empty_p99_us", none);
    figures.put("b3_p99_us", all);
    figures.put("b3_p99_ratio_to_baseline", ratio);
    Ok(())
}

async fn memory(
    long: &AgentHost,
    relay: &RelayHost,
    drained: u64,
    figures: &mut Figures,
) -> Result<()> {
    let kib = resident_kib(&long.running)?;
    figures.seen("B6", "the agent with them, before the drain: resident", format!("{kib} KiB"));
    forget_peak(&long.running)?;
    let before = relay.head()?;
    relay.line.set_mode(Mode::Open).await?;
    relay.holds_more(before + drained, now()).await?;
    let peak = peak_kib(&long.running)?;
    figures.row(
        "B6",
        "the agent while it drains them: resident at most",
        format!("{peak} KiB"),
        format!("≤ {PEAK_KIB_MAX} KiB"),
        Verdict::of(peak <= PEAK_KIB_MAX),
    );
    figures.put("b6_backlog_resident_kib", kib);
    figures.put("b6_drain_peak_resident_kib", peak);
    Ok(())
}

//! B1 and B2: a sale from the till to the disk, beside what the disk and SQLCipher alone take.
//!
//! Rounds alternate between agent and baseline, so that a machine that slows down slows both.
//! Nothing goes up.

use anyhow::Result;
use serde_json::Value;

use crate::Bench;
use crate::agent_host::AgentHost;
use crate::figures::{Figures, Verdict};
use crate::options::Budget;
use crate::ratio::Ratio;
use crate::timing::median;

/// What the agent may add to the bare insert of one caller, in microseconds.
const ADDED_US_MAX: u64 = 150;

/// Callers at the same time in B2.
const CALLERS: usize = 64;

const HTTP_PER_S: u64 = 20_000;
const JOURNAL_PER_S: u64 = 45_000;

pub(crate) async fn run(bench: &Bench, figures: &mut Figures) -> Result<()> {
    let mut agent = AgentHost::start(bench, &bench.folder.join("capture"), "").await?;
    if bench.options.wants(Budget::B1) {
        alone(bench, &mut agent, figures).await?;
    }
    if bench.options.wants(Budget::B2) {
        together(bench, &mut agent, figures).await?;
    }
    Ok(())
}

async fn alone(bench: &Bench, agent: &mut AgentHost, figures: &mut Figures) -> Result<()> {
    let scale = bench.options.scale();
    let (mut appends, mut inserts, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        appends.push(append(bench, scale.alone).await?);
        inserts.push(insert(bench, &format!("alone-{round}"), 1, scale.alone).await?);
        calls.push(agent.sell(bench, 1, scale.alone).await?);
    }
    let (append, insert) = (median(&appends, "p50_us")?, median(&inserts, "p50_us")?);
    let (insert_p99, p99) = (median(&inserts, "p99_us")?, median(&calls, "p99_us")?);
    let p50 = median(&calls, "p50_us")?;
    let (bound, bound_p99) = (insert + ADDED_US_MAX, insert_p99 * 2);
    figures.seen("B1", "append 1 KiB and sync: p50", format!("{append} µs"));
    figures.seen("B1", "bare SQLCipher insert: p50, p99", format!("{insert} µs, {insert_p99} µs"));
    let over = format!("{p50} µs = {} × bare", Ratio::of(p50, insert));
    let held = format!("≤ {bound} µs (bare + {ADDED_US_MAX})");
    figures.row("B1", "one till over HTTP: p50", over, held, Verdict::of(p50 <= bound));
    let over = format!("{p99} µs = {} × bare", Ratio::of(p99, insert_p99));
    let held = format!("≤ {bound_p99} µs (2 × bare)");
    figures.row("B1", "one till over HTTP: p99", over, held, Verdict::of(p99 <= bound_p99));
    figures.put("b1_append_p50_us", append);
    figures.put("b1_bare_p50_us", insert);
    figures.put("b1_bare_p99_us", insert_p99);
    figures.put("b1_p50_us", p50);
    figures.put("b1_p99_us", p99);
    figures.put("b1_p50_ratio_to_baseline", Ratio::of(p50, insert));
    figures.put("b1_p99_ratio_to_baseline", Ratio::of(p99, insert_p99));
    Ok(())
}

async fn together(bench: &Bench, agent: &mut AgentHost, figures: &mut Figures) -> Result<()> {
    let scale = bench.options.scale();
    let (mut inserts, mut journals, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        inserts.push(insert(bench, &format!("together-{round}"), CALLERS, scale.together).await?);
        journals.push(journal(bench, &format!("journal-{round}"), scale.together).await?);
        calls.push(agent.sell(bench, CALLERS, scale.together).await?);
    }
    let (bare, alone) = (median(&inserts, "per_s")?, median(&journals, "per_s")?);
    let http = median(&calls, "per_s")?;
    let (p50, p99) = (median(&calls, "p50_us")?, median(&calls, "p99_us")?);
    figures.seen("B2", "bare SQLCipher group commit, 64 callers", format!("{bare}/s"));
    let ratio = Ratio::of(alone, bare);
    let is_met = alone >= JOURNAL_PER_S && ratio >= Ratio::hundredths(80);
    let held = format!("≥ {JOURNAL_PER_S}/s, ≥ 0.80 × bare");
    let over = format!("{alone}/s = {ratio} × bare");
    figures.row("B2", "the journal alone, 64 callers", over, held, Verdict::of(is_met));
    let over = format!("{http}/s = {} × bare; p50 {p50} µs, p99 {p99} µs", Ratio::of(http, bare));
    let held = format!("≥ {HTTP_PER_S}/s");
    figures.row("B2", "64 tills over HTTP", over, held, Verdict::of(http >= HTTP_PER_S));
    figures.put("b2_bare_per_s", bare);
    figures.put("b2_journal_per_s", alone);
    figures.put("b2_journal_ratio_to_baseline", ratio);
    figures.put("b2_http_per_s", http);
    figures.put("b2_http_ratio_to_baseline", Ratio::of(http, bare));
    figures.put("b2_http_p50_us", p50);
    figures.put("b2_http_p99_us", p99);
    Ok(())
}

async fn append(bench: &Bench, count: usize) -> Result<Value> {
    let file = bench.folder.join("append").display().to_string();
    let arguments = ["append".into(), "--file".into(), file];
    bench.programs.probe(arguments.into_iter().chain(bench.sales(0, count))).await
}

async fn insert(bench: &Bench, name: &str, callers: usize, count: usize) -> Result<Value> {
    let file = bench.folder.join(format!("{name}.db")).display().to_string();
    let arguments = ["bare".into(), "--encrypted".into(), "--file".into(), file];
    let arguments = arguments.into_iter().chain(["--callers".into(), callers.to_string()]);
    bench.programs.probe(arguments.chain(bench.sales(0, count))).await
}

async fn journal(bench: &Bench, name: &str, count: usize) -> Result<Value> {
    let folder = bench.folder.join(name).display().to_string();
    let arguments = ["journal".into(), "--folder".into(), folder];
    let arguments = arguments.into_iter().chain(["--callers".into(), CALLERS.to_string()]);
    bench.programs.probe(arguments.chain(bench.sales(0, count))).await
}

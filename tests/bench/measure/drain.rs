//! B4 and B5: what an outage left goes up, over HTTPS and through mosquitto, and what that costs
//! on the wire.
//!
//! The line is cut while the tills sell, and opened again. Afterwards the relay's own store is
//! asked what it holds: every receipt once, and planned.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tests::mosquitto::{self, Mosquitto};
use tests::network::{Mode, Proxy};

use crate::Bench;
use crate::agent_host::AgentHost;
use crate::figures::{Figures, Verdict};
use crate::options::Budget;
use crate::ratio::Ratio;
use crate::relay_host::{Held, RelayHost};
use crate::timing::{millis, now, per_second};

const CALLERS: usize = 64;
const HTTPS_PER_S: u64 = 20_000;
const MQTT_PER_S: u64 = 12_000;
const FIRST_MS_MAX: u64 = 1_000;
const BATCHED_BYTES_MAX: u64 = 130;
const SINGLE_BYTES_MAX: u64 = 350;

/// How much of what is drained still waits when the relay crashes.
const CRASH_AT_PART: u64 = 4;

pub(crate) async fn run(bench: &Bench, figures: &mut Figures) -> Result<()> {
    over_https(bench, figures).await.context("drain over HTTPS")?;
    if bench.options.wants(Budget::B4) {
        through_broker(bench, figures).await.context("drain through mosquitto")?;
    }
    Ok(())
}

async fn over_https(bench: &Bench, figures: &mut Figures) -> Result<()> {
    let folder = bench.folder.join("https");
    let mut relay = RelayHost::start(bench, &folder.join("relay"), None).await?;
    let way = relay.way_for_agents(bench, "https").await?;
    let mut agent = AgentHost::start(bench, &folder.join("agent"), &way).await?;
    agent.online().await?;
    let drained = drain(bench, &mut agent, &relay, &relay.line).await?;
    let bytes = relay.line.counts().bytes_up;
    say(figures, "https", HTTPS_PER_S, &drained);
    if bench.options.wants(Budget::B5) {
        let batched = (bytes - drained.bytes_before) / drained.count;
        figures.row(
            "B5",
            "bytes a sale upwards in batches, with HTTP and TLS",
            batched,
            format!("≤ {BATCHED_BYTES_MAX}"),
            Verdict::of(batched <= BATCHED_BYTES_MAX),
        );
        figures.put("b5_batched_bytes", batched);
        singly(bench, &mut agent, &relay, figures).await?;
    }
    if bench.options.wants(Budget::B4) {
        crash(bench, &mut agent, &mut relay, figures).await?;
    }
    Ok(())
}

async fn through_broker(bench: &Bench, figures: &mut Figures) -> Result<()> {
    let Ok(program) = mosquitto::installed() else {
        let next = format!("next: {}", mosquitto::INSTALL);
        figures.row("B4", "drain through mosquitto", next, "", Verdict::NotRun);
        return Ok(());
    };
    let folder = bench.folder.join("mqtt");
    let broker = Mosquitto::with_rules(&program, &folder.join("broker")).await?;
    let relay = RelayHost::start(bench, &folder.join("relay"), Some(broker.address)).await?;
    let line = Proxy::open(broker.address, 1).await.context("lay the line to the broker")?;
    let way = relay.way_for_agents(bench, "mqtt").await?;
    let way = format!("{way}{}", uplink(line.address()));
    let mut agent = AgentHost::start(bench, &folder.join("agent"), &way).await?;
    agent.online().await?;
    let drained = drain(bench, &mut agent, &relay, &line).await?;
    say(figures, "mqtt", MQTT_PER_S, &drained);
    Ok(())
}

fn uplink(broker: SocketAddr) -> String {
    format!("uplinks = [{{ kind = \"mqtt\", url = \"mqtt://{broker}\" }}]\n")
}

/// What came of a drain.
struct Drained {
    count: u64,
    first_ms: u64,
    per_s: u64,
    bytes_before: u64,
    held: Held,
}

async fn drain(
    bench: &Bench,
    agent: &mut AgentHost,
    relay: &RelayHost,
    line: &Proxy,
) -> Result<Drained> {
    let count = bench.options.scale().drained;
    line.set_mode(Mode::Cut).await?;
    agent.sell(bench, CALLERS, count).await?;
    let (before, bytes_before) = (relay.head()?, line.counts().bytes_up);
    line.set_mode(Mode::Open).await?;
    let begun = now();
    let first = relay.holds_more(before, begun).await?;
    agent.relayed().await?;
    let elapsed = begun.elapsed();
    let count = u64::try_from(count).context("count the sales")?;
    Ok(Drained {
        count,
        first_ms: millis(first),
        per_s: per_second(count, elapsed),
        bytes_before,
        held: relay.held()?,
    })
}

fn say(figures: &mut Figures, way: &str, held_to: u64, drained: &Drained) {
    let Drained { count, first_ms, per_s, held, .. } = *drained;
    let ingest = figures.known("b7_sqlite_per_s").unwrap_or_default();
    let ratio = Ratio::of(per_s, ingest);
    let is_met = per_s >= held_to && (way != "https" || ratio >= Ratio::hundredths(50));
    let over = format!("{per_s}/s = {ratio} × B7");
    let bound = match way {
        "https" => format!("≥ {held_to}/s, ≥ 0.50 × B7"),
        _ => format!("≥ {held_to}/s"),
    };
    figures.row("B4", format!("drain of {count} over {way}"), over, bound, Verdict::of(is_met));
    let first = format!("{first_ms} ms");
    let is_met = Verdict::of(first_ms <= FIRST_MS_MAX);
    let what = format!("first batch after the link's return over {way}");
    figures.row("B4", what, first, format!("≤ {FIRST_MS_MAX} ms"), is_met);
    promise(figures, way, count, held);
    figures.put(&format!("b4_{way}_per_s"), per_s);
    figures.put(&format!("b4_{way}_ratio_to_baseline"), ratio);
    figures.put(&format!("b4_{way}_first_ms"), first_ms);
}

/// Every receipt is there once, and planned.
fn promise(figures: &mut Figures, way: &str, sold: u64, held: Held) {
    let lost = sold.saturating_sub(held.receipts.min(held.deliveries));
    let duplicated = held.entries.saturating_sub(held.receipts);
    let over = format!("{lost}, {duplicated}");
    let verdict = Verdict::of_promise(lost == 0 && duplicated == 0);
    figures.row("B4", format!("lost, duplicated over {way}"), over, "0, 0", verdict);
    figures.put(&format!("b4_{way}_lost"), lost);
    figures.put(&format!("b4_{way}_duplicated"), duplicated);
}

/// The relay is killed in the middle of a drain and starts again.
async fn crash(
    bench: &Bench,
    agent: &mut AgentHost,
    relay: &mut RelayHost,
    figures: &mut Figures,
) -> Result<()> {
    let count = bench.options.scale().drained / 2;
    relay.line.set_mode(Mode::Cut).await?;
    agent.sell(bench, CALLERS, count).await?;
    let before = relay.head()?;
    relay.line.set_mode(Mode::Open).await?;
    let part = u64::try_from(count).context("count the sales")? / CRASH_AT_PART;
    relay.holds_more(before + part, now()).await?;
    let listens = relay.crash(bench).await?;
    let first_ms = millis(relay.holds_more(relay.head()?, listens).await?);
    agent.relayed().await?;
    let held = relay.held()?;
    let is_met = Verdict::of(first_ms <= FIRST_MS_MAX);
    let over = format!("{first_ms} ms");
    let bound = format!("≤ {FIRST_MS_MAX} ms");
    figures.row("B4", "first batch after a relay that crashed listens again", over, bound, is_met);
    let sold = agent.status().await?;
    let sold = sold.pointer("/journal/entries").and_then(serde_json::Value::as_u64);
    promise(figures, "https_crash", sold.context("count the agent's entries")?, held);
    figures.put("b4_https_crash_first_ms", first_ms);
    Ok(())
}

/// One sale at a time, each relayed before the next.
async fn singly(
    bench: &Bench,
    agent: &mut AgentHost,
    relay: &RelayHost,
    figures: &mut Figures,
) -> Result<()> {
    let count = bench.options.scale().singly;
    let before = relay.line.counts();
    for _ in 0..count {
        agent.sell(bench, 1, 1).await?;
        agent.relayed().await?;
    }
    let after = relay.line.counts();
    let count = u64::try_from(count).context("count the sales")?;
    let up = (after.bytes_up - before.bytes_up) / count;
    let down = (after.bytes_down - before.bytes_down) / count;
    figures.row(
        "B5",
        "bytes a sale upwards singly, with HTTP and TLS",
        up,
        format!("≤ {SINGLE_BYTES_MAX}"),
        Verdict::of(up <= SINGLE_BYTES_MAX),
    );
    figures.seen("B5", "bytes a sale downwards singly", down);
    figures.put("b5_single_bytes", up);
    figures.put("b5_single_down_bytes", down);
    Ok(())
}

//! B6: what an agent takes that has nothing to do, and how large it is.
//!
//! It is in touch with its relay, which is when it does most while idle.

use std::time::Duration;

use anyhow::Result;
use tests::wait;

use crate::Bench;
use crate::agent_host::{AgentHost, WAIT};
use crate::figures::{Figures, Verdict};
use crate::relay_host::RelayHost;
use crate::resident::{processor_ns, resident_kib};
use crate::timing::now;

const IDLE_KIB_MAX: u64 = 12 * 1024;
const PROGRAM_BYTES_MAX: u64 = 12 * 1024 * 1024;

/// A thousandth of a second in each second, in millionths.
const PROCESSOR_PPM_MAX: u64 = 1_000;

pub(crate) async fn run(bench: &Bench, figures: &mut Figures) -> Result<()> {
    let folder = bench.folder.join("idle");
    let relay = RelayHost::start(bench, &folder.join("relay"), None).await?;
    let way = relay.way_for_agents(bench, "idle").await?;
    let agent = AgentHost::start(bench, &folder.join("agent"), &way).await?;
    agent.online().await?;
    let watched = Duration::from_secs(bench.options.scale().idle_seconds);
    pass(watched / 4).await?;
    let (begun, before) = (now(), processor_ns(&agent.running)?);
    pass(watched).await?;
    let busy = processor_ns(&agent.running)? - before;
    let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    let ppm = busy * 1_000 / micros.max(1);
    let kib = resident_kib(&agent.running)?;
    let bytes = bench.programs.agent_bytes()?;
    figures.row(
        "B6",
        "the agent idle: resident",
        format!("{kib} KiB"),
        format!("≤ {IDLE_KIB_MAX} KiB"),
        Verdict::of(kib <= IDLE_KIB_MAX),
    );
    let percent = format!("{}.{:04} %", ppm / 10_000, ppm % 10_000);
    let is_met = Verdict::of(ppm <= PROCESSOR_PPM_MAX);
    figures.row("B6", "the agent idle: processor", percent, "≤ 0.1 %", is_met);
    figures.row(
        "B6",
        "the agent's program",
        format!("{bytes} bytes"),
        format!("≤ {PROGRAM_BYTES_MAX} bytes"),
        Verdict::of(bytes <= PROGRAM_BYTES_MAX),
    );
    figures.put("b6_idle_resident_kib", kib);
    figures.put("b6_idle_processor_ppm", ppm);
    figures.put("b6_program_bytes", bytes);
    Ok(())
}

/// Waits until so much time is over.
async fn pass(time: Duration) -> Result<()> {
    let begun = now();
    let look = || std::future::ready((begun.elapsed() >= time).then_some(()));
    wait::until("the time of watching to be over", WAIT, look).await
}

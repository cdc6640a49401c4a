//! B7: the relay's ingest, beside the bare inserts of the same store.
//!
//! Batches of 500 from four devices at the same time, and then the same batches again. Two
//! replicas are not measured here: both would share the two cores with the database.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::Value;
use tests::needs::{self, postgres::Cluster};

use crate::Bench;
use crate::figures::{Figures, Verdict};
use crate::ratio::Ratio;
use crate::relay_host::write_configuration;
use crate::timing::figure;

const ROWS: &str = "500";
const DEVICES: &str = "4";

/// What a store is held to.
struct Held {
    name: &'static str,
    per_s: u64,
}

const SQLITE: Held = Held { name: "sqlite", per_s: 30_000 };
const POSTGRES: Held = Held { name: "postgres", per_s: 60_000 };

pub(crate) async fn run(bench: &Bench, figures: &mut Figures) -> Result<()> {
    let count = bench.options.scale().drained;
    let file = bench.folder.join("ingest-bare.db").display().to_string();
    let arguments = ["bare", "--file", &file, "--rows", ROWS].map(str::to_owned);
    let bare = bench.programs.probe(arguments.into_iter().chain(bench.sales(0, count))).await?;
    let ingest = ingest(bench, SQLITE.name, "").await?;
    say(figures, &SQLITE, &bare, &ingest)?;
    postgres(bench, figures).await
}

async fn postgres(bench: &Bench, figures: &mut Figures) -> Result<()> {
    let Some(programs) = needs::postgresql_installed() else {
        let next = format!("next: {}", needs::POSTGRESQL_INSTALL);
        figures.row("B7", "ingest into PostgreSQL", next, "", Verdict::NotRun);
        return Ok(());
    };
    let count = bench.options.scale().drained;
    let cluster = Cluster::of_this_process(&programs)?;
    let url = cluster.database().await.context("make a database")?;
    let arguments = ["bare-postgres", "--url", &url, "--connections", DEVICES, "--rows", ROWS];
    let arguments = arguments.map(str::to_owned).into_iter().chain(bench.sales(0, count));
    let bare = bench.programs.probe(arguments).await?;
    let url = cluster.database().await.context("make a database")?;
    let ingest =
        ingest(bench, POSTGRES.name, &format!("[store]\npostgres = \"{url}\"\n\n")).await?;
    say(figures, &POSTGRES, &bare, &ingest)
}

async fn ingest(bench: &Bench, name: &str, store: &str) -> Result<Value> {
    let folder = bench.folder.join(format!("ingest-{name}"));
    write_configuration(&folder, SocketAddr::from(([127, 0, 0, 1], 0)), None, store)?;
    let config = folder.join("relay.toml").display().to_string();
    let folder = folder.display().to_string();
    let arguments = ["ingest", "--config", &config, "--data-dir", &folder, "--devices", DEVICES];
    let arguments = arguments.into_iter().chain(["--rows", ROWS]).map(str::to_owned);
    let count = bench.options.scale().drained;
    bench.programs.probe(arguments.chain(bench.sales(0, count))).await
}

fn say(figures: &mut Figures, held: &Held, bare: &Value, ingest: &Value) -> Result<()> {
    let Held { name, per_s: held_to } = held;
    let (bare, per_s) = (figure(bare, "per_s")?, figure(ingest, "per_s")?);
    let again = figure(ingest, "duplicates_per_s")?;
    figures.seen("B7", format!("bare inserts into {name}, batches of 500"), format!("{bare}/s"));
    let ratio = Ratio::of(per_s, bare);
    let is_met = per_s >= *held_to && ratio >= Ratio::hundredths(50);
    let over = format!("{per_s}/s = {ratio} × bare");
    let bound = format!("≥ {held_to}/s, ≥ 0.50 × bare");
    figures.row("B7", format!("ingest into {name}"), over, bound, Verdict::of(is_met));
    let of_fresh = Ratio::of(again, per_s);
    let over = format!("{again}/s = {of_fresh} × fresh");
    let is_met = of_fresh >= Ratio::hundredths(300);
    let what = format!("ingest into {name}, all of it known");
    figures.row("B7", what, over, "≥ 3.00 × fresh", Verdict::of(is_met));
    figures.put(&format!("b7_{name}_bare_per_s"), bare);
    figures.put(&format!("b7_{name}_per_s"), per_s);
    figures.put(&format!("b7_{name}_ratio_to_baseline"), ratio);
    figures.put(&format!("b7_{name}_duplicates_per_s"), again);
    figures.put(&format!("b7_{name}_duplicates_ratio_to_fresh"), of_fresh);
    Ok(())
}

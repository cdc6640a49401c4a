//! `migrate`: from a SQLite file to the configured PostgreSQL database.
//!
//! All or nothing; the file is only read and has to be in nobody's use. Changes no configuration
//! and removes nothing.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;

use super::Places;
use crate::config::ConfigError;
use crate::run::{address, open_database};
use crate::store::postgres::WhenEmpty;

/// What is to be carried over.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// The SQLite file. Left out: `store.file`, or `relay.db` in the data folder.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) async fn run(
    command: &Migrate,
    places: &Places,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let (config, data_dir) = (places.read()?, places.data_dir()?);
    let Some(address) = address(&config)? else {
        let next = "name the empty database that is to take everything over";
        return Err(ConfigError::new("is missing", next).of_key("store.postgres").into());
    };
    let file = command.from.clone().unwrap_or_else(|| config.store_file(&data_dir));
    if !file.exists() {
        anyhow::bail!(
            "carry `{}` over: there is no such file (next: name it by --from)",
            file.display()
        );
    }
    let store = open_database(&address, WhenEmpty::Make).await?;
    let carried = store.carry_over(&file, now).await.with_context(|| {
        format!(
            "carry `{}` over; the database is as empty as before (next: mend what is named \
             below and give the command again)",
            file.display()
        )
    })?;
    if command.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&carried)?)?;
        return Ok(());
    }
    for (table, rows) in &carried.tables {
        writeln!(out, "{table:<14} {rows:>12}")?;
    }
    writeln!(
        out,
        "{} entries and {} deliveries stand in the database; every count and all {} chain heads \
         are those of the file",
        carried.rows("inbox"),
        carried.rows("outbox"),
        carried.heads
    )?;
    writeln!(
        out,
        "Next: move `{}` away, so that nobody serves it again, and start the relay",
        file.display()
    )?;
    Ok(())
}

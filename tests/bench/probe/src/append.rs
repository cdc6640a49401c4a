//! The least that durability costs: a record at the end of a file, and the file synced.
//!
//! Does not encrypt and does not number.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::sales::Which;
use crate::timing::{latencies, now};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The file, made anew
    #[arg(long)]
    file: PathBuf,
    #[command(flatten)]
    sales: Which,
}

pub(crate) fn run(options: &Options) -> Result<Value> {
    let sales = options.sales.read()?;
    let mut file = File::create(&options.file).context("make the file")?;
    let mut each = Vec::with_capacity(sales.len());
    let begun = now();
    for sale in &sales {
        let begun = now();
        file.write_all(sale.as_bytes()).context("append")?;
        file.sync_data().context("sync the file")?;
        each.push(begun.elapsed());
    }
    Ok(latencies(each, begun.elapsed()))
}

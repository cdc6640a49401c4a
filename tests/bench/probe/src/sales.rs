//! The sales that the harness has written: one event a line, as a POS sends it.
//!
//! Does not make sales.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Which of the sales.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The file with one sale a line
    #[arg(long)]
    sales: PathBuf,
    /// How many lines were used before
    #[arg(long, default_value_t = 0)]
    skip: usize,
    /// How many to use
    #[arg(long)]
    count: usize,
}

impl Which {
    pub(crate) fn read(&self) -> Result<Vec<String>> {
        read(&self.sales, self.skip, self.count)
    }
}

fn read(file: &Path, skip: usize, count: usize) -> Result<Vec<String>> {
    let what = || format!("read the sales `{}`", file.display());
    let lines = BufReader::new(File::open(file).with_context(what)?).lines();
    let sales: Vec<_> =
        lines.skip(skip).take(count).collect::<Result<_, _>>().with_context(what)?;
    ensure!(sales.len() == count, "find {count} sales behind the first {skip} in the file");
    Ok(sales)
}

/// Deals sales out to so many hands, one after another.
pub(crate) fn dealt<T>(all: Vec<T>, hands: usize) -> Vec<Vec<T>> {
    let mut dealt: Vec<Vec<T>> = (0..hands).map(|_| Vec::new()).collect();
    for (number, one) in all.into_iter().enumerate() {
        dealt[number % hands].push(one);
    }
    dealt
}

//! What is measured, how much of it, and where.
//!
//! Measures nothing.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// A budget of the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum Budget {
    /// One till at a time.
    B1,
    /// 64 tills at the same time.
    B2,
    /// A long journal.
    B3,
    /// The drain after an outage.
    B4,
    /// Bytes on the wire.
    B5,
    /// Memory, processor and size.
    B6,
    /// The relay's ingest.
    B7,
}

/// Measures B1 to B7.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
pub(crate) struct Options {
    /// The folder with the release programs
    #[arg(long)]
    pub(crate) programs: PathBuf,
    /// Only these
    #[arg(long, value_delimiter = ',', ignore_case = true)]
    only: Vec<Budget>,
    /// A tenth of everything, to see that it runs
    #[arg(long)]
    quick: bool,
    /// Measures other brokers as well
    #[arg(long)]
    pub(crate) peers: bool,
    /// Entries that wait in the long journal
    #[arg(long)]
    backlog: Option<u64>,
    /// Keeps the long journal (some 6 GB) in this folder, and uses the one that is there
    #[arg(long)]
    pub(crate) cache: Option<PathBuf>,
    /// Writes the figures to this file as JSON
    #[arg(long)]
    pub(crate) report: Option<PathBuf>,
}

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// Sales that are made up beforehand: the most that one agent is handed.
    pub(crate) sales: usize,
    /// Sales of one till in a round.
    pub(crate) alone: usize,
    /// Sales of 64 tills in a round.
    pub(crate) together: usize,
    /// Rounds, of which the median counts.
    pub(crate) rounds: usize,
    /// Sales that are drained.
    pub(crate) drained: usize,
    /// Sales sent up singly.
    pub(crate) singly: usize,
    /// Entries of the long journal.
    pub(crate) backlog: u64,
    /// Seconds for which an idle agent is watched.
    pub(crate) idle_seconds: u64,
}

impl Options {
    pub(crate) fn wants(&self, budget: Budget) -> bool {
        self.only.is_empty() || self.only.contains(&budget)
    }

    pub(crate) fn scale(&self) -> Scale {
        let full = Scale {
            sales: 180_000,
            alone: 2_000,
            together: 30_000,
            rounds: 5,
            drained: 100_000,
            singly: 100,
            backlog: self.backlog.unwrap_or(10_000_000),
            idle_seconds: 20,
        };
        if !self.quick {
            return full;
        }
        Scale {
            sales: 20_000,
            alone: 400,
            together: 3_000,
            rounds: 3,
            drained: 10_000,
            singly: 20,
            backlog: self.backlog.unwrap_or(100_000),
            idle_seconds: 5,
        }
    }
}

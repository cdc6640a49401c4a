//! `bench-probe`: the parts of the benchmarks that have to be as fast as what they measure.
//!
//! A release program with few dependencies: raw appends, bare databases, the journal alone, the
//! relay's ingest without a socket, callers of an agent's local HTTP and publishers at other brokers. Each command does one
//! thing once and prints its figures as one line of JSON; the harness beside it (`tests/bench`)
//! decides what is run, how often and in which order, and compares. Judges nothing.

#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

mod append;
mod bare;
mod bare_postgres;
mod callers;
mod ingest;
mod journal_alone;
mod peers;
mod sales;
mod timing;

use anyhow::Result;
use clap::Parser;

/// One measurement.
#[derive(Debug, Parser)]
#[command(name = "bench-probe")]
enum Command {
    /// Appends to a file and syncs it, one record at a time
    Append(append::Options),
    /// Inserts into SQLite or SQLCipher and nothing else
    Bare(bare::Options),
    /// Inserts into PostgreSQL and nothing else
    BarePostgres(bare_postgres::Options),
    /// Hands sales to an agent over local HTTP
    Callers(callers::Options),
    /// Hands batches to the relay's ingest, then the same ones again
    Ingest(ingest::Options),
    /// Publishes sales at another broker
    Peer(peers::Options),
    /// Appends sales to a journal
    Journal(journal_alone::Options),
    /// Fills an agent's journal with small sales up to a number
    Fill(journal_alone::FillOptions),
}

fn main() -> Result<()> {
    let figures = match Command::parse() {
        Command::Append(options) => append::run(&options),
        Command::Bare(options) => bare::run(&options),
        Command::BarePostgres(options) => bare_postgres::run(&options),
        Command::Callers(options) => callers::run(&options),
        Command::Ingest(options) => ingest::run(&options),
        Command::Peer(options) => peers::run(&options),
        Command::Journal(options) => journal_alone::run(&options),
        Command::Fill(options) => journal_alone::fill(&options),
    }?;
    println!("{figures}");
    Ok(())
}

//! `cargo demo`, and the programs that it starts again from itself.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tests::demo;
use tests::world::parts::{self, PartCommand};

/// Three simulated stores, a relay, a simulated Shopify and a simulated ERPNext on this machine.
#[derive(Debug, Parser)]
#[command(name = "demo", args_conflicts_with_subcommands = true)]
struct Command {
    #[command(flatten)]
    options: demo::Options,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// One of the demo's own programs.
    #[command(hide = true)]
    Part {
        #[command(subcommand)]
        command: PartCommand,
    },
}

fn main() -> ExitCode {
    let command = Command::parse();
    match command.part {
        Some(Part::Part { command }) => parts::run(command),
        None => demo::start(&command.options),
    }
}

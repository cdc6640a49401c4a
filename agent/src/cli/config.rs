//! `config`: the sample file, the schema, and whether a file can be used.
//!
//! Does not write the file: the sample is printed, and goes where the shell sends it.

use std::io::Write;

use super::Place;
use super::error::{CommandError, Exit};
use crate::config::{sample, schema};

/// What is to be done with the configuration.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print a complete file with every key, its meaning and its default.
    Sample,
    /// Say whether the file can be used, or what is wrong with it and where.
    Check,
    /// Print the JSON Schema of the file.
    Schema,
}

/// Prints what needs no file.
pub(super) fn print(command: &Command, out: &mut dyn Write) -> Result<Exit, CommandError> {
    match command {
        Command::Schema => writeln!(out, "{:#}", schema())?,
        Command::Sample | Command::Check => out.write_all(sample().as_bytes())?,
    }
    Ok(Exit::Done)
}

/// Checks the file. What is wrong is what was asked for, so it is found, not failed.
pub(super) fn check(place: &Place, out: &mut dyn Write) -> Result<Exit, CommandError> {
    match place.config() {
        Ok(config) => {
            let file = place.config_file.display();
            writeln!(out, "`{file}` can be used: store {}", config.store)?;
            Ok(Exit::Done)
        }
        Err(error) => Err(CommandError { exit: Exit::Found, ..error }),
    }
}

//! `input test`: what an input of the configuration would make of a file.
//!
//! Journals nothing, moves nothing and asks nobody, so that a profile or mapping can be tried as
//! often as it takes.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use protocol::problem::{Code, Problem};

use super::Place;
use super::error::{CommandError, Exit};
use crate::config::Config;
use crate::inputs::registry;
use crate::inputs::trial::{Outcome, Tried, trial};

/// What is to be done with an input.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Say what an input would make of a file, document by document.
    Test(Args),
    /// Show what an input has seen and could not read.
    Kept(super::kept::Args),
}

/// What to try.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The input's name in the configuration, as in `[inputs.NAME]`, and a file as the POS writes
    /// it; with `--kind` the file alone.
    #[arg(value_names = ["NAME", "FILE"], num_args = 1..=2, required = true)]
    name_and_file: Vec<String>,
    /// Try a kind of input that the configuration has none of yet.
    #[arg(long)]
    kind: Option<String>,
    /// Try another profile or mapping than that of the configuration.
    #[arg(long)]
    profile: Option<String>,
    /// Print a JSON object a line, with the whole event.
    #[arg(long)]
    json: bool,
}

/// Tries a file.
pub(super) fn run(
    place: &Place,
    args: &Args,
    out: &mut (dyn Write + Send),
) -> Result<Exit, CommandError> {
    let config = Arc::new(place.config()?);
    let (table, file) = what(args, &config)?;
    let built = registry::build(&table).map_err(|error| {
        CommandError::new(Exit::Usage, Code::Configuration, error.reason, error.next)
    })?;
    let decoder = built.input.decoder().ok_or_else(|| {
        let detail = format!("an input of kind `{}` reads no files", built.kind);
        let next = "run the agent and look at `storekeep-agent status`";
        CommandError::new(Exit::Usage, Code::Configuration, detail, next)
    })?;
    let mut shown = Shown::default();
    let mut failed = None;
    let tried = trial(&file, &**decoder, &config, &place.seams, &mut |tried| match shown
        .show(&tried, args.json, out)
    {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    });
    tried.map_err(|error| {
        let detail = format!("`{}` cannot be opened: {error}", file.display());
        CommandError::new(Exit::Usage, Code::SourceUnreachable, detail, "name a file that is there")
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    if !args.json {
        writeln!(
            out,
            "{} events ({} of them do not add up), {} practice, {} skipped, {} refused",
            shown.events, shown.unbalanced, shown.training, shown.skipped, shown.refused
        )?;
    }
    Ok(if shown.refused == 0 { Exit::Done } else { Exit::Found })
}

/// The settings to try, and the file.
fn what(args: &Args, config: &Config) -> Result<(toml::Table, PathBuf), CommandError> {
    let usage = |detail: String, next: String| {
        CommandError::new(Exit::Usage, Code::Configuration, detail, next)
    };
    let (mut table, file) = match (&args.kind, args.name_and_file.as_slice()) {
        (Some(kind), [file]) => {
            let mut table = toml::Table::new();
            table.insert("kind".to_owned(), kind.as_str().into());
            table.insert("folder".to_owned(), ".".into());
            (table, file)
        }
        (None, [name, file]) => (named(name, config)?.clone(), file),
        _ => {
            let next = "name an input and a file, or `--kind` and a file".to_owned();
            return Err(usage("it is not clear which input reads the file".to_owned(), next));
        }
    };
    if let Some(profile) = &args.profile {
        table.insert("profile".to_owned(), profile.as_str().into());
    }
    Ok((table, PathBuf::from(file)))
}

/// The settings of an input of the configuration.
pub(super) fn named<'c>(name: &str, config: &'c Config) -> Result<&'c toml::Table, CommandError> {
    let known = config.inputs.iter().find(|(known, _)| known.to_string() == name);
    known.map(|(_, table)| table).ok_or_else(|| {
        let names: Vec<_> = config.inputs.keys().map(ToString::to_string).collect();
        let detail = format!("there is no `[inputs.{name}]` in the configuration");
        let next = match names.as_slice() {
            [] => "add it; `storekeep-agent config sample` shows each kind".to_owned(),
            names => format!("use one of: {}", names.join(", ")),
        };
        CommandError::new(Exit::Usage, Code::Configuration, detail, next)
    })
}

/// What was shown so far.
#[derive(Debug, Default)]
struct Shown {
    events: u64,
    unbalanced: u64,
    training: u64,
    skipped: u64,
    refused: u64,
}

impl Shown {
    fn show(&mut self, tried: &Tried, json: bool, out: &mut dyn Write) -> std::io::Result<()> {
        let line = tried.place.line;
        let in_words = match &tried.outcome {
            Outcome::Event { natural_key, total, currency, unbalanced, scrubbed, .. } => {
                self.events += 1;
                self.unbalanced += u64::from(!unbalanced.is_empty());
                let total = match (total, currency) {
                    (Some(total), Some(currency)) => format!("  {total} {currency} (minor units)"),
                    _ => String::new(),
                };
                let balance = match unbalanced.as_slice() {
                    [] => String::new(),
                    wrong => format!("  does not add up: {wrong:?}"),
                };
                let places = scrubbed.iter().map(|found| found.at.as_str());
                let cards = match places.collect::<Vec<_>>().as_slice() {
                    [] => String::new(),
                    places => format!("  card data masked in {}", places.join(", ")),
                };
                format!("{natural_key}{total}{balance}{cards}")
            }
            Outcome::Training => {
                self.training += 1;
                "practice; counted only".to_owned()
            }
            Outcome::Skipped { what } => {
                self.skipped += 1;
                format!("skipped: {what}")
            }
            Outcome::Refused { problem } => {
                self.refused += 1;
                refused(&tried.place.element, problem)
            }
        };
        match json {
            true => writeln!(out, "{}", serde_json::to_string(tried).expect("plain data")),
            false => writeln!(out, "line {line}: {in_words}"),
        }?;
        if !json && !tried.not_understood.is_empty() {
            writeln!(out, "    not understood: {}", tried.not_understood.join(", "))?;
        }
        Ok(())
    }
}

fn refused(element: &str, problem: &Problem) -> String {
    let at = if element.is_empty() { String::new() } else { format!(" at {element}") };
    let path = problem.path.as_deref().map(|path| format!(" ({path})")).unwrap_or_default();
    let next = problem.next.as_deref().map(|next| format!("; {next}")).unwrap_or_default();
    format!("refused{at}: {} {}{path}{next}", problem.code, problem.detail)
}

//! `input kept`: what an input has seen and could not read.
//!
//! Asks the running agent, or opens the journal when none runs. Changes nothing.

use std::io::Write;
use std::path::{Path, PathBuf};

use protocol::problem::Code;

use super::Place;
use super::error::{CommandError, Exit};
use super::source::Source;
use crate::config::InputName;
use crate::files;
use crate::inputs::kept::{Kept, KeptList};

/// What to show.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The input's name in the configuration, as in `[inputs.NAME]`.
    name: InputName,
    /// One of them, by its number in the list.
    number: Option<u64>,
    /// Write its first picture to this file (PNG).
    #[arg(long, value_name = "FILE", requires = "number")]
    picture: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Shows what is kept.
pub(super) async fn run(
    place: &Place,
    args: &Args,
    out: &mut (dyn Write + Send),
) -> Result<Exit, CommandError> {
    let config = place.config()?;
    super::input::named(args.name.as_str(), &config)?;
    let source = Source::find(place, &config).await?;
    match args.number {
        None => show_list(&source.kept_list(&args.name).await?, args, out)?,
        Some(number) => {
            let kept = source.kept(&args.name, number).await?;
            if let Some(file) = &args.picture {
                write_picture(&kept, file)?;
            }
            show_one(&kept, args.json, out)?;
        }
    }
    Ok(Exit::Done)
}

fn show_list(list: &KeptList, args: &Args, out: &mut dyn Write) -> std::io::Result<()> {
    if args.json {
        return writeln!(out, "{}", serde_json::to_string_pretty(list).expect("plain data"));
    }
    for head in &list.kept {
        let problem = &head.problem;
        writeln!(
            out,
            "{:>6}  {}  {} {}",
            head.number, head.printed_at, problem.code, problem.detail
        )?;
    }
    match list.kept.last() {
        None => writeln!(out, "nothing is kept"),
        Some(last) => {
            let (name, number) = (&args.name, last.number);
            writeln!(out, "one of them: storekeep-agent input kept {name} {number}")
        }
    }
}

fn show_one(kept: &Kept, json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    if json {
        return writeln!(out, "{}", serde_json::to_string_pretty(kept).expect("plain data"));
    }
    writeln!(out, "{} of {}: {}", kept.number, kept.printed_at, kept.problem)?;
    if kept.is_masked {
        writeln!(out, "card data in it was masked")?;
    }
    for picture in &kept.pictures {
        let is_kept = if picture.png.is_some() { "" } else { ", not kept" };
        writeln!(out, "picture of {} x {} dots{is_kept}", picture.width, picture.height)?;
    }
    for line in &kept.lines {
        writeln!(out, "| {line}")?;
    }
    Ok(())
}

fn write_picture(kept: &Kept, file: &Path) -> Result<(), CommandError> {
    let png = kept.pictures.iter().find_map(|picture| picture.png.as_ref());
    let png = png.and_then(|png| hex::decode(png).ok()).ok_or_else(|| {
        let detail = format!("no picture is kept of number {}", kept.number);
        let next = "set `keep_pictures` where the pictures that are printed hold no card numbers";
        CommandError::new(Exit::Found, Code::NotFound, detail, next)
    })?;
    files::write_private(file, &png).map_err(|error| {
        let detail = format!("write `{}`: {error}", file.display());
        CommandError::new(
            Exit::Usage,
            Code::Configuration,
            detail,
            "name a file that can be written",
        )
    })
}

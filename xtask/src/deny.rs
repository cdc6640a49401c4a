//! `cargo xtask deny`: what `deny.toml` says about the dependencies, checked with cargo-deny.
//!
//! Advisories come from a database that is fetched from outside. Where it cannot be reached, that
//! check is named as not run; it does not fail, because the dependencies did not change by it.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use serde_json::json;

use crate::cargo::{cargo, shown, succeeds};
use crate::outcome::Outcome;

/// The version that is installed and was tried; `deny.toml` is written for it.
const CARGO_DENY_VERSION: &str = "0.20.2";

/// What the command line says.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Installs cargo-deny where it is missing, which compiles it for some minutes
    #[arg(long)]
    install: bool,
}

/// Checks the dependencies; good if nothing is wrong with them.
pub(crate) fn run(root: &Path, options: &Options) -> Result<Outcome> {
    if !is_installed(root)? {
        let mut install = cargo(root);
        install.args(["install", "--locked", "cargo-deny", "--version", CARGO_DENY_VERSION]);
        if !options.install {
            bail!("cargo-deny is not installed: run {}, or give --install", shown(&install));
        }
        if !succeeds(&mut install)? {
            bail!("install cargo-deny with {}", shown(&install));
        }
    }
    let clean = succeeds(check(&mut cargo_deny(root)).args(["bans", "licenses", "sources"]))?;
    let reached = succeeds(quiet(cargo_deny(root).args(["fetch", "db"])))?;
    let safe = if reached {
        succeeds(check(&mut cargo_deny(root)).arg("advisories"))?
    } else {
        println!("not run: advisories: their database cannot be reached");
        true
    };
    let figures = json!({ "clean": clean, "advisories_run": reached, "safe": reached && safe });
    Ok(Outcome { good: clean && safe, figures })
}

fn is_installed(root: &Path) -> Result<bool> {
    succeeds(quiet(cargo(root).args(["deny", "--version"])))
}

fn cargo_deny(root: &Path) -> Command {
    let mut command = cargo(root);
    command.args(["deny", "--locked", "--workspace"]);
    command
}

/// Without the way to each crate, which `cargo tree --invert` shows of the one that matters.
fn check(command: &mut Command) -> &mut Command {
    command.args(["check", "--hide-inclusion-graph"])
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::null()).stderr(Stdio::null())
}

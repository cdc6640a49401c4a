//! `preflight`: whether this host can take the agent.
//!
//! Changes nothing, and finds something if anything does not work.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::open::{look, unseen};
use super::{Cli, Console, say_json};
use crate::platform::{Host, layout};
use crate::preflight::{Check, Relay, Subject, Verdict, check};
use crate::problem::{Exit, SetupError};
use crate::settings::{Known, url_of};

/// What to look for.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The relay's address. Left out: that of the configuration, or none.
    #[arg(long, value_name = "URL")]
    relay: Option<String>,
    /// Certificates (PEM) to trust besides those of the operating system.
    #[arg(long, value_name = "FILE", requires = "relay")]
    ca_file: Option<PathBuf>,
    /// The configuration that the agent is to have. Left out: the installed one, or the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Every check, as JSON.
#[derive(Debug, Serialize)]
struct Report<'a> {
    checks: &'a [Check],
}

/// Looks, and says what was found.
pub(super) fn run(cli: &Cli, args: &Args, console: &mut dyn Console) -> Result<Exit, SetupError> {
    let host = look(cli, None)?;
    let installed = host.real(Path::new(layout::CONFIG));
    let file = args.config.clone().or_else(|| installed.exists().then_some(installed));
    let text = file.as_deref().map(read).transpose()?.unwrap_or_default();
    let mut known = Known::of(&text)?;
    if let Some(relay) = &args.relay {
        known.relay = Some(Relay { url: url_of(relay)?, ca_file: args.ca_file.clone() });
    }
    let checks = checks(&host, &known, proxy_of_the_environment())?;
    match cli.json {
        true => say_json(console, &Report { checks: &checks }),
        false => checks.iter().for_each(|check| console.say(&in_words(check))),
    }
    Ok(if checks.iter().any(Check::is_bad) { Exit::Found } else { Exit::Done })
}

/// Looks at a host that is to have this configuration.
pub(super) fn checks(
    host: &Host,
    known: &Known,
    proxy: Option<String>,
) -> Result<Vec<Check>, SetupError> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the host's clock")]
    let clock = Timestamp::now;
    let is_this_host = host.root == Path::new("/");
    let own_agent_runs = host.is_installed() && host.services.is_active().map_err(unseen)?;
    Ok(check(&Subject {
        root: host.root.clone(),
        processes: is_this_host.then(|| PathBuf::from("/proc")),
        data: host.real(Path::new(layout::DATA)),
        listen: is_this_host.then_some(known.listen),
        own_agent_runs,
        relay: known.relay.clone(),
        proxy,
        clock: &clock,
    }))
}

/// The proxy that the environment names for encrypted connections.
pub(super) fn proxy_of_the_environment() -> Option<String> {
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// One check, for a person.
pub(super) fn in_words(check: &Check) -> String {
    let mark = match check.verdict {
        Verdict::Good => '√',
        Verdict::Notice => '‼',
        Verdict::Bad | Verdict::Blocks => '×',
    };
    let code = check.code.map_or_else(String::new, |code| format!(" [{}]", code.number()));
    let fix = check.fix.as_ref().map_or_else(String::new, |fix| format!("\n  → {fix}"));
    format!("{mark} {}: {}{code}{fix}", check.name, check.found)
}

/// A configuration file.
pub(super) fn read(file: &Path) -> Result<String, SetupError> {
    std::fs::read_to_string(file).map_err(|error| {
        let detail = format!("read the configuration `{}`: {error}", file.display());
        SetupError::usage(detail, "name a file that is there and readable with --config")
    })
}

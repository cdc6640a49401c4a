//! `install` and `upgrade`: brings programs, user, folders, configuration and service onto a host.
//!
//! An enrolment that fails is no failed installation: the agent sells, and `enroll` tries again.

use std::path::{Path, PathBuf};

use super::console::agrees;
use super::open::{Open, open, programs, this_program, unseen};
use super::preflight::{checks, in_words, proxy_of_the_environment, read};
use super::{Cli, Console, Said, enroll, say_json};
use crate::agent::Agent;
use crate::engine::{Report, Seams, carry_out};
use crate::plan::{self, Operation};
use crate::platform::{Host, layout};
use crate::preflight::Check;
use crate::problem::{Code, Exit, SetupError};
use crate::settings::{Known, Settings};

/// How to install.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder with the unpacked programs. Left out: where storekeep-setup stands.
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
    /// The store, as the POS and the relay name it.
    #[arg(long, value_name = "STORE", conflicts_with = "config")]
    store: Option<String>,
    /// The relay's address. Left out: everything stays on this host until it is configured.
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    relay: Option<String>,
    /// Certificates (PEM) to trust besides those of the operating system.
    #[arg(long, value_name = "FILE", requires = "relay")]
    ca_file: Option<PathBuf>,
    /// A complete configuration to begin with, in place of the three above.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The proxy through which the relay is reached.
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// A file with a one-time token: enrol as soon as the agent runs.
    #[arg(long, value_name = "FILE", conflicts_with = "no_start")]
    enrolment_token_file: Option<PathBuf>,
    /// Do not start the service now; it starts when the host boots.
    #[arg(long)]
    no_start: bool,
}

/// How to bring the programs up to date.
#[derive(Debug, clap::Args)]
pub(super) struct Upgrade {
    /// The folder with the unpacked programs. Left out: where storekeep-setup stands.
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
}

/// Installs.
pub(super) fn run(
    cli: &Cli,
    args: &Args,
    console: &mut dyn Console,
    seams: &Seams,
) -> Result<Exit, SetupError> {
    let mut open = open(cli, args.from.as_deref(), console)?;
    let installed = open.host.real(Path::new(layout::CONFIG));
    let version = program(&open.host, args.from.as_deref())?.version()?;
    let (config, text) = match installed.exists() {
        true => (None, read(&installed)?),
        false => {
            let text = first_config(cli, args, console)?;
            (Some(text.clone()), text)
        }
    };
    let known = Known::of(&text)?;
    if config.is_some() {
        program(&open.host, args.from.as_deref())?.check_config(&text)?;
    }
    let proxy = args.proxy.clone().or_else(proxy_of_the_environment);
    let looked = checks(&open.host, &known, proxy)?;
    let mut notes = warn_of(cli, &looked, console)?;
    let source = layout::Source {
        agent: programs(args.from.as_deref())?.join("storekeep-agent"),
        setup: this_program()?,
        config,
        proxy: args.proxy.clone(),
        enable: true,
    };
    let token = token(cli, args, &open.host, &known, console)?;
    let report = converge(&mut open, Operation::Install, &source, !args.no_start, seams)?;
    let mut exit = Exit::Done;
    let mut device = None;
    if let Some(token) = token {
        match open.host.agent().map_err(unseen)?.enroll(&token) {
            Ok(name) => device = Some(name),
            Err(error) => {
                exit = error.exit;
                notes.push(format!("installed and selling, but not enrolled: {error}"));
            }
        }
    }
    if args.store.is_some() && source.config.is_none() {
        notes.push(format!("`{}` was there already and is as it was", layout::CONFIG));
    }
    tell(cli, console, "install", &open, &report, &version, device.as_deref(), &notes);
    Ok(exit)
}

/// Upgrades.
pub(super) fn upgrade(
    cli: &Cli,
    args: &Upgrade,
    console: &mut dyn Console,
    seams: &Seams,
) -> Result<Exit, SetupError> {
    let mut open = open(cli, args.from.as_deref(), console)?;
    if !open.host.is_installed() {
        return Err(not_installed());
    }
    let version = program(&open.host, args.from.as_deref())?.version()?;
    let source = layout::Source {
        agent: programs(args.from.as_deref())?.join("storekeep-agent"),
        setup: this_program()?,
        config: None,
        proxy: None,
        enable: false,
    };
    let report = converge(&mut open, Operation::Upgrade, &source, false, seams)?;
    tell(cli, console, "upgrade", &open, &report, &version, None, &[]);
    Ok(Exit::Done)
}

pub(super) fn not_installed() -> SetupError {
    SetupError::refused(
        Code::NotInstalled,
        "the agent is not installed on this host by storekeep-setup",
        "run `storekeep-setup install`",
    )
}

/// Makes the host as the source wishes.
fn converge(
    open: &mut Open,
    operation: Operation,
    source: &layout::Source,
    start: bool,
    seams: &Seams,
) -> Result<Report, SetupError> {
    let wishes = layout::wishes(source);
    let found = open.host.look(&wishes).map_err(unseen)?;
    let steps = plan::install(&wishes, &found, start);
    carry_out(&open.host, &mut open.record, operation, &steps, seams)
}

/// The program that is to be installed, to be asked by whoever installs.
fn program(host: &Host, from: Option<&Path>) -> Result<Agent, SetupError> {
    let program = programs(from)?.join("storekeep-agent");
    if !program.is_file() {
        return Err(SetupError::refused(
            Code::Program,
            format!("there is no `{}`", program.display()),
            "unpack both programs into one folder, and name it with --from",
        ));
    }
    Ok(Agent { program, runs_as: None, ..host.agent().map_err(unseen)? })
}

/// The configuration of a host that has none.
fn first_config(cli: &Cli, args: &Args, console: &mut dyn Console) -> Result<String, SetupError> {
    if let Some(file) = &args.config {
        return read(file);
    }
    let asks = cli.asks(console);
    let mut answer = |question: &str| asks.then(|| console.ask(question)).flatten();
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    let store = args.store.clone();
    let store =
        store.or_else(|| answer("The store, as the POS and the relay name it:").and_then(filled));
    let store = store.ok_or_else(|| {
        SetupError::usage(
            "a first configuration has to name the store",
            "run `storekeep-setup install --store STORE --relay URL`, or name a file with --config",
        )
    })?;
    let relay = args.relay.clone().or_else(|| {
        answer("The relay's address (empty: sell without one for now):").and_then(filled)
    });
    let settings = Settings { store, relay, ca_file: args.ca_file.clone() };
    Ok(settings.text(layout::LOGS))
}

/// Says what the preflight has found, and refuses where the agent could not run.
fn warn_of(
    cli: &Cli,
    looked: &[Check],
    console: &mut dyn Console,
) -> Result<Vec<String>, SetupError> {
    if let Some(refusal) = looked.iter().find_map(Check::refusal) {
        return Err(refusal);
    }
    let found: Vec<_> = looked.iter().filter(|check| check.is_bad()).map(in_words).collect();
    if !cli.json {
        found.iter().for_each(|line| console.warn(line));
    }
    let is_asked = !found.is_empty() && cli.asks(console);
    if is_asked && !agrees(console, "Install all the same?", true) {
        return Err(SetupError::refused(
            Code::Settings,
            "nothing was installed",
            "mend what the preflight names, and run the command again",
        ));
    }
    Ok(if cli.json { found } else { Vec::new() })
}

/// The token to enrol with once the agent runs; none if it is not to be enrolled now.
fn token(
    cli: &Cli,
    args: &Args,
    host: &Host,
    known: &Known,
    console: &mut dyn Console,
) -> Result<Option<String>, SetupError> {
    let starts = host.services.is_live() && !args.no_start && known.relay.is_some();
    match &args.enrolment_token_file {
        Some(file) if starts => enroll::read_token(file).map(Some),
        Some(_) => Err(SetupError::usage(
            "nothing could be enrolled: no relay is named, or nothing is started here",
            "name a relay with --relay; for an image set relay.enrolment_token_file in a \
             configuration of your own",
        )),
        None if starts && cli.asks(console) => {
            let question = "The one-time token of the relay (empty: enrol later):";
            Ok(console.ask(question).filter(|token| !token.is_empty()))
        }
        None => Ok(None),
    }
}

#[expect(clippy::too_many_arguments, reason = "everything that one message says")]
fn tell(
    cli: &Cli,
    console: &mut dyn Console,
    command: &'static str,
    open: &Open,
    report: &Report,
    version: &str,
    device: Option<&str>,
    notes: &[String],
) {
    if cli.json {
        let (recovered, version) = (open.recovered.as_ref(), Some(version));
        say_json(console, &Said { command, recovered, report, version, device, notes });
        return;
    }
    for note in notes {
        console.warn(note);
    }
    match (report.changed, open.host.services.is_live()) {
        (false, _) => {
            console.say(&format!("version {version} is installed; nothing had to change"));
        }
        (true, true) => {
            console.say(&format!("version {version} is installed ({} steps)", report.steps.len()));
            console.say("next: `storekeep-agent status` says how it is");
        }
        (true, false) => {
            let root = open.host.root.display();
            console.say(&format!("version {version} is installed in `{root}`; it starts at boot"));
        }
    }
    if let Some(device) = device {
        console.say(&format!("this device is enrolled as {device}"));
    }
}

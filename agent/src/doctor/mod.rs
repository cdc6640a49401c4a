//! `doctor`: checks everything that the agent needs, one line each, with the fix.
//!
//! Looks from outside, as the user who asks: files, disk, clock, the way to the relay step by
//! step, and the agent if it runs. Repairs nothing.

mod broker;
mod host;
mod journal;
mod key;
mod relay;
#[cfg(test)]
mod tests;

use std::io::Write;

use serde::Serialize;

use crate::cli::{CommandError, Exit, LocalApi, LocalError, Place, Source};
use crate::config::Config;
use crate::local_api::Status;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works, but someone should look.
    Notice,
    /// It does not work.
    Bad,
}

/// One line of the doctor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do; none if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Check {
    fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Good, found: found.into(), fix: None }
    }

    fn notice(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        let fix = Some(fix.into());
        Self { name, verdict: Verdict::Notice, found: found.into(), fix }
    }

    fn bad(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Bad, ..Self::notice(name, found, fix) }
    }
}

/// Everything that was checked, as JSON.
#[derive(Debug, Serialize)]
struct Report<'a> {
    checks: &'a [Check],
}

/// Checks everything and prints it. Finds something if any check is bad.
///
/// # Errors
/// The output cannot be written.
pub async fn run(
    place: &Place,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<Exit, CommandError> {
    let checks = check(place).await;
    match json {
        true => {
            let report = Report { checks: &checks };
            writeln!(out, "{}", serde_json::to_string(&report).expect("checks are plain data"))?;
        }
        false => {
            for check in &checks {
                say(check, out)?;
            }
        }
    }
    let is_bad = checks.iter().any(|check| check.verdict == Verdict::Bad);
    Ok(if is_bad { Exit::Found } else { Exit::Done })
}

fn say(check: &Check, out: &mut dyn Write) -> std::io::Result<()> {
    let mark = match check.verdict {
        Verdict::Good => '√',
        Verdict::Notice => '‼',
        Verdict::Bad => '×',
    };
    writeln!(out, "{mark} {}: {}", check.name, check.found)?;
    match &check.fix {
        Some(fix) => writeln!(out, "  → {fix}"),
        None => Ok(()),
    }
}

/// Every check, in the order in which things have to be right.
async fn check(place: &Place) -> Vec<Check> {
    let folder = place.host.data_dir.folder();
    let config = match place.config() {
        Ok(config) => config,
        Err(error) => {
            let fix = error.problem.next.unwrap_or_default();
            let found = error.problem.detail;
            return vec![Check::bad("configuration", found, fix), host::data_folder(folder)];
        }
    };
    let file = place.config_file.display();
    let mut checks = vec![
        Check::good("configuration", format!("`{file}`, store {}", config.store)),
        host::data_folder(folder),
    ];
    let agent = running(place, &config).await;
    checks.push(local_api(&config, &agent).await);
    let status = agent.ok().map(|(_, status)| status);
    checks.extend(key::check(place, &config, status.as_ref()));
    let source = Source::find(place, &config).await;
    checks.extend(journal::check(&source, status.as_ref()).await);
    let bytes_a_day = journal::bytes_a_day(&source, status.as_ref()).await;
    checks.push(host::disk(folder, bytes_a_day));
    let kept = relay::kept(place, &source).await;
    let asking = kept.as_ref().map(|(key, enrolment)| broker::Asking {
        place,
        store: &config.store,
        key,
        enrolment,
    });
    let way = relay::check(&config, status.as_ref(), asking.as_ref()).await;
    checks.extend(way.checks);
    checks.push(relay::clock(status.as_ref(), way.relay_time, place.seams.now()));
    let enrolment = kept.as_ref().map(|(_, enrolment)| enrolment);
    checks.push(relay::enrolment(&config, status.as_ref(), enrolment));
    checks
}

/// The running agent and what it says of itself.
async fn running(place: &Place, config: &Config) -> Result<(LocalApi, Status), LocalError> {
    let agent = LocalApi::new(place, config)?;
    let status = agent.get::<Status>("/v1/status").await?;
    Ok((agent, status))
}

/// Whether the POS is answered, and if nobody answers, whether the port is free.
async fn local_api(config: &Config, agent: &Result<(LocalApi, Status), LocalError>) -> Check {
    const NAME: &str = "local API";
    match agent {
        Ok((agent, status)) => {
            let found = format!("the agent answers on {}: {}", agent.address(), status.sentence);
            Check::good(NAME, found)
        }
        Err(LocalError::Failed(error)) => {
            let fix = error.problem.next.clone().unwrap_or_default();
            Check::bad(NAME, error.problem.detail.clone(), fix)
        }
        Err(LocalError::NotRunning) => {
            let address = config.local_api.listen;
            match tokio::net::TcpListener::bind(address).await {
                Ok(_) => Check::notice(
                    NAME,
                    format!("no agent runs; {address} is free"),
                    "start it with `storekeep-agent run`, or its service",
                ),
                Err(error) => Check::bad(
                    NAME,
                    format!("{address} cannot be listened on: {error}"),
                    "end the program that uses it, or choose another local_api.listen",
                ),
            }
        }
    }
}

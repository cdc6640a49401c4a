//! Where a command finds the journal: at the running agent, or in the file when none runs.
//!
//! The file is opened by one process only, so asking the agent goes first. Both say the same.

use std::time::Duration;

use futures_util::StreamExt;
use journal::Journal;
use protocol::id::{EventId, StoreId};
use protocol::problem::{Code, Problem};

use super::Place;
use super::error::{CommandError, Exit};
use super::local::{LocalApi, LocalError};
use crate::config::{Config, InputName};
use crate::inputs::kept::{self, Kept, KeptList};
use crate::local_api::{EventProgress, JournalStatus, ReceiptKey, Status};
use crate::lookup::{
    self, Entry, ExportPage, PAGE_ENTRIES_MAX, Page, Reference, Verified, Verifying, Which,
};
use crate::run::open_existing_journal;

/// For a whole journal: ten million entries take some minutes.
const VERIFY_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Bytes of one line of what verifying says.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// Where the journal is asked.
#[derive(Debug)]
pub(crate) enum Source {
    /// At the running agent.
    Agent(LocalApi),
    /// In the file, which this process has open.
    File {
        /// The journal.
        journal: Journal,
        /// The store of the configuration.
        store: StoreId,
    },
}

impl Source {
    /// Finds the agent, or opens the file.
    pub(crate) async fn find(place: &Place, config: &Config) -> Result<Self, CommandError> {
        match running(place, config).await {
            Ok(agent) => Ok(Self::Agent(agent)),
            Err(LocalError::Failed(error)) => Err(error),
            Err(LocalError::NotRunning) => {
                let journal = open_existing_journal(&place.host, config, &place.seams);
                let journal = journal.map_err(CommandError::refused)?;
                Ok(Self::File { journal, store: config.store.clone() })
            }
        }
    }

    /// The newest entries before a place.
    pub(crate) async fn page(
        &self,
        which: Which,
        before: Option<lookup::Place>,
        count: usize,
    ) -> Result<Page, CommandError> {
        match self {
            Self::Agent(agent) => {
                let which = serde_json::to_value(which).expect("a word");
                let which = which.as_str().unwrap_or_default().to_owned();
                let before = before.map(|place| format!("&before={place}")).unwrap_or_default();
                let path = format!("/v1/journal?which={which}&count={count}{before}");
                agent.get(&path).await.map_err(LocalError::for_command)
            }
            Self::File { journal, .. } => {
                let page = lookup::page(journal, which, before, count).await;
                page.map_err(|error| unreadable(&error))
            }
        }
    }

    /// One entry.
    pub(crate) async fn entry(&self, reference: Reference) -> Result<Entry, CommandError> {
        match self {
            Self::Agent(agent) => {
                let path = format!("/v1/journal/{reference}");
                agent.get(&path).await.map_err(LocalError::for_command)
            }
            Self::File { journal, .. } => {
                let found = lookup::entry(journal, reference).await;
                let found = found.map_err(|error| unreadable(&error))?;
                found.ok_or_else(|| nothing(&format!("no entry {reference} in the journal")))
            }
        }
    }

    /// Everything under a receipt number, oldest first; empty if there is nothing.
    pub(crate) async fn receipt(
        &self,
        receipt: &ReceiptKey,
    ) -> Result<Vec<EventProgress>, CommandError> {
        match self {
            Self::Agent(agent) => {
                let path = format!("/v1/receipts/{}", receipt.path());
                match agent.get::<crate::local_api::ReceiptProgress>(&path).await {
                    Ok(found) => Ok(found.events),
                    Err(error) => none_if_unknown(error),
                }
            }
            Self::File { journal, store } => {
                let found = receipt.find(journal, store).await;
                found.map_err(|error| unreadable(&error))
            }
        }
    }

    /// One event; empty if there is none.
    pub(crate) async fn event(&self, id: EventId) -> Result<Vec<EventProgress>, CommandError> {
        match self {
            Self::Agent(agent) => {
                match agent.get::<EventProgress>(&format!("/v1/events/{id}")).await {
                    Ok(found) => Ok(vec![found]),
                    Err(error) => none_if_unknown(error),
                }
            }
            Self::File { journal, .. } => {
                let found = lookup::entry(journal, Reference::Event(id)).await;
                let found = found.map_err(|error| unreadable(&error))?;
                Ok(found.into_iter().map(|entry| entry.progress).collect())
            }
        }
    }

    /// Entries with their records after a place, oldest first.
    pub(crate) async fn export(
        &self,
        after: Option<lookup::Place>,
    ) -> Result<ExportPage, CommandError> {
        match self {
            Self::Agent(agent) => {
                let after = after.map(|place| format!("?after={place}")).unwrap_or_default();
                let path = format!("/v1/journal/export{after}");
                agent.get(&path).await.map_err(LocalError::for_command)
            }
            Self::File { journal, .. } => {
                lookup::export(journal, after).await.map_err(|error| unreadable(&error))
            }
        }
    }

    /// What is kept of an input.
    pub(crate) async fn kept_list(&self, input: &InputName) -> Result<KeptList, CommandError> {
        match self {
            Self::Agent(agent) => {
                let list = agent.get(&format!("/v1/inputs/{input}/kept")).await;
                list.map_err(LocalError::for_command)
            }
            Self::File { journal, .. } => {
                let list = kept::list(journal, input.as_str()).await;
                list.map_err(CommandError::refused)
            }
        }
    }

    /// One of what is kept of an input.
    pub(crate) async fn kept(&self, input: &InputName, number: u64) -> Result<Kept, CommandError> {
        match self {
            Self::Agent(agent) => {
                let kept = agent.get(&format!("/v1/inputs/{input}/kept/{number}")).await;
                kept.map_err(LocalError::for_command)
            }
            Self::File { journal, .. } => {
                let found = kept::one(journal, input.as_str(), number).await;
                found.map_err(CommandError::refused)?.ok_or_else(|| {
                    let detail = format!("nothing is kept under number {number}");
                    let next =
                        format!("list what is there with `storekeep-agent input kept {input}`");
                    CommandError::new(Exit::Found, Code::NotFound, detail, next)
                })
            }
        }
    }

    /// The journal in figures.
    pub(crate) async fn figures(&self) -> Result<JournalStatus, CommandError> {
        match self {
            Self::Agent(agent) => {
                let status = agent.get::<Status>("/v1/status").await;
                Ok(status.map_err(LocalError::for_command)?.journal)
            }
            Self::File { journal, .. } => {
                JournalStatus::of(journal).await.map_err(|error| unreadable(&error))
            }
        }
    }

    /// Recomputes the chain, and tells how far it is.
    pub(crate) async fn verify(
        &self,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<Verified, CommandError> {
        match self {
            Self::Agent(agent) => verify_at(agent, progress).await,
            Self::File { journal, .. } => {
                let found = tokio::task::block_in_place(|| {
                    journal.verify(&mut |step| progress(step.entries, step.entries_total))
                });
                let found =
                    found.map_err(|error| CommandError::refused(crate::run::refused(&error)));
                found.map(Verified::from)
            }
        }
    }

    /// Which of the two it is, for a person.
    pub(crate) const fn in_words(&self) -> &'static str {
        match self {
            Self::Agent(_) => "the running agent",
            Self::File { .. } => "the file; no agent runs",
        }
    }
}

/// The agent, if it answers.
pub(super) async fn running(place: &Place, config: &Config) -> Result<LocalApi, LocalError> {
    let agent = LocalApi::new(place, config)?;
    agent.get::<serde_json::Value>("/healthz").await?;
    Ok(agent)
}

async fn verify_at(
    agent: &LocalApi,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Verified, CommandError> {
    let response = agent.stream("/v1/journal/verification", VERIFY_TIMEOUT).await;
    let mut chunks = response.map_err(LocalError::for_command)?.bytes_stream();
    let mut waiting = Vec::new();
    while let Some(chunk) = chunks.next().await {
        waiting.extend_from_slice(&chunk.map_err(|error| broke_off(&error.to_string()))?);
        while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
            let rest = waiting.split_off(end + 1);
            let line = std::mem::replace(&mut waiting, rest);
            match serde_json::from_slice(&line).map_err(|error| broke_off(&error.to_string()))? {
                Verifying::Progress { entries, entries_total } => progress(entries, entries_total),
                Verifying::Done(found) => return Ok(found),
                Verifying::Failed { detail } => return Err(broke_off(&detail)),
            }
        }
        if waiting.len() > LINE_BYTES_MAX {
            return Err(broke_off("a line without end"));
        }
    }
    Err(broke_off("the agent stopped meanwhile"))
}

fn broke_off(detail: &str) -> CommandError {
    let next = "run `storekeep-agent journal verify` again";
    let detail = format!("verify the journal: {detail}");
    CommandError::new(Exit::NotReachable, Code::Internal, detail, next)
}

fn none_if_unknown(error: LocalError) -> Result<Vec<EventProgress>, CommandError> {
    match error {
        LocalError::Failed(CommandError { problem, .. })
            if problem.code == Code::NotFound.number() =>
        {
            Ok(Vec::new())
        }
        error => Err(error.for_command()),
    }
}

fn unreadable(error: &journal::ReadError) -> CommandError {
    let detail = format!("{error}: {}", error.source);
    let next = "run `storekeep-agent doctor`, which checks the journal";
    CommandError::new(Exit::Refused, Code::JournalDamaged, detail, next)
}

pub(super) fn nothing(detail: &str) -> CommandError {
    let next =
        format!("list what is there with `storekeep-agent journal ls --count {PAGE_ENTRIES_MAX}`");
    CommandError { exit: Exit::Found, problem: Problem::new(Code::NotFound, detail).next(next) }
}

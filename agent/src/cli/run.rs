//! `run`: the agent itself, with its log, until a signal stops it.
//!
//! Reads the configuration and hands over to `crate::run`; beside it the service manager is told
//! how the agent is.

use std::io::Write;

use protocol::id::StoreId;
use tokio::sync::watch;

use super::Place;
use super::error::{CommandError, Exit};
use crate::run::{Phase, Ready};
use crate::service::Manager;
use crate::{log, run};

/// Runs until SIGTERM or SIGINT (on Windows: Ctrl-C).
pub(super) async fn run(place: &Place, out: &mut (dyn Write + Send)) -> Result<Exit, CommandError> {
    let config = place.config()?;
    let failed = |error: anyhow::Error| CommandError::of_run(&error);
    let _log = log::start(&config.log, &place.host.data_dir.logs(&config)).map_err(failed)?;
    let stopped = stop_signal().map_err(|error| failed(error.into()))?;
    let manager = Manager::of_this_process();
    let stopped = Box::pin(async {
        stopped.await;
        manager.stopping();
    });
    let (phase, phases) = watch::channel(Phase::Opening);
    let (host, seams) = (place.host.clone(), place.seams.clone());
    let agent = run::run(config.clone(), host, seams, phase, stopped);
    let mut told = Ok(());
    let beside = async {
        let say = async { told = tell_when_ready(&config.store, phases.clone(), out).await };
        let ((), never) = tokio::join!(say, manager.tend(place, &config, phases.clone()));
        never
    };
    let ended = tokio::select! {
        ended = agent => ended,
        never = beside => match never {},
    };
    if let Err(error) = &ended {
        tracing::error!(error = format!("{error:#}"), "the agent stops");
    }
    ended.map_err(failed)?;
    told?;
    Ok(Exit::Done)
}

/// Says where sales are taken, for whoever started it by hand, as soon as they are.
async fn tell_when_ready(
    store: &StoreId,
    mut phases: watch::Receiver<Phase>,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let ready = match phases.wait_for(|phase| matches!(phase, Phase::TakesSales(_))).await {
        Ok(phase) => match &*phase {
            Phase::TakesSales(ready) => ready.clone(),
            Phase::Opening => return Ok(()),
        },
        // It ended before it was ready, and says why itself.
        Err(_) => return Ok(()),
    };
    tell(store, &ready, out)
}

fn tell(store: &StoreId, ready: &Ready, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "The agent of store {store} takes sales on http://{}", ready.local_api)?;
    if let Some(file) = &ready.token_file {
        writeln!(out, "The POS sends the token in {}", file.display())?;
    }
    out.flush()
}

#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(Box::pin(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("the agent is told to stop (SIGTERM)"),
            _ = interrupt.recv() => tracing::info!("the agent is told to stop (SIGINT)"),
        }
    }))
}

#[cfg(windows)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(Box::pin(async move {
        if interrupt.recv().await.is_some() {
            tracing::info!("the agent is told to stop (Ctrl-C)");
        }
    }))
}

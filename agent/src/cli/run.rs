//! `run`: the agent itself, with its log, until a signal stops it.
//!
//! Reads the configuration and hands over to `crate::run`.

use tokio::sync::oneshot;

use super::Place;
use super::error::{CommandError, Exit};
use crate::{log, run};

/// Runs until SIGTERM or SIGINT (on Windows: Ctrl-C).
pub(super) async fn run(place: &Place) -> Result<Exit, CommandError> {
    let config = place.config()?;
    let failed = |error: anyhow::Error| CommandError::of_run(&error);
    let _log = log::start(&config.log, &place.host.data_dir.logs(&config)).map_err(failed)?;
    let stopped = stop_signal().map_err(|error| failed(error.into()))?;
    let (ready, _) = oneshot::channel();
    let ended = run::run(config, place.host.clone(), place.seams.clone(), ready, stopped).await;
    if let Err(error) = &ended {
        tracing::error!(error = format!("{error:#}"), "the agent stops");
    }
    ended.map(|()| Exit::Done).map_err(failed)
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

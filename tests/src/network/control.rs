//! The network's mode for another process: a small HTTP endpoint on a loopback port.
//!
//! `GET /` answers the mode and the counts, `PUT /` with a mode switches it, as in
//! `{"mode": "delay", "fixed_ms": 200, "jitter_ms": 50}`. For tests and demonstrations on one
//! machine only: whoever reaches the port may use it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Counts, Mode, Proxy};

/// What `GET /` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The mode in force.
    pub mode: Mode,
    /// What the network did so far.
    pub counts: Counts,
}

/// The endpoint. Dropping it ends it.
#[derive(Debug)]
pub struct Control {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Control {
    /// Opens the endpoint of a network.
    ///
    /// # Errors
    /// No port is left.
    pub async fn open(network: Arc<Proxy>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("open a port for the network's control")?;
        let address = listener.local_addr().context("read the port of the network's control")?;
        let router = Router::new().route("/", get(show).put(switch)).with_state(network);
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!("the network's control ended: {error}");
            }
        });
        Ok(Self { address, serving })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn show(State(network): State<Arc<Proxy>>) -> Json<View> {
    Json(View { mode: network.mode(), counts: network.counts() })
}

async fn switch(
    State(network): State<Arc<Proxy>>,
    Json(mode): Json<Mode>,
) -> Result<Json<View>, (StatusCode, String)> {
    let outcome = network.set_mode(mode).await;
    outcome.map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}")))?;
    Ok(show(State(network)).await)
}

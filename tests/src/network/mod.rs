//! The network between two programs, as bad as a test wants it: a TCP proxy before one address.
//!
//! It listens on a loopback port of its own and its mode can be switched while it runs, through
//! the [`Proxy`] or, from another process, through [`control`]. It moves bytes: replaying a
//! request and dropping an answer need plain HTTP/1.1, the other modes carry anything. Does not
//! reorder packets (TCP would hide it) and does not judge what it carries.

mod carry;
pub mod control;
mod request;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Connections that wait to be accepted: more than any scenario has stores.
const BACKLOG: u32 = 4_096;

/// What the network does to what it carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Mode {
    /// Carries everything at once.
    #[default]
    Open,
    /// Resets what is connected and refuses what connects.
    Cut,
    /// Accepts and swallows; nothing comes out at either end. When the mode ends, connections
    /// that stood in it are reset, because their bytes are gone.
    HalfOpen,
    /// Each piece waits, so that throughput falls with latency as on a slow link.
    Delay {
        /// Milliseconds that every piece waits.
        fixed_ms: u64,
        /// Milliseconds up to which it waits longer, by chance.
        jitter_ms: u64,
    },
    /// A narrow link; each direction of each connection has this much.
    Slow {
        /// Bytes a second.
        bytes_per_second: u32,
    },
    /// Each complete HTTP request goes to the server a second time, on a connection of its own;
    /// the second answer is dropped.
    Duplicate,
    /// Requests pass; at the first byte of an answer the connection is reset.
    DropAnswers,
}

/// What the network did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Connections accepted.
    pub connections: u64,
    /// Connections reset, by the network or because the server could not be reached.
    pub resets: u64,
    /// Bytes carried to the server.
    pub bytes_up: u64,
    /// Bytes carried to the client.
    pub bytes_down: u64,
    /// Bytes that came in and never went out.
    pub bytes_swallowed: u64,
    /// Complete HTTP requests carried.
    pub requests: u64,
    /// Requests that the server answered a second time.
    pub requests_duplicated: u64,
    /// Requests that should have been repeated and could not be: too large, framed in chunks, or
    /// the server did not answer.
    pub requests_not_duplicated: u64,
    /// Answers dropped.
    pub answers_dropped: u64,
}

/// A network before one address. Dropping it ends it and resets what it carries.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    orders: mpsc::Sender<Order>,
    listening: JoinHandle<()>,
}

/// A mode that is to be in force, and whom to tell when it is.
type Order = (Mode, oneshot::Sender<Result<()>>);

/// What the connections share.
#[derive(Debug)]
struct State {
    upstream: SocketAddr,
    force: watch::Sender<Force>,
    counts: Mutex<Counts>,
    chance: Mutex<StdRng>,
}

/// What is in force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Force {
    mode: Mode,
    /// How often connections were broken so far. One lives as long as this stands, so that even
    /// the shortest cut breaks it.
    breaks: u64,
}

impl Force {
    /// A cut breaks connections when it begins, a half-open network when it ends.
    fn switch(&mut self, mode: Mode) {
        if mode == Mode::Cut || (self.mode == Mode::HalfOpen && mode != Mode::HalfOpen) {
            self.breaks += 1;
        }
        self.mode = mode;
    }
}

impl State {
    fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn mode(&self) -> Mode {
        self.force.borrow().mode
    }
}

impl Proxy {
    /// Opens a network before `upstream`, which need not listen yet. `seed` decides the jitter.
    ///
    /// # Errors
    /// No port is left.
    pub async fn open(upstream: SocketAddr, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("open a port for the network")?;
        let address = listener.local_addr().context("read the port of the network")?;
        let state = Arc::new(State {
            upstream,
            force: watch::Sender::new(Force::default()),
            counts: Mutex::new(Counts::default()),
            chance: Mutex::new(StdRng::seed_from_u64(seed)),
        });
        // One order at a time: each is answered before the next can be given.
        let (orders, received) = mpsc::channel(1);
        let listening = tokio::spawn(listen(listener, address, Arc::clone(&state), received));
        Ok(Self { address, state, orders, listening })
    }

    /// Where it listens, for the client's configuration.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Switches the mode; it is in force when this returns.
    ///
    /// # Errors
    /// The port cannot be listened on again after a cut.
    pub async fn set_mode(&self, mode: Mode) -> Result<()> {
        order(&self.orders, mode).await
    }

    /// The mode in force.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.state.mode()
    }

    /// What it did so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *self.state.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
        self.state.force.send_modify(|force| force.switch(Mode::Cut));
    }
}

async fn order(orders: &mpsc::Sender<Order>, mode: Mode) -> Result<()> {
    let (done, answer) = oneshot::channel();
    orders.send((mode, done)).await.context("reach the network, which has ended")?;
    answer.await.context("hear from the network, which has ended")?
}

/// The port: listened on, or held so that nobody else takes it and every connect is refused.
enum Port {
    Listening(TcpListener),
    Held(TcpSocket),
}

/// The run loop: accepts connections and follows orders until the proxy is dropped.
async fn listen(
    listener: TcpListener,
    address: SocketAddr,
    state: Arc<State>,
    mut orders: mpsc::Receiver<Order>,
) {
    let mut port = Port::Listening(listener);
    loop {
        let ordered = match &port {
            Port::Listening(listener) => tokio::select! {
                // An order comes first, so that nothing is accepted under the old mode after it.
                biased;
                ordered = orders.recv() => ordered,
                accepted = listener.accept() => {
                    begin(accepted, &state);
                    continue;
                }
            },
            Port::Held(_) => orders.recv().await,
        };
        let Some((mode, done)) = ordered else { return };
        let (next, outcome) = switch(port, mode, address);
        if outcome.is_ok() {
            state.force.send_modify(|force| force.switch(mode));
        }
        let Some(next) = next else {
            report(done, outcome);
            return;
        };
        port = next;
        report(done, outcome);
    }
}

/// Sets a task to carry a connection that was accepted, as long as none is broken.
fn begin(accepted: io::Result<(TcpStream, SocketAddr)>, state: &Arc<State>) {
    match accepted {
        Ok((client, _)) => {
            let force = *state.force.borrow();
            drop(tokio::spawn(carry::carry(client, Arc::clone(state), force)));
        }
        Err(error) => tracing::warn!("a connection broke while it was accepted: {error}"),
    }
}

fn report(done: oneshot::Sender<Result<()>>, outcome: Result<()>) {
    if done.send(outcome).is_err() {
        tracing::debug!("whoever switched the network's mode did not wait for it");
    }
}

/// Brings the port into the state that the mode needs; without a port the network has ended.
fn switch(port: Port, mode: Mode, address: SocketAddr) -> (Option<Port>, Result<()>) {
    let changed = match (port, mode) {
        (Port::Listening(listener), Mode::Cut) => {
            drop(listener);
            hold(address).map(Port::Held)
        }
        (Port::Held(socket), Mode::Cut) => Ok(Port::Held(socket)),
        (Port::Held(socket), _) => {
            socket.listen(BACKLOG).map(Port::Listening).context("listen on the network's port")
        }
        (Port::Listening(listener), _) => Ok(Port::Listening(listener)),
    };
    match changed {
        Ok(port) => (Some(port), Ok(())),
        Err(error) => (None, Err(error)),
    }
}

/// Binds without listening: the kernel refuses every connect, and the port stays ours.
fn hold(address: SocketAddr) -> Result<TcpSocket> {
    let socket = TcpSocket::new_v4().context("make a socket for the network")?;
    socket.set_reuseaddr(true).context("make the network's port reusable")?;
    socket.bind(address).with_context(|| format!("hold the network's port {address}"))?;
    Ok(socket)
}

#[cfg(test)]
mod tests;

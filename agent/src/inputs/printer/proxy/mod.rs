//! The proxy: stands between POS and printer, forwards every byte at once and reads along.
//!
//! Printing never waits for anything of ours: what was forwarded is handed on through bounded
//! queues that are never waited for ([`tap`]), and what finds no room there is counted, shown and
//! gone ([`losses`]). Reading and journaling ([`take`]) run in tasks of their own. While the agent
//! does not run, nothing listens here, and the POS has to print past it: the handbook says how.

mod forward;
mod losses;
mod take;
mod tap;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use protocol::problem::{Code, Problem};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::losses::Losses;
use self::tap::{Queue, Tap};
use super::Receipts;
use super::config::ProxyConfig;
use crate::inputs::folder::Decoder;
use crate::inputs::{Around, Input};

/// Connections that are read along at a time. A printer serves one; further ones are forwarded
/// all the same, and what they print is counted as not captured.
const CONNECTIONS_READ_MAX: usize = 16;

/// How long a printer may take to answer a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long until an address that could not be listened on is tried again.
const LISTEN_AGAIN: Duration = Duration::from_secs(5);

/// How long receipts may take to the printer, and then into the journal, when the agent stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// An input that forwards to a printer.
pub(super) struct Proxy {
    config: ProxyConfig,
    receipts: Arc<Receipts>,
    decoder: Arc<dyn Decoder>,
    keep_pictures: bool,
}

impl Proxy {
    pub(super) fn new(config: ProxyConfig, receipts: Arc<Receipts>, keep_pictures: bool) -> Self {
        let decoder: Arc<dyn Decoder> = Arc::<Receipts>::clone(&receipts);
        Self { config, receipts, decoder, keep_pictures }
    }

    /// Forwards and reads until it is told to stop.
    async fn serve(self, listener: TcpListener, around: Around, mut stop: watch::Receiver<bool>) {
        let losses = Arc::new(Losses::default());
        let (queue, waiting) = tap::queue(Arc::clone(&losses), around.seams.clone());
        let taker = take::Taker {
            receipts: Arc::clone(&self.receipts),
            around: around.clone(),
            losses: Arc::clone(&losses),
            keep_pictures: self.keep_pictures,
        };
        let mut taking = tokio::spawn(taker.run(waiting));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                () = is_set(&mut stop) => break,
            };
            match accepted {
                Ok((client, _)) => {
                    let tap = self.tap(&queue, connections.len());
                    connections.spawn(connection(
                        client,
                        self.config.printer.clone(),
                        tap,
                        around.clone(),
                        Arc::clone(&losses),
                    ));
                }
                Err(error) => {
                    tracing::warn!(input = %around.name, %error, "a connection was not accepted");
                }
            }
        }
        // Receipts under way are printed to their end; one that stands still is cut off.
        let printed = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_TIMEOUT, printed).await.is_err() {
            connections.shutdown().await;
        }
        drop(queue);
        if tokio::time::timeout(DRAIN_TIMEOUT, &mut taking).await.is_err() {
            taking.abort();
            tracing::error!(
                input = %around.name,
                "receipts that were printed could not be journaled before the agent stopped"
            );
        }
    }

    /// What reads a connection along; one that reads nothing beyond the bound.
    fn tap(&self, queue: &Queue, connections: usize) -> Tap {
        if connections >= CONNECTIONS_READ_MAX {
            return Tap::blind(queue.losses());
        }
        let idle = Duration::from_secs(u64::from(self.config.idle_seconds.get()));
        let (tap, tapped) = Tap::new(queue.losses());
        tokio::spawn(tap::read(tapped, self.receipts.reader(), queue.clone(), idle));
        tap
    }
}

#[async_trait]
impl Input for Proxy {
    fn decoder(&self) -> Option<&Arc<dyn Decoder>> {
        Some(&self.decoder)
    }

    fn can_rewind(&self) -> bool {
        false
    }

    async fn run(self: Box<Self>, around: Around, mut stop: watch::Receiver<bool>) {
        loop {
            match TcpListener::bind(self.config.listen).await {
                Ok(listener) => {
                    around.board.well(&around.name);
                    return self.serve(listener, around, stop).await;
                }
                Err(error) => {
                    let problem = cannot_listen(&self.config, &error);
                    if around.board.trouble(&around.name, &problem) {
                        tracing::error!(input = %around.name, "{}", problem.detail);
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LISTEN_AGAIN) => {}
                () = is_set(&mut stop) => return,
            }
        }
    }
}

/// One connection of the POS.
async fn connection(
    client: TcpStream,
    printer: String,
    mut tap: Tap,
    around: Around,
    losses: Arc<Losses>,
) {
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(&printer)).await;
    let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let forwarded = match connected {
        // The POS is hung up on, as by a printer that is away, and says so to the cashier.
        Err(error) => {
            drop(client);
            return say(&around, &unreachable(&printer, &error));
        }
        Ok(stream) => {
            if losses.is_nothing() {
                around.board.well(&around.name);
            }
            forward::forward(client, stream, &mut tap).await
        }
    };
    if let Err(error) = forwarded {
        tracing::warn!(input = %around.name, %error, "a connection to the printer broke off");
    }
}

fn say(around: &Around, problem: &Problem) {
    if around.board.trouble(&around.name, problem) {
        tracing::error!(input = %around.name, "{}", problem.detail);
    }
}

fn unreachable(printer: &str, error: &io::Error) -> Problem {
    let detail = format!("the printer at {printer} cannot be reached: {error}");
    Problem::new(Code::PrinterUnreachable, detail).next(
        "see whether it is switched on and connected; the till's receipts come out again when it is",
    )
}

fn cannot_listen(config: &ProxyConfig, error: &io::Error) -> Problem {
    let detail = format!("{} cannot be listened on: {error}", config.listen);
    Problem::new(Code::SourceUnreachable, detail)
        .next("end the other program that listens there, or choose another port in `proxy.listen`")
}

async fn is_set(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone means the same.
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        tracing::debug!("the agent ended without saying so");
    }
}

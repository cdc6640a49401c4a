//! One connection through the network.
//!
//! Does not accept connections and does not decide on the mode.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rand::RngExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::request::Recorder;
use super::{Force, Mode, State};

/// Bytes carried in one piece: what a socket buffer commonly yields.
const PIECE_BYTES: usize = 16 * 1024;

/// Pieces a second on a narrow link, so that bytes trickle instead of coming in bursts.
const SLOW_PIECES_PER_SECOND: u32 = 20;

/// How long the second answer to a repeated request is waited for before it counts as not given.
const SECOND_ANSWER_WAIT: Duration = Duration::from_secs(30);

/// Carries one client's connection, accepted under `force`, until it ends or is broken.
pub(super) async fn carry(mut client: TcpStream, state: Arc<State>, force: Force) {
    state.count(|counts| counts.connections += 1);
    let mut in_force = state.force.subscribe();
    if force.mode == Mode::HalfOpen {
        tokio::select! {
            biased;
            () = broken(&mut in_force, force) => reset(client, &state),
            () = swallow(&mut client, &state) => {}
        }
        return;
    }
    let Ok(mut server) = TcpStream::connect(state.upstream).await else {
        reset(client, &state);
        return;
    };
    let (client_read, client_write) = client.split();
    let (server_read, server_write) = server.split();
    let both = async {
        tokio::try_join!(
            up(client_read, server_write, &state),
            down(server_read, client_write, &state)
        )
    };
    let ended_well = tokio::select! {
        biased;
        () = broken(&mut in_force, force) => false,
        ended = both => ended.is_ok(),
    };
    if !ended_well {
        reset(client, &state);
        drop_connection(server);
    }
}

/// Resolves when connections that were accepted under `since` are broken.
async fn broken(in_force: &mut watch::Receiver<Force>, since: Force) {
    if in_force.wait_for(|now| now.breaks != since.breaks).await.is_err() {
        tracing::debug!("the network ended");
    }
}

/// Takes what comes and gives nothing, until the client goes.
async fn swallow(client: &mut TcpStream, state: &State) {
    let mut piece = vec![0; PIECE_BYTES];
    while let Ok(length @ 1..) = client.read(&mut piece).await {
        state.count(|counts| counts.bytes_swallowed += wide(length));
    }
}

/// From the client to the server.
async fn up(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, state: &Arc<State>) -> io::Result<()> {
    let mut recorder = Recorder::default();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let length = from.read(&mut piece[..piece_bytes(state.mode())]).await?;
        if length == 0 {
            to.shutdown().await?;
            return Ok(());
        }
        let said = &piece[..length];
        let Some(mode) = pass(state, length).await else { continue };
        to.write_all(said).await?;
        state.count(|counts| counts.bytes_up += wide(length));
        for request in recorder.take(said) {
            state.count(|counts| counts.requests += 1);
            if mode == Mode::Duplicate {
                drop(tokio::spawn(repeat(request, Arc::clone(state))));
            }
        }
    }
}

/// From the server to the client. A dropped answer ends the connection as an error would.
async fn down(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, state: &State) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let length = from.read(&mut piece[..piece_bytes(state.mode())]).await?;
        if length == 0 {
            to.shutdown().await?;
            return Ok(());
        }
        let Some(mode) = pass(state, length).await else { continue };
        if mode == Mode::DropAnswers {
            state.count(|counts| {
                counts.answers_dropped += 1;
                counts.bytes_swallowed += wide(length);
            });
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        to.write_all(&piece[..length]).await?;
        state.count(|counts| counts.bytes_down += wide(length));
    }
}

/// Lets a piece wait as the mode has it; none if the piece is gone. The waiting is what the mode
/// is: nothing is awaited by it.
async fn pass(state: &State, length: usize) -> Option<Mode> {
    let mode = state.mode();
    match mode {
        Mode::HalfOpen => {
            state.count(|counts| counts.bytes_swallowed += wide(length));
            return None;
        }
        Mode::Delay { fixed_ms, jitter_ms } => {
            let longer = chance(state, jitter_ms);
            sleep(Duration::from_millis(fixed_ms + longer)).await;
        }
        Mode::Slow { bytes_per_second } => {
            let micros = wide(length) * 1_000_000 / u64::from(bytes_per_second.max(1));
            sleep(Duration::from_micros(micros)).await;
        }
        Mode::Open | Mode::Cut | Mode::Duplicate | Mode::DropAnswers => {}
    }
    Some(mode)
}

/// A number of milliseconds up to `max`.
fn chance(state: &State, max: u64) -> u64 {
    state.chance.lock().unwrap_or_else(PoisonError::into_inner).random_range(0..=max)
}

/// The bytes that go in one piece.
fn piece_bytes(mode: Mode) -> usize {
    match mode {
        Mode::Slow { bytes_per_second } => {
            let share = usize::try_from(bytes_per_second / SLOW_PIECES_PER_SECOND);
            share.unwrap_or(PIECE_BYTES).clamp(1, PIECE_BYTES)
        }
        _ => PIECE_BYTES,
    }
}

/// Sends a request once more and reads the beginning of its answer, which is dropped: at its
/// first byte the server has decided.
async fn repeat(request: Option<Vec<u8>>, state: Arc<State>) {
    let answered = match request {
        Some(request) => timeout(SECOND_ANSWER_WAIT, ask(&request, &state)).await,
        None => Ok(Ok(false)),
    };
    state.count(|counts| match answered {
        Ok(Ok(true)) => counts.requests_duplicated += 1,
        Ok(Ok(false) | Err(_)) | Err(_) => counts.requests_not_duplicated += 1,
    });
}

/// Whether the server answered.
async fn ask(request: &[u8], state: &State) -> io::Result<bool> {
    let mut server = TcpStream::connect(state.upstream).await?;
    server.write_all(request).await?;
    Ok(server.read(&mut [0; PIECE_BYTES]).await? > 0)
}

/// Ends the client's connection with a reset.
fn reset(client: TcpStream, state: &State) {
    state.count(|counts| counts.resets += 1);
    drop_connection(client);
}

/// Drops a connection so that the other end sees a reset and not an orderly end.
fn drop_connection(connection: TcpStream) {
    if let Err(error) = connection.set_zero_linger() {
        tracing::debug!("the connection ended by itself: {error}");
    }
    drop(connection);
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).expect("a length in memory fits 64 bits")
}

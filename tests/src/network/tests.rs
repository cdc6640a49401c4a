//! What each mode of the network does, seen from both its ends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::control::{Control, View};
use super::*;
use crate::wait;

const SOON: Duration = Duration::from_secs(10);
const SEED: u64 = 1;
const REQUEST: &[u8] =
    b"POST / HTTP/1.1\r\nHost: store\r\nContent-Length: 4\r\nConnection: close\r\n\r\nsale";

/// A server that counts what reaches it and answers each request.
struct Server {
    address: SocketAddr,
    reached: Arc<AtomicU64>,
}

impl Server {
    async fn start() -> Self {
        let reached = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&reached);
        let answer = move |body: String| async move {
            count.fetch_add(1, Ordering::SeqCst);
            format!("taken: {body}")
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, Router::new().route("/", post(answer))).await });
        Self { address, reached }
    }

    fn reached(&self) -> u64 {
        self.reached.load(Ordering::SeqCst)
    }
}

async fn opened() -> (Server, Proxy) {
    let server = Server::start().await;
    let network = Proxy::open(server.address, SEED).await.unwrap();
    (server, network)
}

async fn said(network: &Proxy) -> TcpStream {
    let mut client = TcpStream::connect(network.address()).await.unwrap();
    client.write_all(REQUEST).await.unwrap();
    client
}

async fn answer(mut client: TcpStream) -> io::Result<String> {
    let mut answer = String::new();
    client.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn counted(network: &Proxy, what: &str, holds: impl Fn(&Counts) -> bool) -> Counts {
    let look = || std::future::ready(Some(network.counts()).filter(&holds));
    wait::until(what, SOON, look).await.unwrap()
}

#[tokio::test]
async fn an_open_network_carries_request_and_answer() {
    let (server, network) = opened().await;
    let answer = answer(said(&network).await).await.unwrap();
    assert!(answer.ends_with("taken: sale"), "{answer}");
    let counts =
        counted(&network, "the request to be counted", |counts| counts.requests == 1).await;
    assert_eq!(server.reached(), 1);
    assert_eq!(counts.bytes_up, u64::try_from(REQUEST.len()).unwrap());
    assert_eq!((counts.connections, counts.resets), (1, 0));
}

#[tokio::test]
async fn a_cut_resets_what_is_connected_and_refuses_what_connects() {
    let (server, network) = opened().await;
    let mut connected = TcpStream::connect(network.address()).await.unwrap();
    counted(&network, "the connection to be accepted", |counts| counts.connections == 1).await;
    network.set_mode(Mode::Cut).await.unwrap();
    let reset = connected.read(&mut [0; 1]).await.unwrap_err();
    assert_eq!(reset.kind(), io::ErrorKind::ConnectionReset);
    let refused = TcpStream::connect(network.address()).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(server.reached(), 0);
}

#[tokio::test]
async fn after_a_cut_the_same_port_carries_again() {
    let (_server, network) = opened().await;
    for _ in 0..3 {
        network.set_mode(Mode::Cut).await.unwrap();
        network.set_mode(Mode::Open).await.unwrap();
        assert!(answer(said(&network).await).await.unwrap().ends_with("taken: sale"));
    }
}

#[tokio::test]
async fn the_shortest_cut_breaks_what_was_connected() {
    let (_server, network) = opened().await;
    let mut connected = TcpStream::connect(network.address()).await.unwrap();
    counted(&network, "the connection to be accepted", |counts| counts.connections == 1).await;
    network.set_mode(Mode::Cut).await.unwrap();
    network.set_mode(Mode::Open).await.unwrap();
    let reset = connected.read(&mut [0; 1]).await.unwrap_err();
    assert_eq!(reset.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_half_open_network_swallows_and_then_resets() {
    let (server, network) = opened().await;
    network.set_mode(Mode::HalfOpen).await.unwrap();
    let client = said(&network).await;
    let length = u64::try_from(REQUEST.len()).unwrap();
    counted(&network, "the request to be swallowed", |counts| counts.bytes_swallowed == length)
        .await;
    assert_eq!(server.reached(), 0);
    network.set_mode(Mode::Open).await.unwrap();
    assert!(answer(client).await.is_err(), "a connection whose bytes are gone cannot go on");
    assert_eq!(server.reached(), 0);
}

#[tokio::test]
async fn a_connection_that_was_open_goes_silent_when_the_network_does() {
    let (server, network) = opened().await;
    let mut client = TcpStream::connect(network.address()).await.unwrap();
    counted(&network, "the connection to be accepted", |counts| counts.connections == 1).await;
    network.set_mode(Mode::HalfOpen).await.unwrap();
    client.write_all(REQUEST).await.unwrap();
    counted(&network, "the request to be swallowed", |counts| counts.bytes_swallowed > 0).await;
    assert_eq!(server.reached(), 0);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the claim is about time that passes")]
async fn a_delayed_network_takes_its_time_in_both_directions() {
    let (_server, network) = opened().await;
    network.set_mode(Mode::Delay { fixed_ms: 40, jitter_ms: 10 }).await.unwrap();
    let begun = Instant::now();
    assert!(answer(said(&network).await).await.unwrap().ends_with("taken: sale"));
    assert!(begun.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the claim is about time that passes")]
async fn a_slow_network_carries_no_more_than_its_bytes_a_second() {
    let (_server, network) = opened().await;
    let length = u32::try_from(REQUEST.len()).unwrap();
    network.set_mode(Mode::Slow { bytes_per_second: length * 10 }).await.unwrap();
    let begun = Instant::now();
    assert!(answer(said(&network).await).await.unwrap().ends_with("taken: sale"));
    assert!(begun.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn a_duplicating_network_lets_the_server_answer_twice_and_the_client_once() {
    let (server, network) = opened().await;
    network.set_mode(Mode::Duplicate).await.unwrap();
    let answer = answer(said(&network).await).await.unwrap();
    assert_eq!(answer.matches("taken").count(), 1);
    counted(&network, "the second answer", |counts| counts.requests_duplicated == 1).await;
    assert_eq!(server.reached(), 2);
}

#[tokio::test]
async fn a_dropped_answer_leaves_the_request_done_and_the_client_without_word() {
    let (server, network) = opened().await;
    network.set_mode(Mode::DropAnswers).await.unwrap();
    assert!(answer(said(&network).await).await.is_err());
    assert_eq!(server.reached(), 1);
    assert_eq!(network.counts().answers_dropped, 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_reset() {
    let nobody = crate::free_port::free_port().unwrap();
    let network = Proxy::open((Ipv4Addr::LOCALHOST, nobody).into(), SEED).await.unwrap();
    assert!(answer(said(&network).await).await.is_err());
    counted(&network, "the reset", |counts| counts.resets == 1).await;
}

#[tokio::test]
async fn another_process_switches_the_mode_and_reads_the_counts() {
    let (_server, network) = opened().await;
    let network = Arc::new(network);
    let control = Control::open(Arc::clone(&network)).await.unwrap();
    let body = r#"{"mode":"slow","bytes_per_second":512}"#;
    let head = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close";
    let request = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut client = TcpStream::connect(control.address()).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    let answer = answer(client).await.unwrap();
    let (_, view) = answer.split_once("\r\n\r\n").unwrap();
    let view: View = serde_json::from_str(view).unwrap();
    assert_eq!(view.mode, Mode::Slow { bytes_per_second: 512 });
    assert_eq!(network.mode(), view.mode);
}

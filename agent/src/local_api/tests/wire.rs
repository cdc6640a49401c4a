//! The same over real connections: TCP, the Unix socket, slow senders, the end.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::*;

/// A running server on a port of its own.
struct Running {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn running(agent: &Agent) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let parts = agent.parts.clone();
    let ended = tokio::spawn(async move {
        let shutdown = async { stopped.await.unwrap() };
        serve(listener, parts, shutdown).await
    });
    Running { address, stop, ended }
}

fn post(body: &str) -> String {
    format!(
        "POST /v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

async fn exchange(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_sale_goes_in_over_tcp_and_the_server_ends_when_told() {
    let agent = Agent::new();
    let Running { address, stop, ended } = running(&agent).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let answer = exchange(stream, &post(&sale("1").to_string())).await;
    assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
    let page = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let page = exchange(TcpStream::connect(address).await.unwrap(), page).await;
    assert!(page.contains("1 sale safe on this machine"), "loopback needs no token: {page}");
    stop.send(()).unwrap();
    ended.await.unwrap().unwrap();
    TcpStream::connect(address).await.unwrap_err();
}

#[cfg(unix)]
#[tokio::test]
async fn a_sale_goes_in_over_the_unix_socket_which_goes_with_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.sock");
    // What a crash leaves behind.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let agent = Agent::with(|config| config.local_api.unix_socket = Some(path.clone()));
    let Running { address, stop, ended } = running(&agent).await;
    // The socket is bound before the listener is served.
    let page = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    exchange(TcpStream::connect(address).await.unwrap(), page).await;
    let stream = tokio::net::UnixStream::connect(&path).await.unwrap();
    let answer = exchange(stream, &post(&sale("1").to_string())).await;
    assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
    stop.send(()).unwrap();
    ended.await.unwrap().unwrap();
    assert!(!path.exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_in_the_sockets_place_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.sock");
    std::fs::File::create(&path).unwrap();
    let agent = Agent::with(|config| config.local_api.unix_socket = Some(path.clone()));
    let Running { stop, ended, .. } = running(&agent).await;
    let error = ended.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("is no socket"), "{error}");
    assert!(path.exists() && stop.is_closed());
}

#[tokio::test]
async fn a_head_without_bounds_is_hung_up_on() {
    let agent = Agent::new();
    let Running { address, stop, ended } = running(&agent).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let long = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}", "x".repeat(64 * 1024));
    stream.write_all(long.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Whether the refusal or the reset arrives first is the network's affair.
    match stream.read_to_end(&mut answer).await {
        Ok(_) => assert!(answer.starts_with(b"HTTP/1.1 431"), "{answer:?}"),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
    }
    stop.send(()).unwrap();
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn many_tills_at_once_are_each_answered_with_a_place_of_their_own() {
    let agent = Agent::new();
    let Running { address, stop, ended } = running(&agent).await;
    let mut tills = tokio::task::JoinSet::new();
    for till in 0..32 {
        tills.spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            exchange(stream, &post(&sale(&till.to_string()).to_string())).await
        });
    }
    let answers = tills.join_all().await;
    let mut sequences: Vec<u64> = answers
        .iter()
        .map(|answer| {
            let body = answer.split("\r\n\r\n").nth(1).unwrap();
            let json: Value = serde_json::from_str(body).unwrap();
            json["sequence"].as_u64().unwrap()
        })
        .collect();
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=32).collect::<Vec<_>>());
    stop.send(()).unwrap();
    ended.await.unwrap().unwrap();
}

//! Tills at an agent's local HTTP: each sends a sale, waits for the answer, sends the next.
//!
//! A connection and a thread each, and requests written beforehand, so that little of what is
//! measured is the caller's own. Anything but 201 ends the measurement.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

use crate::sales::{Which, dealt};
use crate::timing::{latencies, now};

/// Bytes of an answer: a few short fields and headers.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The agent's address
    #[arg(long)]
    address: SocketAddr,
    /// The file with the token that tills send
    #[arg(long)]
    token_file: PathBuf,
    /// Tills at the same time
    #[arg(long, default_value_t = 1)]
    callers: usize,
    #[command(flatten)]
    sales: Which,
}

pub(crate) fn run(options: &Options) -> Result<Value> {
    let token = std::fs::read_to_string(&options.token_file).context("read the token")?;
    let requests = options.sales.read()?;
    let requests = requests.iter().map(|sale| request(options.address, token.trim(), sale));
    let connect = |hand| Ok((connect(options.address)?, hand));
    let hands = dealt(requests.collect(), options.callers);
    let hands: Vec<_> = hands.into_iter().map(connect).collect::<Result<_>>()?;
    let begun = now();
    let callers: Vec<_> = hands
        .into_iter()
        .map(|(stream, hand)| thread::spawn(move || call(stream, &hand)))
        .collect();
    let mut each = Vec::new();
    for caller in callers {
        each.extend(caller.join().map_err(|_| anyhow!("a caller panicked"))??);
    }
    Ok(latencies(each, begun.elapsed()))
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).context("connect to the agent")?;
    stream.set_nodelay(true).context("send at once")?;
    Ok(stream)
}

fn request(address: SocketAddr, token: &str, sale: &str) -> Vec<u8> {
    let length = sale.len();
    format!(
        "POST /v1/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{sale}"
    )
    .into_bytes()
}

fn call(mut stream: TcpStream, requests: &[Vec<u8>]) -> Result<Vec<Duration>> {
    let mut each = Vec::with_capacity(requests.len());
    let mut answer = Vec::new();
    for request in requests {
        let begun = now();
        stream.write_all(request).context("send a sale")?;
        read_answer(&mut stream, &mut answer)?;
        each.push(begun.elapsed());
        let is_new = answer.starts_with(b"HTTP/1.1 201 ");
        ensure!(is_new, "the agent said: {}", String::from_utf8_lossy(&answer));
    }
    Ok(each)
}

/// Reads one answer, head and body.
fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<()> {
    answer.clear();
    let mut piece = [0; 4_096];
    while whole_length(answer).is_none_or(|whole| answer.len() < whole) {
        let count = stream.read(&mut piece).context("read the answer")?;
        ensure!(count > 0, "the agent hung up");
        answer.extend_from_slice(&piece[..count]);
        ensure!(answer.len() <= ANSWER_BYTES_MAX, "the agent's answer has no end");
    }
    Ok(())
}

/// How long an answer is, once its head is there.
fn whole_length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&answer[..head]).ok()?;
    let stated = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head + stated.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    //! Where an answer ends.

    use super::*;

    #[test]
    fn an_answer_is_whole_once_its_body_is() {
        let head = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n";
        assert_eq!(whole_length(&head[..20]), None);
        assert_eq!(whole_length(head), Some(head.len() + 2));
    }
}

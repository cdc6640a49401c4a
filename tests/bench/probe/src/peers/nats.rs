//! As much of the NATS protocol as a publisher to JetStream needs.
//!
//! Does not consume.

use std::io::{BufRead, Read};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::Connection;

const STREAM: &str = "SALES";

/// Bytes of an answer of JetStream.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Says who is there, and listens for answers.
pub(super) fn greet(connection: &mut Connection) -> Result<()> {
    let line = line(connection)?;
    ensure!(line.starts_with("INFO "), "the server begins with `{line}`");
    let inbox = inbox(connection);
    let hello = "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"lang\":\"bench\",\
                 \"version\":\"1\"}";
    connection.send(format!("{hello}\r\nSUB {inbox} 1\r\n").as_bytes())
}

/// Makes the stream that the sales go into: one file, each message synced as the server says.
pub(super) fn make_stream(mut connection: Connection) -> Result<()> {
    greet(&mut connection)?;
    let wish = json!({
        "name": STREAM, "subjects": ["sales.*"], "storage": "file", "retention": "limits",
        "max_consumers": -1, "max_msgs": -1, "max_bytes": -1, "max_age": 0, "num_replicas": 1,
    })
    .to_string();
    let inbox = inbox(&connection);
    let length = wish.len();
    let subject = format!("$JS.API.STREAM.CREATE.{STREAM}");
    connection.send(format!("PUB {subject} {inbox} {length}\r\n{wish}\r\n").as_bytes())?;
    let answer = answer(&mut connection)?;
    let is_there = answer.get("error").is_none_or(|error| error["err_code"] == 10_058);
    ensure!(is_there, "the server said {answer}");
    Ok(())
}

/// Publishes, and waits until the stream holds it.
pub(super) fn publish(connection: &mut Connection, place: usize, sale: &str) -> Result<()> {
    let (inbox, number) = (inbox(connection), connection.number);
    let process = std::process::id();
    let head = format!("NATS/1.0\r\nNats-Msg-Id: {process}-{number}-{place}\r\n\r\n");
    let (head_length, length) = (head.len(), head.len() + sale.len());
    let message = format!("HPUB sales.{number} {inbox} {head_length} {length}\r\n{head}{sale}\r\n");
    connection.send(message.as_bytes())?;
    let answer = answer(connection)?;
    ensure!(answer["seq"].is_u64(), "the server said {answer}");
    Ok(())
}

fn inbox(connection: &Connection) -> String {
    format!("_INBOX.bench.{}.{}", std::process::id(), connection.number)
}

/// The next message for us.
fn answer(connection: &mut Connection) -> Result<Value> {
    loop {
        let line = line(connection)?;
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["PING"] => connection.send(b"PONG\r\n")?,
            ["INFO", ..] => {}
            ["MSG", .., length] => {
                let length: usize = length.parse().context("read a message's length")?;
                ensure!(length <= ANSWER_BYTES_MAX, "an answer of {length} bytes");
                let mut message = vec![0; length + 2];
                connection.stream.read_exact(&mut message).context("read a message")?;
                return serde_json::from_slice(&message).context("read an answer");
            }
            _ => bail!("the server said `{line}`"),
        }
    }
}

fn line(connection: &mut Connection) -> Result<String> {
    let mut line = String::new();
    connection.stream.read_line(&mut line).context("read from the server")?;
    ensure!(!line.is_empty(), "the server hung up");
    Ok(line.trim_end().to_owned())
}

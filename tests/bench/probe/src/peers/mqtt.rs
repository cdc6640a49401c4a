//! As much of MQTT 3.1.1 as a publisher with QoS 1 needs.
//!
//! Does not subscribe.

use std::io::Read;

use anyhow::{Context, Result, ensure};

use super::Connection;

const CONNECT: u8 = 0x10;
const PUBLISH_QOS_1: u8 = 0x32;
const CONNECTED: [u8; 4] = [0x20, 2, 0, 0];
const PUBLISHED: [u8; 2] = [0x40, 2];

/// Says who is there.
pub(super) fn greet(connection: &mut Connection) -> Result<()> {
    // Protocol "MQTT" at level 4, a clean session, a minute of silence at most.
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60];
    let name = format!("bench-{}-{}", std::process::id(), connection.number);
    put_text(&mut body, &name)?;
    connection.send(&packet(CONNECT, &body)?)?;
    let mut answer = [0; 4];
    connection.stream.read_exact(&mut answer).context("read the broker's welcome")?;
    ensure!(answer == CONNECTED, "the broker said {answer:?}");
    Ok(())
}

/// Publishes, and waits until the broker has it.
pub(super) fn publish(connection: &mut Connection, place: usize, sale: &str) -> Result<()> {
    let number = u16::try_from(place % 60_000 + 1).context("number a message")?;
    let mut body = Vec::with_capacity(sale.len() + 32);
    put_text(&mut body, &format!("sales/{}", connection.number))?;
    body.extend(number.to_be_bytes());
    body.extend(sale.as_bytes());
    connection.send(&packet(PUBLISH_QOS_1, &body)?)?;
    let mut answer = [0; 4];
    connection.stream.read_exact(&mut answer).context("read the broker's answer")?;
    let [kind, length, confirmed @ ..] = answer;
    let is_ours = [kind, length] == PUBLISHED && u16::from_be_bytes(confirmed) == number;
    ensure!(is_ours, "the broker said {answer:?}");
    Ok(())
}

fn put_text(body: &mut Vec<u8>, text: &str) -> Result<()> {
    body.extend(u16::try_from(text.len()).context("write a text")?.to_be_bytes());
    body.extend(text.as_bytes());
    Ok(())
}

/// A packet: kind, length in groups of seven bits, body.
fn packet(kind: u8, body: &[u8]) -> Result<Vec<u8>> {
    let mut packet = vec![kind];
    let mut length = body.len();
    loop {
        let seven = u8::try_from(length % 128).context("write a length")?;
        length /= 128;
        packet.push(if length > 0 { seven | 0x80 } else { seven });
        if length == 0 {
            break;
        }
    }
    packet.extend(body);
    Ok(packet)
}

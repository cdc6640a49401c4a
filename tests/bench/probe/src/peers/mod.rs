//! Publishers at another broker: each sends a sale, waits until the broker says that it has it,
//! sends the next.
//!
//! The few messages that this takes are written here rather than brought by a client library, so
//! that as little as with the tills is the caller's own. Starts no broker.

mod mqtt;
mod nats;

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use serde_json::Value;

use crate::sales::{Which, dealt};
use crate::timing::{latencies, now};

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// NATS JetStream, with a message id for its dedupe.
    Nats,
    /// MQTT 3.1.1 with QoS 1.
    Mqtt,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What the broker speaks
    #[arg(long)]
    protocol: Protocol,
    /// Its address
    #[arg(long)]
    address: SocketAddr,
    /// Publishers at the same time
    #[arg(long)]
    callers: usize,
    #[command(flatten)]
    sales: Which,
}

/// A connection, and the number of its publisher.
struct Connection {
    stream: BufReader<TcpStream>,
    number: usize,
}

impl Connection {
    fn open(address: SocketAddr, number: usize) -> Result<Self> {
        let stream = TcpStream::connect(address).context("connect to the broker")?;
        stream.set_nodelay(true).context("send at once")?;
        Ok(Self { stream: BufReader::new(stream), number })
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.get_mut().write_all(bytes).context("send to the broker")
    }
}

pub(crate) fn run(options: &Options) -> Result<Value> {
    let Options { protocol, address, callers, .. } = *options;
    if protocol == Protocol::Nats {
        nats::make_stream(Connection::open(address, callers)?).context("make a stream")?;
    }
    let hands = dealt(options.sales.read()?, callers);
    let mut connected = Vec::new();
    for (number, hand) in hands.into_iter().enumerate() {
        let mut connection = Connection::open(address, number)?;
        match protocol {
            Protocol::Nats => nats::greet(&mut connection)?,
            Protocol::Mqtt => mqtt::greet(&mut connection)?,
        }
        connected.push((connection, hand));
    }
    let begun = now();
    let publishers: Vec<_> = connected
        .into_iter()
        .map(|(connection, hand)| thread::spawn(move || publish(protocol, connection, &hand)))
        .collect();
    let mut each = Vec::new();
    for publisher in publishers {
        each.extend(publisher.join().map_err(|_| anyhow!("a publisher panicked"))??);
    }
    Ok(latencies(each, begun.elapsed()))
}

fn publish(
    protocol: Protocol,
    mut connection: Connection,
    sales: &[String],
) -> Result<Vec<Duration>> {
    let mut each = Vec::with_capacity(sales.len());
    for (place, sale) in sales.iter().enumerate() {
        let begun = now();
        match protocol {
            Protocol::Nats => nats::publish(&mut connection, place, sale)?,
            Protocol::Mqtt => mqtt::publish(&mut connection, place, sale)?,
        }
        each.push(begun.elapsed());
    }
    Ok(each)
}

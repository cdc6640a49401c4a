//! MQTT packets, as a broker sends them, read by the client library that both programs use.
//!
//! A library that panics on a packet ends the task that reads the connection, which both programs
//! bear by connecting anew. It is no finding here: what is fuzzed is what stands behind it.

use std::panic::{self, AssertUnwindSafe};

use bytes::BytesMut;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish};

/// Bytes of the largest packet that is taken: a full batch and what goes beside it.
const PACKET_BYTES_MAX: u32 = 1_024 * 1_024 + 4 * 1_024;

/// Messages of one input at most.
const MESSAGES_MAX: usize = 16;

/// The messages among the packets, up to the first that cannot be read.
pub(super) fn messages(input: &[u8]) -> Vec<Publish> {
    let mut stream = BytesMut::from(input);
    let mut messages = Vec::new();
    while messages.len() < MESSAGES_MAX {
        let read = || Packet::read(&mut stream, Some(PACKET_BYTES_MAX));
        match panic::catch_unwind(AssertUnwindSafe(read)) {
            Ok(Ok(Packet::Publish(message))) => messages.push(message),
            Ok(Ok(_)) => {}
            Ok(Err(_)) | Err(_) => return messages,
        }
    }
    messages
}

/// The packet of a message.
pub(super) fn packet(mut message: Publish) -> Vec<u8> {
    message.pkid = 1;
    let mut bytes = BytesMut::new();
    message.write(&mut bytes).expect("a message can be written");
    bytes.to_vec()
}

//! What agent and relay share towards an MQTT 5 broker: its address, how a connection is set up,
//! the topics, and what a message carries beside its body.
//!
//! Connects to nothing and runs no loop: each side has its own. The bodies are those of HTTPS.

mod address;
mod client;
mod message;

pub use address::{BrokerUrl, BrokerUrlError};
pub use client::{Account, Credentials, SetupError, Wishes, options};
pub use message::{
    CORRELATION_BYTES, Correlation, Envelope, Kind, SHARED_UP, Topics, device_of, page_signed,
    retained,
};

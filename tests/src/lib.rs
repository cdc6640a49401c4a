//! What the tests share: simulated POS, vendors and network, and what they need of their host.
//!
//! Nothing that ships knows this crate.

pub mod free_port;
pub mod needs;
pub mod network;
pub mod pos;
pub mod process;
pub mod wait;

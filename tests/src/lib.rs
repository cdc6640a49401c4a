//! What the tests share: simulated POS and network, a whole small world of real programs, the
//! stories told in it, the demo, the deterministic simulation, fuzzing, and what they need of their
//! host.
//!
//! Nothing that ships knows this crate.

pub mod demo;
pub mod free_port;
pub mod fuzzing;
pub mod mosquitto;
pub mod network;
pub mod outage;
pub mod pos;
pub mod process;
pub mod simulation;
pub mod tamper;
pub mod wait;
pub mod world;

pub use needs;

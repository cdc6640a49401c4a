//! A port for a program that cannot take port 0 and say which it got.
//!
//! Everything of ours takes port 0; this is for others' servers, such as a broker. Does not hold
//! the port: between the answer and its use somebody else may take it, which the program that
//! wanted it then says.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

/// What this process has handed out: tests that run side by side never get the same port.
static HANDED_OUT: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A loopback port on which nobody listens and that no earlier call of this process returned.
///
/// # Errors
/// The system has no port left.
pub fn free_port() -> Result<u16> {
    let mut handed_out = HANDED_OUT.lock().unwrap_or_else(PoisonError::into_inner);
    // Listeners are kept until one fits, so that each bind yields another port; the loop ends at
    // the latest when there is none left.
    let mut passed_over = Vec::new();
    loop {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free loopback port")?;
        let port = listener.local_addr().context("read the port that was found")?.port();
        if handed_out.insert(port) {
            return Ok(port);
        }
        passed_over.push(listener);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_handed_out_twice() {
        let ports: BTreeSet<u16> = (0..50).map(|_| free_port().unwrap()).collect();
        assert_eq!(ports.len(), 50);
    }

    #[test]
    fn a_port_that_was_handed_out_can_be_listened_on() {
        let port = free_port().unwrap();
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    }
}

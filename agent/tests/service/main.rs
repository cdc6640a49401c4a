//! The shipped program as a service: what systemd hears of it, and whether it lives within what its
//! unit leaves it.
//!
//! systemd itself is not started. Its socket is one of ours; of its walls the tests put up those
//! that this host lets them: an own user, a read-only host, no capability, no new privilege. System
//! calls are recorded and compared with those that the unit allows.

#![cfg(target_os = "linux")]
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a panic is the message, also in what tests share"
)]

mod calls;
mod host;
mod walls;

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use self::host::{AGENT, DEADLINE, Host};

/// Waits until systemd's socket hears a line that begins so; returns the line.
fn hears(socket: &UnixDatagram, start: &str) -> String {
    let mut buffer = [0; 4_096];
    loop {
        let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{start}: {error}"));
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if let Some(line) = text.lines().find(|line| line.starts_with(start)) {
            return line.to_owned();
        }
    }
}

#[test]
fn systemd_hears_that_it_is_ready_that_it_lives_and_that_it_stops() {
    const SPAN: Duration = Duration::from_secs(3);
    let host = Host::new();
    let path = host.folder().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut command = host.run(Command::new(AGENT));
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", SPAN.as_micros().to_string());
    let mut agent = host.start(&mut command);
    hears(&socket, "READY=1");
    assert_eq!(host.sell("000001"), 201);
    let sentence = hears(&socket, "STATUS=Selling");
    assert!(sentence.contains("without a relay"), "{sentence}");
    hears(&socket, "WATCHDOG=1");
    hears(&socket, "WATCHDOG=1");
    agent.terminate();
    hears(&socket, "STOPPING=1");
    assert!(agent.ended().success());
}

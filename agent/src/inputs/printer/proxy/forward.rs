//! Forwards one connection, byte for byte, both ways.
//!
//! What the POS sent is at the printer before anybody here looks at it. Waits for nothing but the
//! two ends.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::tap::Tap;

/// Bytes forwarded at once.
const CHUNK_BYTES: usize = 8 * 1024;

/// How long a printer may go on answering after the POS has sent everything.
const LINGER: Duration = Duration::from_secs(30);

/// Forwards until either end has hung up.
pub(super) async fn forward(
    mut client: TcpStream,
    mut printer: TcpStream,
    tap: &mut Tap,
) -> io::Result<()> {
    // A status byte that the POS waits for must not wait for another.
    client.set_nodelay(true)?;
    printer.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_printer, mut to_printer) = printer.split();
    let up = async {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let read = from_client.read(&mut buffer).await?;
            if read == 0 {
                return to_printer.shutdown().await;
            }
            to_printer.write_all(&buffer[..read]).await?;
            tap.saw(&buffer[..read]);
        }
    };
    let down = tokio::io::copy(&mut from_printer, &mut to_client);
    tokio::pin!(up, down);
    tokio::select! {
        sent = &mut up => sent?,
        answered = &mut down => return answered.map(drop),
    }
    match tokio::time::timeout(LINGER, down).await {
        Ok(answered) => answered.map(drop),
        // The printer keeps its end open; the POS has gone long since.
        Err(_) => Ok(()),
    }
}

//! Reads along: from the bytes that were forwarded to receipts that wait for the journal.
//!
//! Both queues here are bounded and nobody waits to put something in: a queue that is full costs
//! the receipt, never the printing. Knows neither template nor journal.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::losses::Losses;
use crate::inputs::printer::escpos::Reader;
use crate::inputs::printer::escpos::slip::Slip;
use crate::seams::Seams;

/// Pieces of a connection that wait to be read: 4 MiB of 8 KiB each, forty long receipts with logo.
const PIECES_MAX: usize = 512;

/// Receipts that wait for the journal: those of a busy till in a week.
const SLIPS_MAX: usize = 10_000;

/// Memory of the receipts that wait for the journal: ten thousand of 3 KiB each.
const WAITING_KIB_MAX: usize = 32 * 1024;

/// What was forwarded.
#[derive(Debug)]
pub(super) enum Tapped {
    Bytes(Box<[u8]>),
    /// Something before was not read along: the receipt under way is not whole.
    Gap,
}

/// The end of the queue into which a connection puts what it has forwarded.
#[derive(Debug)]
pub(super) struct Tap {
    /// None for a connection that nobody reads along.
    pieces: Option<mpsc::Sender<Tapped>>,
    has_gap: bool,
    losses: Loss,
}

/// Where a loss is counted, with the clock.
#[derive(Debug, Clone)]
pub(super) struct Loss {
    losses: Arc<Losses>,
    seams: Seams,
}

impl Loss {
    fn add(&self) {
        self.losses.add(self.seams.now());
    }
}

impl Tap {
    pub(super) fn new(losses: Loss) -> (Self, mpsc::Receiver<Tapped>) {
        let (pieces, tapped) = mpsc::channel(PIECES_MAX);
        (Self { pieces: Some(pieces), has_gap: false, losses }, tapped)
    }

    /// One that reads nothing.
    pub(super) const fn blind(losses: Loss) -> Self {
        Self { pieces: None, has_gap: false, losses }
    }

    /// These bytes were forwarded. Never waits.
    pub(super) fn saw(&mut self, bytes: &[u8]) {
        let put = |tapped| match &self.pieces {
            Some(pieces) => pieces.try_send(tapped).is_ok(),
            None => false,
        };
        let is_told = !self.has_gap || put(Tapped::Gap);
        if is_told && put(Tapped::Bytes(bytes.into())) {
            self.has_gap = false;
        } else if !self.has_gap {
            // Counted once for each stretch: how many receipts were in it is not known.
            self.has_gap = true;
            self.losses.add();
        }
    }
}

/// A receipt that waits for the journal.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) slip: Slip,
    pub(super) printed_at: Timestamp,
    _room: OwnedSemaphorePermit,
}

/// Where receipts wait for the journal.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    slips: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    losses: Loss,
}

/// A queue and its end.
pub(super) fn queue(losses: Arc<Losses>, seams: Seams) -> (Queue, mpsc::Receiver<Waiting>) {
    let (slips, waiting) = mpsc::channel(SLIPS_MAX);
    let room = Arc::new(Semaphore::new(WAITING_KIB_MAX));
    (Queue { slips, room, losses: Loss { losses, seams } }, waiting)
}

impl Queue {
    pub(super) fn losses(&self) -> Loss {
        self.losses.clone()
    }

    /// Puts a receipt in; one that finds no room is counted. Never waits.
    pub(super) fn put(&self, slip: Slip) {
        let kib = u32::try_from(slip.bytes() / 1024 + 1).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(kib) else {
            return self.losses.add();
        };
        let printed_at = self.losses.seams.now();
        if self.slips.try_send(Waiting { slip, printed_at, _room: room }).is_err() {
            self.losses.add();
        }
    }
}

/// Reads a connection along until it is closed.
pub(super) async fn read(
    mut tapped: mpsc::Receiver<Tapped>,
    mut reader: Reader,
    queue: Queue,
    idle: Duration,
) {
    loop {
        match tokio::time::timeout(idle, tapped.recv()).await {
            Ok(Some(Tapped::Bytes(bytes))) => reader.feed(&bytes, &mut |slip| queue.put(slip)),
            Ok(Some(Tapped::Gap)) => reader.forget(),
            Ok(None) => break,
            // A printer without a cutter: the paper has stood still long enough.
            Err(_) => reader.finish(&mut |slip| queue.put(slip)),
        }
    }
    reader.finish(&mut |slip| queue.put(slip));
}

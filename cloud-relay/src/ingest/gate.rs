//! Bounds what is under way: one request and a few bodies a device, so many batches and polls in
//! all.
//!
//! Waiting is bounded too, and in order of arrival. Knows nothing of what a request says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::id::DeviceId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::policy::{BATCHES_MAX, BODIES_PER_DEVICE_MAX, POLLS_MAX};

/// The bounds. One small entry stays for each known device that was heard of.
#[derive(Debug)]
pub(super) struct Gate {
    devices: Mutex<HashMap<DeviceId, Bounds>>,
    batches: Arc<Semaphore>,
    polls: Arc<Semaphore>,
}

/// The bounds of one device.
#[derive(Debug, Clone)]
struct Bounds {
    turn: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
}

/// Leave to go on, given back when it is dropped.
pub(super) type Leave = OwnedSemaphorePermit;

impl Default for Gate {
    fn default() -> Self {
        Self {
            devices: Mutex::default(),
            batches: Arc::new(Semaphore::new(BATCHES_MAX)),
            polls: Arc::new(Semaphore::new(POLLS_MAX)),
        }
    }
}

impl Gate {
    /// A device's turn; none if the request before takes too long.
    pub(super) async fn turn(&self, device: &DeviceId, wait: Duration) -> Option<Leave> {
        within(wait, self.bounds(device).turn).await
    }

    /// Leave to read a body of a device, now or not at all. A body is read before its turn comes,
    /// so that a half-open connection does not keep the one that replaced it waiting.
    pub(super) fn body(&self, device: &DeviceId) -> Option<Leave> {
        self.bounds(device).bodies.try_acquire_owned().ok()
    }

    fn bounds(&self, device: &DeviceId) -> Bounds {
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Bounds {
            turn: Arc::new(Semaphore::new(1)),
            bodies: Arc::new(Semaphore::new(BODIES_PER_DEVICE_MAX)),
        };
        devices.entry(device.clone()).or_insert_with(new).clone()
    }

    /// Room for one more batch; none if there is none for too long.
    pub(super) async fn room(&self, wait: Duration) -> Option<Leave> {
        within(wait, Arc::clone(&self.batches)).await
    }

    /// Room for one more poll, now or not at all.
    pub(super) fn poll(&self) -> Option<Leave> {
        Arc::clone(&self.polls).try_acquire_owned().ok()
    }
}

async fn within(wait: Duration, semaphore: Arc<Semaphore>) -> Option<Leave> {
    match tokio::time::timeout(wait, semaphore.acquire_owned()).await {
        Ok(Ok(leave)) => Some(leave),
        // The second is a closed semaphore, which these never are.
        Err(_) | Ok(Err(_)) => None,
    }
}

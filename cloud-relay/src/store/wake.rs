//! Hints within one process: work arrived in some lane, news arrived for some device.
//!
//! A waiter subscribes, looks, and waits for the next change; missing a hint costs only the time
//! until it looks again by itself. Carries no data and survives nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use protocol::id::DeviceId;
use tokio::sync::watch;

/// The hints of one store.
#[derive(Debug)]
pub struct Wakes {
    work: watch::Sender<u64>,
    devices: Mutex<HashMap<DeviceId, watch::Sender<u64>>>,
}

impl Default for Wakes {
    fn default() -> Self {
        Self { work: watch::Sender::new(0), devices: Mutex::default() }
    }
}

impl Wakes {
    /// Changes whenever deliveries became due or a lane was given back.
    #[must_use]
    pub fn work(&self) -> watch::Receiver<u64> {
        self.work.subscribe()
    }

    /// Changes whenever there is news for a device.
    #[must_use]
    pub fn device(&self, device: &DeviceId) -> watch::Receiver<u64> {
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        devices.entry(device.clone()).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// Says that there is work.
    pub fn work_arrived(&self) {
        self.work.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Says that there is news for a device; forgets a device for which nobody waits.
    pub fn news_arrived(&self, device: &DeviceId) {
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = devices.get(device) else { return };
        if sender.receiver_count() == 0 {
            devices.remove(device);
        } else {
            sender.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}

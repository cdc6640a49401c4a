//! The latest poll of each device: a newer one ends the one before.
//!
//! An agent that lost its connection asks again, and no broker says that nobody waits for the
//! former answer. Waits for nothing itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use protocol::id::DeviceId;
use tokio::sync::oneshot;

/// One small entry for each device that asked.
#[derive(Debug, Default)]
pub(super) struct Polls(Mutex<HashMap<DeviceId, oneshot::Sender<()>>>);

/// Resolves when a newer poll of the device came.
pub(super) type Replaced = oneshot::Receiver<()>;

impl Polls {
    pub(super) fn begin(&self, device: &DeviceId) -> Replaced {
        let (latest, replaced) = oneshot::channel();
        let mut polls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The former sender is dropped, which its receiver notices.
        polls.insert(device.clone(), latest);
        replaced
    }
}

#[cfg(test)]
mod tests {
    //! Which poll is the latest.

    use super::*;

    #[test]
    fn a_newer_poll_ends_the_one_before_and_no_other_devices() {
        let polls = Polls::default();
        let [one, two] = ["d-1", "d-2"].map(|name| DeviceId::new(name).unwrap());
        let (mut first, mut other) = (polls.begin(&one), polls.begin(&two));
        let waits =
            |poll: &mut Replaced| poll.try_recv() == Err(oneshot::error::TryRecvError::Empty);
        assert!(waits(&mut first));
        let mut second = polls.begin(&one);
        assert_eq!(first.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert!(waits(&mut second) && waits(&mut other));
    }
}

//! Chance from one seed, in streams of their own: what one part draws does not move what another
//! part draws, unless the two meet.
//!
//! Knows nothing of what is drawn for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A stream. Clones draw from the same one.
#[derive(Debug, Clone)]
pub struct Chance(Arc<Mutex<StdRng>>);

impl Chance {
    /// The stream of a name under a seed.
    #[must_use]
    pub fn of(seed: u64, name: &str) -> Self {
        // FNV-1a: any mixing will do that tells names apart.
        let mixed = name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |mixed, byte| {
            (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(mixed))))
    }

    /// Any number.
    #[must_use]
    pub fn bits(&self) -> u64 {
        self.drawing().random()
    }

    /// Any number of 32 bits.
    #[must_use]
    pub fn half_bits(&self) -> u32 {
        self.drawing().random()
    }

    /// Any 16 bytes.
    #[must_use]
    pub fn bytes(&self) -> [u8; 16] {
        self.drawing().random()
    }

    /// Whether that happens which happens once in so many times.
    ///
    /// # Panics
    /// `times` is 0.
    #[must_use]
    pub fn one_in(&self, times: u32) -> bool {
        self.drawing().random_ratio(1, times)
    }

    /// A number within bounds, both possible.
    #[must_use]
    pub fn within(&self, least: u64, most: u64) -> u64 {
        self.drawing().random_range(least..=most)
    }

    /// A number of milliseconds within bounds.
    #[must_use]
    pub fn millis(&self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.within(least, most))
    }

    /// One of several.
    ///
    /// # Panics
    /// There are none.
    #[must_use]
    pub fn any_of<'a, T>(&self, several: &'a [T]) -> &'a T {
        &several[self.drawing().random_range(0..several.len())]
    }

    fn drawing(&self) -> MutexGuard<'_, StdRng> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

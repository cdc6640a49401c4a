//! The bucket empties and restores by the clock that it is told.

use jiff::{SignedDuration, Timestamp};

use super::Bucket;
use crate::setup::BucketSize;

const SIZE: BucketSize = BucketSize { maximum: 100, restore_per_second: 10 };

#[test]
fn a_bucket_restores_by_the_millisecond_and_never_above_its_size() {
    let start = Timestamp::UNIX_EPOCH;
    let mut bucket = Bucket::full(SIZE, start);
    bucket.take(100);
    assert!(!bucket.holds(1));

    bucket.restore(start + SignedDuration::from_millis(99), None);
    assert!(!bucket.holds(1));
    bucket.restore(start + SignedDuration::from_millis(100), None);
    assert!(bucket.holds(1));
    bucket.restore(start + SignedDuration::from_hours(1), None);
    assert_eq!(bucket.status(None)["currentlyAvailable"], 100);
}

#[test]
fn a_clock_that_steps_back_restores_nothing() {
    let start = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
    let mut bucket = Bucket::full(SIZE, start);
    bucket.empty();
    bucket.restore(Timestamp::UNIX_EPOCH, None);
    bucket.restore(start, None);
    assert!(!bucket.holds(1));
}

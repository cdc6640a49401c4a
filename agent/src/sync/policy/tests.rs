//! The ladders grow, stop growing, and spread.

use super::*;

#[test]
fn the_first_retry_comes_within_a_second_on_every_ladder() {
    for ladder in [Ladder::Unreachable, Ladder::Unavailable, Ladder::Refused] {
        assert_eq!(delay(ladder, 1, 0), Duration::ZERO);
        assert!(delay(ladder, 1, u32::MAX) < Duration::from_secs(1));
    }
}

#[test]
fn a_refusal_is_repeated_every_five_minutes_at_most() {
    let longest = |failures| delay(Ladder::Refused, failures, u32::MAX).as_secs();
    assert_eq!([2, 3, 5, 9, 10, u32::MAX].map(longest), [1, 3, 15, 255, 299, 299]);
}

#[test]
fn an_outage_of_days_is_over_within_a_second_of_the_link() {
    assert!(delay(Ladder::Unreachable, 1_000_000, u32::MAX) < Duration::from_secs(1));
}

#[test]
fn stores_that_failed_together_come_back_apart() {
    let quarter = |random| delay(Ladder::Refused, 20, random).as_secs();
    assert_eq!([1 << 30, 2 << 30, 3 << 30].map(quarter), [75, 150, 225]);
}

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

#[test]
fn a_way_that_fails_is_looked_at_within_half_a_minute_and_not_every_second() {
    let longest = |failures| look_delay(Ladder::Unreachable, failures, u32::MAX).as_secs();
    assert_eq!([1, 2, 5, 6, u32::MAX].map(longest), [0, 1, 15, 29, 29]);
}

#[test]
fn receipts_go_before_news_and_are_never_held_back_for_good() {
    let receipts = [Level::Plenty, Level::Near, Level::Spent].map(|l| leave(Class::Receipts, l));
    assert_eq!(receipts, [Leave::Now, Leave::Now, Leave::Gathered]);
    let news = [Level::Plenty, Level::Near, Level::Spent].map(|l| leave(Class::News, l));
    assert_eq!(news, [Leave::Now, Leave::Never, Leave::Never]);
}

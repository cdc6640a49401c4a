//! When another way is taken, and when the preferred one again.

use protocol::problem::Code;

use super::*;

const RANDOM: u32 = u32::MAX;

fn seconds(count: u64) -> Moment {
    Moment::from_secs(count)
}

fn gone() -> Reason {
    Reason::new(Code::RelayUnreachable, "gone")
}

fn fails(choice: &mut Choice, place: Place, now: Moment) {
    choice.failed(place, gone(), Ladder::Unreachable, now, RANDOM);
}

/// The preferred way failed and the second one carries everything.
fn failed_over() -> Choice {
    let mut choice = Choice::new([false, false]);
    assert!(choice.worked(0, seconds(0)), "the first answer is news");
    assert!(!choice.worked(0, seconds(1)));
    fails(&mut choice, 0, seconds(100));
    assert!(choice.worked(1, seconds(100)));
    choice
}

/// Looks whenever there is something to look at, until the way in use changes.
fn until_returned(choice: &mut Choice, mut now: Moment) -> Moment {
    let end = now + seconds(24 * 60 * 60);
    while now < end {
        match choice.watch(now) {
            Watch::Look(place) if choice.looked(place, now) => return now,
            Watch::Look(_) => {}
            Watch::Wait(Some(until)) => now = until,
            Watch::Wait(None) => panic!("there is something to come back to"),
        }
    }
    panic!("it never came back: {choice:?}");
}

#[test]
fn the_next_way_is_tried_at_once_and_stays_in_use() {
    let mut choice = Choice::new([false, false, false]);
    assert_eq!(choice.order(seconds(0)), [0, 1, 2]);
    fails(&mut choice, 0, seconds(1));
    assert_eq!(choice.order(seconds(1)), [1, 2, 0]);
    choice.worked(1, seconds(1));
    assert_eq!(choice.order(seconds(1)), [1, 2, 0], "what failed comes last");
    assert_eq!(choice.standing(0), Standing::Failed(gone()));
    assert_eq!(choice.standing(1), Standing::InUse);
    assert_eq!(choice.standing(2), Standing::NotTried);
}

#[test]
fn the_preferred_way_is_taken_again_only_after_it_has_answered_for_a_while() {
    let mut choice = failed_over();
    let Watch::Wait(Some(first)) = choice.watch(seconds(100)) else { panic!("a look is due") };
    assert_eq!(choice.watch(first), Watch::Look(0));
    assert!(!choice.looked(0, first), "one answer is not enough");
    assert_eq!(choice.standing(0), Standing::StandsBy);
    let back = until_returned(&mut choice, first);
    assert!(back >= first + RETURN_AFTER, "{back:?}");
    assert_eq!((choice.current(), choice.standing(1)), (0, Standing::StandsBy));
}

#[test]
fn an_answer_in_vain_begins_the_while_anew() {
    let mut choice = failed_over();
    assert!(!choice.looked(0, seconds(110)));
    choice.looked_in_vain(0, gone(), Ladder::Unreachable, seconds(115), RANDOM);
    assert!(!choice.looked(0, seconds(115) + RETURN_AFTER));
    assert_eq!(choice.current(), 1);
}

#[test]
fn a_line_that_comes_and_goes_is_waited_for_longer_each_time() {
    let mut choice = failed_over();
    let mut waits = Vec::new();
    let mut now = seconds(100);
    for _ in 0..12 {
        let back = until_returned(&mut choice, now);
        waits.push(back - now);
        now = back + seconds(1);
        fails(&mut choice, 0, now);
        choice.worked(1, now);
    }
    assert!(waits.windows(2).all(|pair| pair[0] <= pair[1] + seconds(2)), "{waits:?}");
    assert!(waits[3] >= RETURN_AFTER * 8, "{waits:?}");
    let longest = RETURN_AFTER * (1 << RELAPSES_MAX);
    assert!(*waits.last().unwrap() <= longest + seconds(60), "{waits:?}");
}

#[test]
fn a_way_that_lasted_is_trusted_as_before() {
    let mut choice = failed_over();
    let back = until_returned(&mut choice, seconds(100));
    fails(&mut choice, 0, back + seconds(1));
    choice.worked(1, back + seconds(1));
    let again = until_returned(&mut choice, back + seconds(1));
    choice.worked(0, again + RELAPSE_WITHIN);
    let later = again + RELAPSE_WITHIN * 2;
    fails(&mut choice, 0, later);
    choice.worked(1, later);
    let third = until_returned(&mut choice, later);
    assert!(third - later < RETURN_AFTER * 2, "{:?}", third - later);
}

#[test]
fn nothing_is_looked_at_while_nothing_works() {
    let mut choice = Choice::new([false, false]);
    assert_eq!(choice.watch(seconds(9)), Watch::Wait(None));
    fails(&mut choice, 0, seconds(10));
    fails(&mut choice, 1, seconds(10));
    assert_eq!(choice.watch(seconds(99_999)), Watch::Wait(None));
}

#[test]
fn a_way_that_stands_by_is_looked_at_now_and_then_unless_bytes_cost_money() {
    let mut choice = Choice::new([false, false, true]);
    choice.worked(0, seconds(0));
    assert_eq!(choice.watch(seconds(0)), Watch::Look(1));
    assert!(!choice.looked(1, seconds(0)));
    assert_eq!(choice.watch(seconds(1)), Watch::Wait(Some(STANDBY_LOOK)));
    assert_eq!(choice.standing(2), Standing::NotTried);
}

#[test]
fn a_way_that_refuses_rests_while_another_one_can_be_tried() {
    let mut choice = Choice::new([false, false]);
    choice.failed(0, gone(), Ladder::Refused, seconds(0), RANDOM);
    assert_eq!(choice.order(seconds(0)), [1]);
    choice.failed(1, gone(), Ladder::Refused, seconds(0), RANDOM);
    assert_eq!(choice.order(seconds(0)), [0, 1], "whoever asks has waited");
}

#[test]
fn a_metered_way_that_just_failed_is_not_tried_for_nothing() {
    let mut choice = Choice::new([true]);
    assert_eq!(choice.order(seconds(0)), [0]);
    fails(&mut choice, 0, seconds(0));
    assert!(choice.order(seconds(0)).is_empty());
    assert_eq!(choice.order(seconds(600)), [0]);
}

#[test]
fn every_other_way_is_better_than_one_whose_budget_is_spent() {
    let mut choice = Choice::new([true, false]);
    choice.worked(0, seconds(0));
    assert!(!choice.looked(1, seconds(0)));
    choice.spare(0, true);
    until_returned(&mut choice, seconds(1));
    assert_eq!(choice.current(), 1);
    choice.spare(0, false);
    until_returned(&mut choice, seconds(1_000));
    assert_eq!(choice.current(), 0, "a budget that begins anew is used again");
}

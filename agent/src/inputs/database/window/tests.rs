//! Claims about the window, in a time of its own.

use super::*;

const SETTLE: Duration = Duration::from_secs(3);
const SPAN: Duration = Duration::from_secs(600);
const EPOCH: Epoch = Bytes([7; 16]);

/// A window and its clock.
struct Shop {
    window: Window,
    now: Instant,
}

impl Shop {
    fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "where the test's clock begins")]
        let now = Instant::now();
        Self { window: Window::new(Position::Whole(0), SETTLE, SPAN), now }
    }

    /// Looks at receipts as they are; takes those that are due, and names them.
    fn look(&mut self, receipts: &[(i64, u8)], is_old: bool) -> Vec<i64> {
        let mut due = Vec::new();
        for (number, hash) in receipts {
            let place = place(*number);
            if self.window.look(&place, Bytes([*hash; 32]), is_old, self.now) {
                self.window.taken(&place);
                due.push(*number);
            }
        }
        self.window.move_on(self.now);
        due
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
    }
}

fn place(number: i64) -> Place {
    (Position::Whole(number), number.to_string())
}

#[test]
fn a_receipt_is_due_once_it_has_settled_and_then_never_again() {
    let mut shop = Shop::new();
    assert!(shop.look(&[(1, 1)], false).is_empty());
    shop.wait(SETTLE);
    assert!(shop.look(&[(1, 2)], false).is_empty(), "a line was added in between");
    shop.wait(SETTLE);
    assert_eq!(shop.look(&[(1, 2)], false), [1]);
    shop.wait(SETTLE);
    assert!(shop.look(&[(1, 2)], false).is_empty());
}

#[test]
fn a_receipt_with_many_behind_it_is_due_at_once() {
    let mut shop = Shop::new();
    assert_eq!(shop.look(&[(1, 1), (2, 1)], true), [1, 2]);
}

#[test]
fn a_receipt_that_is_committed_late_with_a_lower_number_is_seen_within_the_window() {
    let mut shop = Shop::new();
    shop.look(&[(1, 1), (3, 1)], false);
    shop.wait(SETTLE);
    assert_eq!(shop.look(&[(1, 1), (3, 1)], false), [1, 3]);
    shop.wait(SPAN - SETTLE - Duration::from_secs(1));
    assert_eq!(*shop.window.from(), Position::Whole(0), "what is young may have gaps before it");
    shop.look(&[(1, 1), (2, 1), (3, 1)], false);
    shop.wait(SETTLE);
    assert_eq!(shop.look(&[(1, 1), (2, 1), (3, 1)], false), [2]);
    assert_eq!(*shop.window.from(), Position::Whole(1), "the second is young still");
    shop.wait(SPAN);
    shop.look(&[(1, 1), (2, 1), (3, 1)], false);
    assert_eq!(*shop.window.from(), Position::Whole(3));
}

#[test]
fn a_receipt_that_is_changed_within_the_window_is_due_again() {
    let mut shop = Shop::new();
    shop.look(&[(1, 1)], true);
    assert!(shop.look(&[(1, 9)], false).is_empty());
    shop.wait(SETTLE);
    assert_eq!(shop.look(&[(1, 9)], false), [1]);
}

#[test]
fn nothing_moves_on_over_a_receipt_that_is_not_taken() {
    let mut shop = Shop::new();
    shop.window.look(&place(1), Bytes([1; 32]), true, shop.now);
    shop.look(&[(2, 1)], true);
    shop.wait(SPAN);
    shop.look(&[(2, 1)], true);
    assert_eq!(*shop.window.from(), Position::Whole(0));
    shop.window.taken(&place(1));
    shop.window.move_on(shop.now);
    assert_eq!(*shop.window.from(), Position::Whole(2));
}

#[test]
fn what_is_remembered_has_a_bound_after_a_long_outage() {
    let mut shop = Shop::new();
    let receipts: Vec<_> = (1..=5_000).map(|number| (number, 1)).collect();
    assert_eq!(shop.look(&receipts, true).len(), 5_000);
    assert_eq!(shop.window.seen.len(), RECEIPTS_MAX + 1);
    assert_eq!(*shop.window.from(), Position::Whole(3_000));
}

#[test]
fn a_restart_takes_up_what_was_kept_and_a_new_epoch_begins_anew() {
    let mut shop = Shop::new();
    shop.look(&[(1, 1), (2, 1)], true);
    shop.wait(SPAN);
    shop.look(&[(1, 1), (2, 1)], true);
    shop.window.refused(&place(1), &"x".repeat(1_000));
    let kept = shop.window.kept(EPOCH);
    let mut again = Shop::new();
    again.window.restore(&kept, EPOCH);
    assert_eq!(*again.window.from(), Position::Whole(2));
    assert_eq!(again.window.waiting()[&place(1)].len(), REASON_CHARS_MAX);
    let mut other = Shop::new();
    other.window.restore(&kept, Bytes([8; 16]));
    assert_eq!((other.window.from(), other.window.waiting().len()), (&Position::Whole(0), 0));
    other.window.restore(b"not what was kept", EPOCH);
    assert_eq!(*other.window.from(), Position::Whole(0));
}

#[test]
fn too_many_that_wait_for_a_person_stop_the_reading() {
    let mut shop = Shop::new();
    for number in 0..i64::try_from(REFUSED_MAX).unwrap() {
        assert!(!shop.window.is_stuck());
        shop.window.refused(&place(number), "unknown payment");
    }
    assert!(shop.window.is_stuck());
    shop.window.taken(&place(0));
    assert!(!shop.window.is_stuck());
}

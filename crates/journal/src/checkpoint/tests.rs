//! When the log is copied, and that it starts again.

use super::*;
use crate::testing::{Place, append, append_sales, sale};

#[test]
fn the_last_few_pages_are_the_writers_and_the_rest_is_not() {
    let log = |pages, left| Log { pages, left }.step();
    let (start, finish) = (policy::CHECKPOINT_PAGES, policy::CHECKPOINT_FINISH_PAGES);
    assert_eq!(log(start - 1, start - 1), Step::Wait);
    assert_eq!(log(start, start), Step::Beside);
    assert_eq!(log(start + 9, finish + 1), Step::Beside);
    assert_eq!(log(start + 9, finish), Step::Finish);
    let long = policy::LOG_INTERRUPT_PAGES;
    assert_eq!(log(long, long), Step::Interrupt, "something holds it");
    assert_eq!(log(start + 9, 0), Step::Wait, "the next write starts the log again");
}

#[test]
fn a_copied_log_starts_again_with_the_next_write() {
    let place = Place::new();
    let mut file = place.open();
    append_sales(&mut file, 200);
    let log = file.log().unwrap();
    assert!(log.pages > 10 && log.left == log.pages, "{log:?}");
    assert_eq!(file.copy_log().unwrap(), Log { left: 0, ..log });
    append(&mut file, sale(201)).unwrap();
    let restarted = file.log().unwrap();
    assert!(restarted.pages < log.pages && restarted.left == restarted.pages, "{restarted:?}");
}

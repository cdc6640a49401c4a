//! The relay waits instead of being throttled, and the urgent draw first.

use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};

use super::*;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

fn reading(available: u32) -> BudgetReading {
    BudgetReading { maximum: 100, available, restored_per_second: 10 }
}

/// A budget whose target has just said what is left.
fn known(available: u32) -> Budget {
    let mut budget = Budget::new(10);
    let grant = granted(&mut budget, Class::Receipts, at(0));
    budget.settle(grant, "create", Some(reading(available)), at(0));
    budget
}

fn granted(budget: &mut Budget, class: Class, now: Timestamp) -> Grant {
    let place = budget.enter(class);
    match budget.ask(place, "create", now) {
        Turn::Granted(grant) => grant,
        turn => panic!("{turn:?}"),
    }
}

#[test]
fn a_target_that_states_no_budget_is_never_waited_for() {
    let mut budget = Budget::new(10);
    for _ in 0..1_000 {
        let grant = granted(&mut budget, Class::History, at(0));
        budget.settle(grant, "create", None, at(0));
    }
}

#[test]
fn a_call_waits_until_its_cost_has_come_back() {
    let mut budget = known(4);
    let place = budget.enter(Class::Receipts);
    assert_eq!(budget.ask(place, "create", at(0)), Turn::NotBefore(at(600)));
    assert_eq!(budget.ask(place, "create", at(599)), Turn::NotBefore(at(600)));
    assert!(matches!(budget.ask(place, "create", at(600)), Turn::Granted(_)));
}

#[test]
fn the_more_urgent_class_is_first_however_late_it_comes() {
    let mut budget = known(0);
    let history = budget.enter(Class::History);
    let receipts = budget.enter(Class::Receipts);
    let customer = budget.enter(Class::Customer);
    let late = at(60_000);
    assert_eq!(budget.ask(history, "create", late), Turn::Behind);
    assert_eq!(budget.ask(receipts, "create", late), Turn::Behind);
    assert!(matches!(budget.ask(customer, "create", late), Turn::Granted(_)));
    assert!(matches!(budget.ask(receipts, "create", late), Turn::Granted(_)));
    assert!(matches!(budget.ask(history, "create", late), Turn::Granted(_)));
}

#[test]
fn who_leaves_the_queue_holds_nobody_up() {
    let mut budget = known(50);
    let first = budget.enter(Class::Customer);
    let second = budget.enter(Class::Customer);
    assert_eq!(budget.ask(second, "create", at(0)), Turn::Behind);
    budget.leave(first);
    assert!(matches!(budget.ask(second, "create", at(0)), Turn::Granted(_)));
}

#[test]
fn an_estimate_follows_what_calls_cost() {
    let mut budget = known(100);
    for n in 0..20 {
        let now = at(n * 60_000);
        let grant = granted(&mut budget, Class::Receipts, now);
        budget.settle(grant, "create", Some(reading(80)), now);
    }
    let estimate = budget.estimate_of("create");
    assert!((19..=23).contains(&estimate), "{estimate}");
    assert_eq!(budget.estimate_of("find"), 10, "other actions keep the connector's word");
}

#[test]
fn a_throttled_answer_holds_every_class_and_raises_the_estimate() {
    let mut budget = known(100);
    budget.throttled("create", at(5_000));
    let place = budget.enter(Class::Customer);
    assert_eq!(budget.ask(place, "create", at(4_999)), Turn::NotBefore(at(5_000)));
    assert!(matches!(budget.ask(place, "create", at(5_000)), Turn::Granted(_)));
    assert!(budget.estimate_of("create") > 10);
}

#[test]
fn a_cost_above_the_whole_budget_is_granted_by_a_full_one() {
    let mut budget = known(50);
    for _ in 0..20 {
        budget.throttled("create", at(0));
    }
    let place = budget.enter(Class::Receipts);
    assert!(matches!(budget.ask(place, "create", at(0)), Turn::NotBefore(_)));
    assert!(matches!(budget.ask(place, "create", at(60_000)), Turn::Granted(_)));
}

fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(vec![
        Class::Customer,
        Class::Stock,
        Class::Receipts,
        Class::Books,
        Class::History,
    ])
}

proptest! {
    #[test]
    fn a_target_that_keeps_its_word_is_never_overdrawn(
        costs in prop::collection::vec((class(), 1_u32..=10, 0_i64..2_000), 1..100),
    ) {
        let (maximum, rate) = (100_000_i64, 10_i64);
        let mut budget = known(100);
        let (mut real, mut real_at, mut now) = (maximum, 0_i64, 0_i64);
        for (class, cost, pause) in costs {
            now += pause;
            let place = budget.enter(class);
            let grant = loop {
                match budget.ask(place, "create", at(now)) {
                    Turn::Granted(grant) => break grant,
                    Turn::NotBefore(until) => {
                        prop_assert!(until > at(now));
                        now = until.as_millisecond();
                    }
                    Turn::Behind => prop_assert!(false, "nobody else is there"),
                }
            };
            real = (real + (now - real_at) * rate).min(maximum) - i64::from(cost) * 1_000;
            real_at = now;
            prop_assert!(real >= 0, "the target would have throttled");
            let left = u32::try_from(real / 1_000).unwrap();
            budget.settle(grant, "create", Some(reading(left)), at(now));
        }
    }

    #[test]
    fn inside_a_class_the_order_of_arrival_is_kept(
        classes in prop::collection::vec(class(), 1..50), seed in any::<u64>(),
    ) {
        let mut budget = Budget::new(10);
        let mut waiting: Vec<_> = classes.iter().map(|class| budget.enter(*class)).collect();
        let mut served = Vec::new();
        let start = usize::try_from(seed % 97).unwrap();
        while !waiting.is_empty() {
            for turn in 0..waiting.len() {
                let asked = (start + turn) % waiting.len();
                if let Turn::Granted(grant) = budget.ask(waiting[asked], "create", at(0)) {
                    served.push(waiting.remove(asked));
                    budget.settle(grant, "create", None, at(0));
                    break;
                }
            }
        }
        let mut expected = served.clone();
        expected.sort_unstable();
        prop_assert_eq!(served, expected);
    }
}

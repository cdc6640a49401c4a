//! What an event adds, what a day makes of it, and what of a Z the receipts do not bear out.

use protocol::envelope::{Draft, Event};
use protocol::id::EventId;
use protocol::money::Currency;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

fn event(kind: &str, data: Value) -> Event {
    let mut event = json!({ "specversion": "1.0", "type": format!("storekeep.{kind}.v1"),
        "time": "2026-11-23T18:00:00+01:00" });
    event["data"] = data;
    Draft::parse(event.to_string().as_bytes()).unwrap().into_event(EventId(Uuid::nil()))
}

fn heading(kind: &str, receipt: u32) -> Value {
    json!({ "kind": kind, "store": "0042", "register": "2", "businessDate": "2026-11-23",
        "receipt": format!("{receipt:06}"), "currency": "EUR" })
}

fn with(mut value: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("{more} is no object") };
    value.as_object_mut().unwrap().extend(more);
    value
}

/// A sale of goods at 19 %, paid in cash.
fn sale(receipt: u32, minor: i64) -> Addition {
    let tax = minor * 19 / 119;
    let body = json!({
        "lines": [{ "line": 1, "kind": "item", "item": { "sku": "4711" }, "quantity": "1",
            "unitPrice": "1", "extended": minor, "total": minor,
            "taxes": [{ "code": "A", "rate": "19.0", "amount": tax, "included": true }] }],
        "total": { "amount": minor, "direction": "in" },
        "tenders": [
            { "tender": 1, "kind": "cash", "purpose": "payment", "amount": minor + 100 },
            { "tender": 2, "kind": "cash", "purpose": "change", "direction": "out", "amount": 100 }]
    });
    of("transaction", with(heading("sale", receipt), body))
}

fn back(receipt: u32, minor: i64) -> Addition {
    let body = json!({
        "lines": [{ "line": 1, "kind": "item", "item": { "sku": "4711" }, "quantity": "1",
            "unitPrice": "1", "extended": minor, "total": minor, "direction": "in",
            "original": { "blind": { "reason": "none", "approver": "c-9" } } }],
        "total": { "amount": minor, "direction": "out" },
        "tenders": [{ "tender": 1, "kind": "cash", "purpose": "refund", "direction": "out",
            "amount": minor }] });
    of("transaction", with(heading("return", receipt), body))
}

fn plain(kind: &str, receipt: u32) -> Addition {
    of(
        "transaction",
        with(heading(kind, receipt), json!({ "total": { "amount": 0, "direction": "in" } })),
    )
}

fn till(kind: &str, receipt: u32, more: Value) -> Addition {
    of("till", with(heading(kind, receipt), more))
}

fn z(receipt: u32, z: Value) -> Addition {
    let mut more = json!({});
    more["z"] = z;
    till("close", receipt, more)
}

fn of(kind: &str, data: Value) -> Addition {
    addition(&event(kind, data)).unwrap()
}

fn eur() -> Currency {
    Currency::new("EUR").unwrap()
}

fn summed(additions: &[Addition]) -> (RegisterDay, Vec<ZDifference>) {
    let mut day = RegisterDay::default();
    let taken: Vec<_> = additions.iter().filter_map(|it| day.take(it, None).z_difference).collect();
    (day, taken)
}

#[test]
fn a_day_adds_up_count_gross_tax_and_each_kind_of_money() {
    let paid_out = till("paid_out", 4, json!({ "amount": 500 }));
    let (day, _) = summed(&[sale(1, 1190), sale(2, 595), back(3, 200), paid_out, plain("void", 5)]);
    let totals = day.totals();
    let sum = |measure| totals.minor(eur(), &measure);
    assert_eq!((totals.receipts, totals.count("sale"), totals.count("void")), (3, 2, 1));
    assert_eq!((sum(Measure::Gross), sum(Measure::Returns)), (1785, 200));
    let tax = Measure::Tax { code: "A".to_owned(), rate: "19".to_owned() };
    assert_eq!(sum(tax), 190 + 95);
    let cash = protocol::event::TenderKind::Cash;
    assert_eq!((sum(Measure::In(cash)), sum(Measure::Out(cash))), (1985, 400));
    assert_eq!(totals.brought_in(eur()).minor, 1785 - 200 - 500);
}

#[test]
fn a_z_that_its_receipts_bear_out_says_nothing_and_one_cent_off_is_named() {
    let right = json!({ "number": 311, "counts": { "sale": 2, "return": 1 }, "gross": 1785,
        "returns": 200, "tax": [{ "code": "A", "rate": "19", "amount": 285 }],
        "tenders": [{ "kind": "cash", "in": 1785, "out": 200 }], "overShort": -50 });
    let receipts = [sale(1, 1190), sale(2, 595), back(3, 200)];
    let closed = |z_report: Value| {
        let mut all = receipts.to_vec();
        all.push(z(4, z_report));
        summed(&all)
    };
    let (right_day, told) = closed(right.clone());
    assert_eq!(told, []);
    assert!(right_day.is_closed() && right_day.zs()[0].figures().iter().all(Stated::holds));
    let wrong = with(right, json!({ "gross": 1786 }));
    let (_, told) = closed(wrong);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].amount.unwrap().minor, 1);
    let said = "Z 311 of register 2 on 2026-11-23 differs from its receipts; sales less returns: \
                the Z says 15.86 EUR, the receipts 15.85 EUR";
    assert_eq!(told[0].reason, said);
}

#[test]
fn every_figure_that_a_z_states_is_held_against_its_receipts() {
    let card = json!({ "paidIn": 1, "paidOut": 1, "pickups": 1, "loans": 1, "discounts": 1,
        "rounding": 1, "giftCards": { "issued": 1, "redeemed": 1 }, "counts": { "no_sale": 1 },
        "foreignCash": [{ "currency": "USD", "in": 1 }], "tax": [{ "code": "B", "amount": 1 }],
        "tenders": [{ "kind": "card", "in": 1 }] });
    for (field, value) in card.as_object().unwrap() {
        let (_, told) = summed(&[sale(1, 1190), z(2, json!({ field.as_str(): value }))]);
        assert_eq!(told.len(), 1, "{field}");
    }
}

#[test]
fn what_comes_after_the_z_is_a_supplement_and_the_z_stays_right() {
    let report = json!({ "gross": 1190, "counts": { "sale": 1 } });
    let (day, told) = summed(&[sale(1, 1190), z(2, report), sale(3, 595)]);
    assert_eq!(told, []);
    assert!(day.is_closed());
    assert_eq!(day.supplement().brought_in(eur()).minor, 595);
    assert_eq!(day.totals().brought_in(eur()).minor, 1785);
    let late = addition(&event(
        "transaction",
        with(
            heading("sale", 4),
            json!({ "flags": ["late"], "total": { "amount": 100, "direction": "in" } }),
        ),
    ));
    let (day, told) = summed(&[late.unwrap(), sale(1, 1190), z(2, json!({ "gross": 1190 }))]);
    assert_eq!((told.len(), day.supplement().brought_in(eur()).minor), (0, 100));
}

#[test]
fn a_day_that_is_opened_again_closes_again_over_what_came_since_or_over_the_whole() {
    let first =
        json!({ "number": 1, "firstReceipt": "000001", "lastReceipt": "000002", "gross": 1190 });
    let since =
        json!({ "number": 2, "firstReceipt": "000004", "lastReceipt": "000005", "gross": 595 });
    let whole =
        json!({ "number": 2, "firstReceipt": "000001", "lastReceipt": "000005", "gross": 1785 });
    for (second, zs) in [(since, 2), (whole, 1)] {
        let mut all = vec![sale(1, 1190), sale(2, 0), z(3, first.clone())];
        all.extend([till("open", 4, json!({})), sale(5, 595)]);
        let (open, _) = summed(&all);
        assert!(!open.is_closed());
        all.push(z(6, second));
        let (day, told) = summed(&all);
        assert_eq!(told, []);
        assert!(day.is_closed());
        assert_eq!(day.zs().len(), zs);
        assert_eq!(day.supplement().receipts, 0);
    }
}

#[test]
fn a_basket_put_aside_stays_named_until_it_is_taken_up_again() {
    let resume = with(
        heading("resume", 4),
        json!({ "total": { "amount": 0, "direction": "in" }, "original": { "store": "0042",
            "register": "2", "businessDate": "2026-11-23", "receipt": "000002" } }),
    );
    let resume = of("transaction", resume);
    let (place, receipt) = resume.resumed().unwrap();
    assert_eq!(place.1.to_string(), "2026-11-23");
    let (mut day, _) = summed(&[plain("suspend", 2), plain("suspend", 3)]);
    day.resume(receipt);
    let open: Vec<_> = day.suspended().collect();
    assert_eq!(open, [Suspended("000003".to_owned())]);
    day.resume("000009");
    day.take(&plain("suspend", 9), None);
    assert_eq!(day.suspended().count(), 1, "what was taken up before is not put aside");
}

#[test]
fn numbers_that_are_not_there_are_pending_then_missing_unless_a_person_says_why() {
    let (mut day, _) = summed(&[sale(1, 1), sale(2, 1), sale(5, 1), sale(4, 1), sale(9, 1)]);
    let named = |day: &RegisterDay, open| -> Vec<(String, String, GapState)> {
        let gaps = day.numbers.gaps(open).into_iter();
        gaps.map(|gap| (gap.first, gap.last, gap.state)).collect()
    };
    let gap = |first: &str, last: &str, state| (first.to_owned(), last.to_owned(), state);
    let (pending, missing) = (GapState::Pending, GapState::Missing);
    assert_eq!(
        named(&day, true),
        [gap("000003", "000003", pending), gap("000006", "000008", pending)]
    );
    day.numbers.declare(Declared {
        first: "000006".to_owned(),
        last: "000008".to_owned(),
        reason: "the printer was exchanged".to_owned(),
        by: "anna".to_owned(),
        at: Timestamp::UNIX_EPOCH,
    });
    let expected = [gap("000003", "000003", missing), gap("000006", "000008", GapState::Declared)];
    assert_eq!(named(&day, false), expected);
    day.take(&sale(3, 1), None);
    assert_eq!(named(&day, false), [gap("000006", "000008", GapState::Declared)]);
}

#[test]
fn a_z_names_numbers_that_never_came_at_either_end() {
    let report = json!({ "firstReceipt": "000001", "lastReceipt": "000005" });
    let (day, _) = summed(&[sale(2, 1), sale(3, 1), z(6, report)]);
    let gaps: Vec<_> =
        day.numbers.gaps(false).into_iter().map(|gap| (gap.first, gap.count)).collect();
    assert_eq!(gaps, [("000001".to_owned(), 1), ("000004".to_owned(), 2)]);
}

#[test]
fn a_number_that_stands_twice_is_told_apart_from_the_counters_next_round() {
    let again = with(
        heading("sale", 1),
        json!({ "counterCycle": 1, "total": { "amount": 1, "direction": "in" } }),
    );
    let (day, _) = summed(&[sale(1, 1), sale(2, 1), of("transaction", again), back(2, 1)]);
    let (twice, count) = day.numbers.twice();
    assert_eq!((count, twice[0].receipt.as_str(), twice[0].kind.as_str()), (1, "000002", "return"));
}

#[test]
fn a_day_reads_back_from_its_text() {
    let report = json!({ "number": 1, "gross": 1190, "tax": [{ "code": "a:b", "rate": "19", "amount": 1 }] });
    let (day, _) = summed(&[sale(1, 1190), plain("suspend", 2), z(3, report)]);
    let text = serde_json::to_string(&day).unwrap();
    assert_eq!(serde_json::from_str::<RegisterDay>(&text).unwrap(), day);
}

#[test]
fn what_is_brought_in_is_what_the_connectors_reckon_with() {
    for (kind, data) in [
        (
            "transaction",
            with(heading("sale", 1), json!({ "total": { "amount": 300, "direction": "in" } })),
        ),
        (
            "transaction",
            with(heading("return", 2), json!({ "total": { "amount": 300, "direction": "out" } })),
        ),
        (
            "transaction",
            with(heading("void", 3), json!({ "total": { "amount": 300, "direction": "in" } })),
        ),
        ("till", with(heading("paid_out", 4), json!({ "amount": 700 }))),
        ("till", with(heading("pickup", 5), json!({ "amount": 700 }))),
    ] {
        let event = event(kind, data);
        let reckoned = crate::connectors::brought_in(&event).map_or(0, |money| money.minor);
        let added = addition(&event).unwrap().totals.brought_in(eur()).minor;
        assert_eq!(added, reckoned, "{event:?}");
    }
}

#[test]
fn a_counter_goes_on_begins_again_or_leaves_numbers_between_two_days() {
    let (yesterday, _) = summed(&[sale(7, 1), sale(8, 1)]);
    let after = |receipt| {
        let (today, _) = summed(&[sale(receipt, 1)]);
        today.numbers.after(&yesterday.numbers, false)
    };
    assert_eq!(after(9), Counter::Continues);
    assert_eq!(after(1), Counter::Resets);
    let Counter::Leaves(gap) = after(12) else { panic!("{:?}", after(12)) };
    assert_eq!((gap.first.as_str(), gap.last.as_str(), gap.count), ("000009", "000011", 3));
    assert_eq!(Numbers::default().after(&yesterday.numbers, false), Counter::Unknown);
}

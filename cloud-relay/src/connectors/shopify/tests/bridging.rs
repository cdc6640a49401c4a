//! Orders, refunds and bridging items together come to what the POS took, to the minor unit.

use jiff::Timestamp;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use protocol::envelope::Event;
use protocol::event::{Direction, LineKind, TransactionKind};
use protocol::money::{Currency, Money};
use serde_json::Value;

use super::goldens::{EVENTS, order_variables, standing_for};
use super::properties::{Drawn, balanced, line, total_at_shopify};
use super::{calls, event, transaction, transaction_mut, wording};
use crate::connectors::bridging_cases::{each_item_is_needed, kinds, sum, taken};
use crate::connectors::shopify::map::refund::{self, Standing, StandingLine, StandingPayment};
use crate::connectors::shopify::map::{self, Action};
use crate::connectors::{BridgingItem, Mode};

/// An order that sold every line, and was paid with more than any of them costs.
fn order_of_everything(lines: usize) -> Standing {
    let line = |number: usize| StandingLine {
        id: format!("gid://shopify/LineItem/{number}"),
        sku: Some(format!("S{number}")),
        refundable: 1_000,
        line: u32::try_from(number).ok(),
        measured: None,
    };
    let id = "gid://shopify/OrderTransaction/1".to_owned();
    Standing {
        id: "gid://shopify/Order/1".to_owned(),
        name: "#1001".to_owned(),
        lines: (1..=lines).map(line).collect(),
        payments: vec![StandingPayment { id, gateway: "cash".to_owned(), left: 1_000_000_000 }],
    }
}

/// What the request bodies of an event come to: orders less refunds.
fn documents(event: &Event, order: &Standing) -> i64 {
    let mut sum = 0;
    for call in calls(event, Timestamp::MAX) {
        match Action::of(&call.planned) {
            Some(Action::OrderCreate) => sum += total_at_shopify(&order_variables(event)["order"]),
            Some(Action::RefundCreate) => {
                let transaction = transaction(event);
                let part = usize::try_from(call.planned.part).unwrap();
                let group = &refund::groups(transaction)[part];
                let input =
                    refund::input(event, transaction, group, order, call.key, &wording()).unwrap();
                sum -= paid_back(&input["transactions"], transaction.currency);
            }
            _ => assert_ne!(call.planned.mode, Mode::Document),
        }
    }
    sum
}

fn paid_back(transactions: &Value, currency: Currency) -> i64 {
    let transactions = transactions.as_array().unwrap().iter();
    let amount = |paid: &Value| paid["amount"].as_str().unwrap().to_owned();
    transactions.map(|paid| Money::from_decimal(&amount(paid), currency).unwrap().minor).sum()
}

/// What the deliveries of an event are told to come to while they wait.
fn planned(event: &Event) -> i64 {
    let amount = |planned: &crate::connectors::Planned| {
        let minor = planned.amount.map_or(0, |amount| amount.minor);
        match Action::of(planned) {
            Some(Action::OrderCreate) => minor,
            Some(Action::RefundCreate) => -minor,
            _ => 0,
        }
    };
    map::plan(event).iter().map(amount).sum()
}

fn drawn(
    lines: &[Drawn],
    kinds: (TransactionKind, LineKind),
    figures: (i64, bool, i64, i64),
) -> Event {
    let (discount_share, on_basket, rounding, change) = figures;
    let mut event = balanced(lines, discount_share, on_basket, rounding, change);
    let transaction = transaction_mut(&mut event);
    transaction.kind = kinds.0;
    if kinds.0 == TransactionKind::PostVoid {
        transaction.original = Some(transaction.reference());
    }
    for line in transaction.lines.iter_mut().filter(|line| line.direction == Direction::In) {
        line.kind = kinds.1;
    }
    event
}

proptest! {
    #[test]
    fn orders_less_refunds_and_bridging_items_are_what_the_receipt_brought_in(
        lines in proptest::collection::vec(line(), 1..12), kinds in kinds(),
        figures in (0_i64..60, any::<bool>(), -4_i64..5, 0_i64..5_000),
    ) {
        let event = drawn(&lines, kinds, figures);
        let documents = documents(&event, &order_of_everything(lines.len()));
        prop_assert_eq!(taken(&event), documents + sum(&map::bridging(&event)));
        prop_assert!(each_item_is_needed(&event, &map::bridging(&event), documents));
        prop_assert_eq!(planned(&event), documents);
    }

    #[test]
    fn figures_that_do_not_add_up_are_the_remainder(
        lines in proptest::collection::vec(line(), 1..12),
        figures in (0_i64..60, any::<bool>(), -4_i64..5, 0_i64..5_000), off in 1_i64..5_000,
    ) {
        let mut event = drawn(&lines, (TransactionKind::Exchange, LineKind::Item), figures);
        let before = map::bridging(&event);
        let total = transaction(&event).signed_total().minor + off;
        let stated = protocol::event::transaction::Total {
            amount: protocol::money::Amount::new(total.abs()).unwrap(),
            direction: if total < 0 { Direction::Out } else { Direction::In },
        };
        transaction_mut(&mut event).total = Some(stated);
        let after = map::bridging(&event);
        prop_assert_eq!(taken(&event), planned(&event) + sum(&after));
        let (last, rest) = after.split_last().unwrap();
        prop_assert_eq!(rest, before.as_slice());
        prop_assert_eq!(last.item, BridgingItem::Remainder);
        prop_assert_eq!(last.amount.minor, off);
    }
}

#[test]
fn every_golden_keeps_the_equation_and_needs_each_of_its_items() {
    for (name, sale) in EVENTS {
        let event = event(name);
        let documents = documents(&event, &standing_for(sale));
        let items = map::bridging(&event);
        assert!(each_item_is_needed(&event, &items, documents), "{name}: {items:?}");
    }
}

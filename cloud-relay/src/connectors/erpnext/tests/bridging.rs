//! Invoices, credit notes and bridging items together come to what the POS took, to the minor unit.

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use protocol::envelope::Event;
use protocol::event::{LineKind, TransactionKind};
use protocol::id::StoreId;

use super::goldens::EVENTS;
use super::properties::{Drawn, balanced, line, original, total_at_erpnext};
use super::{back, calls, document, event, plain, settings, sold, transaction, transaction_mut};
use crate::connectors::bridging_cases::{each_item_is_needed, kinds, sum, taken};
use crate::connectors::erpnext::config::Settings;
use crate::connectors::erpnext::map::{self, Action};
use crate::connectors::{BridgingItem, TargetRef};

/// What the bodies of an event come to: invoices, and credit notes, which are negative there.
fn documents(event: &Event, settings: &Settings, original: &TargetRef) -> i64 {
    let mut sum = 0;
    for call in calls(event, settings) {
        if matches!(Action::of(&call.planned), Some(Action::InvoiceSale | Action::InvoiceReturn)) {
            sum += total_at_erpnext(&document(&back(call, original), settings).body);
        }
    }
    sum
}

/// What the deliveries of an event are told to come to while they wait.
fn planned(event: &Event, settings: &Settings) -> i64 {
    let amount = |planned: &crate::connectors::Planned| {
        let minor = planned.amount.map_or(0, |amount| amount.minor);
        match Action::of(planned) {
            Some(Action::InvoiceSale) => minor,
            Some(Action::InvoiceReturn) => -minor,
            _ => 0,
        }
    };
    map::plan(event, settings).iter().map(amount).sum()
}

fn drawn(
    lines: &[Drawn],
    kinds: (TransactionKind, LineKind),
    figures: (i64, bool, i64, i64),
) -> Event {
    let (share, on_basket, rounding, change) = figures;
    // Rounding is of cash that changes hands.
    let is_mixed = lines.iter().any(Drawn::comes_back);
    let is_small = lines.iter().map(Drawn::gross).sum::<i64>() < 200;
    let rounding = if is_mixed || is_small { 0 } else { rounding };
    let mut event = balanced(lines, share, on_basket, rounding, change);
    let transaction = transaction_mut(&mut event);
    transaction.kind = kinds.0;
    if kinds.0 == TransactionKind::PostVoid {
        transaction.original = Some(transaction.reference());
    }
    for line in transaction.lines.iter_mut() {
        line.kind = kinds.1;
    }
    event
}

proptest! {
    #[test]
    fn invoices_credit_notes_and_bridging_items_are_what_the_receipt_brought_in(
        lines in proptest::collection::vec(line(), 1..10), kinds in kinds(),
        figures in (0_i64..60, any::<bool>(), -4_i64..5, 0_i64..5_000), is_elsewhere in 0_u8..8,
    ) {
        let settings = if is_elsewhere == 0 {
            settings("https://erp.example.com", "unlisted_stores = \"skip\"")
        } else {
            plain()
        };
        let mut event = drawn(&lines, kinds, figures);
        if is_elsewhere == 0 {
            transaction_mut(&mut event).store = StoreId::new("0099").unwrap();
        }
        let documents = documents(&event, &settings, &original(lines.len()));
        prop_assert_eq!(taken(&event), documents + sum(&map::bridging(&event, &settings)));
        prop_assert!(each_item_is_needed(&event, &map::bridging(&event, &settings), documents));
        prop_assert_eq!(planned(&event, &settings), documents);
    }

    #[test]
    fn figures_that_do_not_add_up_are_the_remainder(
        lines in proptest::collection::vec(line(), 1..10),
        figures in (0_i64..60, any::<bool>(), -4_i64..5, 0_i64..5_000), off in 1_i64..5_000,
    ) {
        let settings = plain();
        let mut event = drawn(&lines, (TransactionKind::Sale, LineKind::Item), figures);
        let total = transaction(&event).signed_total().minor;
        // Which side is rounded follows from the way of the total, so that stays.
        let off = if total < 0 { -off } else { off };
        let stated = protocol::event::transaction::Total {
            amount: protocol::money::Amount::new((total + off).abs()).unwrap(),
            direction: transaction(&event).total.unwrap().direction,
        };
        transaction_mut(&mut event).total = Some(stated);
        let items = map::bridging(&event, &settings);
        prop_assert_eq!(taken(&event), planned(&event, &settings) + sum(&items));
        let told: Vec<_> = items.iter().map(|b| (b.item, b.amount.minor)).collect();
        prop_assert_eq!(told, [(BridgingItem::Remainder, off)]);
    }
}

#[test]
fn every_golden_keeps_the_equation_and_needs_each_of_its_items() {
    let settings = plain();
    for (name, sale) in EVENTS {
        let event = event(name);
        let original =
            sale.map_or_else(|| original(0), |sale| sold(&super::event(sale), &settings));
        let documents = documents(&event, &settings, &original);
        let items = map::bridging(&event, &settings);
        assert!(each_item_is_needed(&event, &items, documents), "{name}: {items:?}");
    }
}

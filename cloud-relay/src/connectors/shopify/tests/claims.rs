//! The common suite for connectors, before the simulated shop, whose books count the effects.
//!
//! Counts are not in it: the suite makes a bundle anew under a key that was used, and a count made
//! anew reads another level. Dispatch never does that; `stock` tries counts.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use simulated_shopify::{Disruption, Faults, Rule};

use super::shop::{self, Opened};
use crate::connectors::conformance::{Bench, Fault, conforms};
use crate::connectors::{Call, Connector, Mode, Original, Verdict};

/// The longest that Shopify's search lags.
const LAG_SECONDS: u32 = 120;

/// What the suite sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sends {
    Orders,
    Refunds,
    Stock,
}

struct ShopBench {
    opened: Opened,
    sends: Sends,
    call: Call,
}

impl ShopBench {
    async fn new(sends: Sends) -> Self {
        let opened = Opened::new(shop::setup()).await;
        let sale = opened.calls("sale_with_discount");
        let call = match sends {
            Sends::Orders => sale[0].clone(),
            Sends::Stock => sale[1].clone(),
            Sends::Refunds => {
                let verdict = opened.connector.create(&sale[0]).await.outcome;
                let Verdict::Done(reference) = verdict else { panic!("{verdict:?}") };
                let mut back = opened.calls("post_void_of_a_sale")[0].clone();
                let natural_key = back.planned.depends_on[0].clone();
                back.originals = vec![Original { natural_key, reference }];
                back
            }
        };
        Self { opened, sends, call }
    }
}

impl Bench for ShopBench {
    fn connector(&self) -> Arc<dyn Connector> {
        self.opened.connector.clone()
    }
    fn modes(&self) -> Vec<Mode> {
        vec![self.call.planned.mode]
    }
    fn call(&self, _number: u32, _mode: Mode) -> Call {
        self.call.clone()
    }
    fn fault(&self, fault: Fault) {
        let disruption = match fault {
            Fault::Status(status) => Disruption::ErrorBefore { status },
            Fault::AnswerLost => Disruption::CloseAfter,
            Fault::NothingDone => Disruption::CloseBefore,
            Fault::Html => Disruption::HtmlBefore,
            Fault::Hidden => Disruption::HiddenFor { seconds: LAG_SECONDS },
        };
        // A refused token is renewed once, so a shop that refuses credentials refuses both.
        let times = if fault == Fault::Status(401) { 2 } else { 1 };
        let rule = Rule::next(times, disruption)
            .on("orderCreate")
            .on("refundCreate")
            .on("inventoryAdjustQuantities");
        self.opened.shop.set_faults(Faults { rules: vec![rule], ..Faults::default() });
    }
    fn effects(&self, call: &Call) -> usize {
        let books = self.opened.shop.books();
        let key = call.key.to_string();
        match self.sends {
            Sends::Orders => {
                let orders = books.orders.iter();
                orders.filter(|order| order.source_identifier.as_ref() == Some(&key)).count()
            }
            Sends::Refunds => books.orders.iter().map(|order| order.refunds.len()).sum(),
            Sends::Stock => {
                let moved = self.opened.moved("4711");
                usize::try_from(-moved / 3).expect("three pencils are sold, none comes back")
            }
        }
    }
    fn pass(&self, time: Duration) {
        self.opened.shop.advance(SignedDuration::try_from(time).unwrap());
    }
    fn secrets(&self) -> Vec<String> {
        vec!["shpat_".to_owned(), "storefront-secret".to_owned(), "Pencil".to_owned()]
    }
}

/// More benches than the suite opens.
const BENCHES: usize = 24;

async fn conform(sends: Sends) {
    let mut benches = Vec::new();
    for _ in 0..BENCHES {
        benches.push(ShopBench::new(sends).await);
    }
    let benches = RefCell::new(benches);
    conforms(|| Box::new(benches.borrow_mut().pop().expect("there are benches enough"))).await;
}

#[tokio::test]
async fn orders_conform() {
    conform(Sends::Orders).await;
}

#[tokio::test]
async fn refunds_conform() {
    conform(Sends::Refunds).await;
}

#[tokio::test]
async fn stock_deltas_conform() {
    conform(Sends::Stock).await;
}

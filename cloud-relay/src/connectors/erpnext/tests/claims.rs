//! The common suite for connectors, before the simulated site, whose books count the effects.
//!
//! Every document here has a key, so all of them are of one mode; the suite is run for a sale, a
//! return, a stock entry and a count. A look-up at ERPNext reads what was committed, so nothing is
//! ever hidden from it.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use simulated_erpnext::{Disruption, Faults, Rule};

use super::back;
use super::site::{Opened, setup};
use crate::connectors::conformance::{Bench, Fault, conforms};
use crate::connectors::{Call, Connector, Mode};

struct SiteBench {
    opened: Opened,
    call: Call,
}

impl SiteBench {
    async fn new(name: &str, sale: Option<&str>) -> Self {
        let opened = Opened::new(setup()).await;
        let mut call = opened.calls(name).remove(0);
        if let Some(sale) = sale {
            let sale = opened.all(sale, None).await.remove(0);
            call = back(call, &sale);
        }
        Self { opened, call }
    }
}

impl Bench for SiteBench {
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
            Fault::Hidden => return,
        };
        let rule = Rule::next(1, disruption).on("create").on("submit");
        self.opened.site.set_faults(Faults { rules: vec![rule], ..Faults::default() });
    }
    fn effects(&self, call: &Call) -> usize {
        let standing = self.opened.standing(call);
        standing.iter().filter(|document| document["docstatus"] == 1).count()
    }
    fn pass(&self, time: Duration) {
        self.opened.site.advance(SignedDuration::try_from(time).unwrap());
    }
    fn secrets(&self) -> Vec<String> {
        vec!["site-secret".to_owned(), "Pencil".to_owned(), "Ink".to_owned()]
    }
}

/// More benches than the suite opens.
const BENCHES: usize = 24;

async fn conform(name: &str, sale: Option<&str>) {
    let mut benches = Vec::new();
    for _ in 0..BENCHES {
        benches.push(SiteBench::new(name, sale).await);
    }
    let benches = RefCell::new(benches);
    conforms(|| Box::new(benches.borrow_mut().pop().expect("there are benches enough"))).await;
}

#[tokio::test]
async fn sales_conform() {
    conform("sale_with_discount", None).await;
}

#[tokio::test]
async fn returns_conform() {
    conform("return_of_two_of_three", Some("sale_with_split_line")).await;
}

#[tokio::test]
async fn stock_entries_conform() {
    conform("stock_adjustment", None).await;
}

#[tokio::test]
async fn counts_conform() {
    conform("stock_count", None).await;
}

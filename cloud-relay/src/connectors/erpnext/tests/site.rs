//! Invoices at a simulated site: posted, paid, given back, and read back.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;
use simulated_erpnext::{Item, ModeOfPayment, Setup, Site, serve};
use tokio::sync::oneshot;

use super::{back, calls, cents, event, settings};
use crate::connectors::erpnext::Erpnext;
use crate::connectors::{Call, Connector, ExceptionClass, Found, TargetRef, Unanswered, Verdict};
use crate::http::Http;

/// When every site is opened: after the events of `testdata`.
const OPENED: &str = "2026-11-24T12:00:00Z";

/// A site with what the settings of the tests name, and what the events sell.
pub(super) fn setup() -> Setup {
    let item = |code: &str, unit: &str, stocked: bool| Item {
        code: code.to_owned(),
        unit: unit.to_owned(),
        stocked,
        negative: true,
        disabled: false,
    };
    let mode = |name: &str, account: &str| ModeOfPayment {
        name: name.to_owned(),
        kind: "General".to_owned(),
        account: Some(account.to_owned()),
    };
    let mut setup = Setup::new("North", "N")
        .with_warehouse("Floor")
        .with_warehouse("Scrap")
        .with_warehouse("Stockroom")
        .with_account("VAT A", "Liability", "Tax")
        .with_account("VAT B", "Liability", "Tax")
        .with_account("Sales Tax NY", "Liability", "Tax")
        .with_account("Sales Tax NYC", "Liability", "Tax")
        .with_account("Vouchers", "Liability", "Bank")
        .with_account("Foreign Cash", "Asset", "Cash")
        .with_account("On Account", "Asset", "Bank")
        .with_account("Goods Back", "Asset", "Bank");
    setup.items =
        ["4711", "5000", "9", "04006381333931"].map(|code| item(code, "Nos", true)).to_vec();
    setup.items.extend(["2000", "3000"].map(|code| item(code, "Kg", true)));
    let without_stock = ["GIFT-CARD", "D", "PREPAYMENT", "TIP", "DONATION", "UNMOVED"];
    setup.items.extend(without_stock.map(|code| item(code, "Nos", false)));
    setup.modes_of_payment.push(mode("Gift Card", "Vouchers"));
    setup.modes_of_payment.push(mode("Foreign Cash", "Foreign Cash"));
    setup.modes_of_payment.push(mode("On Account", "On Account"));
    setup.modes_of_payment.push(mode("Goods Back", "Goods Back"));
    setup
}

/// A served site and the connector to it.
pub(super) struct Opened {
    pub(super) site: Site,
    pub(super) connector: Arc<Erpnext>,
    /// Dropping it ends the server.
    _stop: oneshot::Sender<()>,
}

impl Opened {
    pub(super) async fn new(setup: Setup) -> Self {
        let opened = Self::unchecked(setup, "").await;
        let checked = opened.connector.check().await.unwrap();
        assert!(checked.is_well(), "{checked:?}");
        opened
    }

    /// Before the check, which may find that something is missing.
    pub(super) async fn unchecked(setup: Setup, more: &str) -> Self {
        let opened_at: Timestamp = OPENED.parse().unwrap();
        let site = Site::new(setup, Arc::new(move || opened_at));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = serve(listener, site.clone(), async {
            // The sender is dropped, never used.
            assert!(stopped.await.is_err());
        });
        tokio::spawn(served);
        Self { site, connector: Arc::new(connector(address, more)), _stop: stop }
    }

    pub(super) fn calls(&self, name: &str) -> Vec<Call> {
        calls(&event(name), &self.connector.settings)
    }

    /// Posts a document as the relay does.
    pub(super) async fn post(&self, call: &Call) -> Verdict {
        let draft = match self.connector.create(call).await.outcome {
            Verdict::Resume(draft) => draft,
            verdict => return verdict,
        };
        self.connector.commit(call, &draft).await.outcome
    }

    /// Posts a document and reads it back.
    pub(super) async fn posted(&self, call: &Call) -> TargetRef {
        let verdict = self.post(call).await;
        let Verdict::Done(reference) = verdict else { panic!("{verdict:?}") };
        let again = self.connector.verify(call, &reference).await.outcome;
        assert_eq!(again, Verdict::Done(reference.clone()), "it reads back as it was posted");
        reference
    }

    /// Posts everything that an event calls for, what comes back against this sale.
    pub(super) async fn all(&self, name: &str, sale: Option<&TargetRef>) -> Vec<TargetRef> {
        let mut posted = Vec::new();
        for call in self.calls(name) {
            let call = sale.map_or(call.clone(), |sale| back(call, sale));
            posted.push(self.posted(&call).await);
        }
        posted
    }

    pub(super) fn stock(&self, item: &str, warehouse: &str) -> Decimal {
        let stock = self.site.summary().stock;
        stock.get(&format!("{item} @ {warehouse} - N")).copied().unwrap_or_default()
    }

    /// The documents of the site that hold the key of a call.
    pub(super) fn standing(&self, call: &Call) -> Vec<Value> {
        let books = self.site.books();
        let key = call.key.to_string();
        let all = ["Sales Invoice", "Stock Entry", "Stock Reconciliation"].into_iter();
        all.flat_map(|doctype| books.holding(doctype, "storekeep_key", &key).into_iter().cloned())
            .collect()
    }
}

fn connector(address: SocketAddr, more: &str) -> Erpnext {
    let mut settings = settings(&format!("http://{address}"), more);
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut secret.as_file(), b"site-secret").unwrap();
    settings.api_secret_file = Some(secret.path().to_owned());
    Erpnext::new(settings, Http::new().unwrap().client().clone()).unwrap()
}

pub(super) fn class_of(verdict: Verdict) -> (ExceptionClass, String) {
    match verdict {
        Verdict::Exception { class, reason } => (class, reason),
        verdict => panic!("{verdict:?}"),
    }
}

#[tokio::test]
async fn every_sale_stands_with_its_total_paid_and_at_its_moment() {
    let opened = Opened::new(setup()).await;
    for (name, total) in [
        ("sale_with_discount", 637),
        ("sale_with_tax_on_top", 2_578),
        ("sale_with_split_line", 995),
        ("sale_of_weighed_goods", 306),
        ("sale_with_tenders_and_rounding", 2_480),
        ("sale_after_midnight_with_gift_card", 2_500),
    ] {
        opened.all(name, None).await;
        let invoice = &opened.standing(&opened.calls(name)[0])[0];
        assert_eq!(cents(&invoice["grand_total"]), total, "{name}");
        assert_eq!(cents(&invoice["outstanding_amount"]), 0, "{name}");
        assert_eq!(invoice["posting_date"], "2026-11-23", "{name}");
    }
    let summary = opened.site.summary();
    assert_eq!(summary.debit, summary.credit);
    assert_eq!(opened.stock("4711", "Floor"), Decimal::from(-3 - 2 - 3 - 2 - 1));
    assert_eq!(opened.stock("2000", "Floor"), Decimal::new(-2_523, 3));
}

#[tokio::test]
async fn a_return_is_a_credit_note_on_its_sale_and_unsellable_goods_stay_apart() {
    let opened = Opened::new(setup()).await;
    let sale = opened.all("sale_with_split_line", None).await.remove(0);
    opened.all("return_of_two_of_three", Some(&sale)).await;
    let credit = &opened.standing(&opened.calls("return_of_two_of_three")[0])[0];
    assert_eq!((cents(&credit["grand_total"]), &credit["is_return"]), (-603, &1.into()));
    assert_eq!(credit["return_against"], sale.id.as_str());
    assert_eq!(opened.stock("4711", "Floor"), Decimal::from(-3));
    assert_eq!(opened.stock("4711", "Scrap"), Decimal::TWO);
    opened.all("return_without_receipt", None).await;
    assert_eq!(opened.stock("4711", "Floor"), Decimal::from(-2));
}

#[tokio::test]
async fn an_exchange_settles_through_the_carrying_account_and_clears_it() {
    let opened = Opened::new(setup()).await;
    let sale = opened.all("sale_with_discount", None).await.remove(0);
    for (name, paid) in [("exchange_for_more", 620), ("exchange_for_less", -121)] {
        let opened = Opened::new(setup()).await;
        let sold = opened.all("sale_with_discount", None).await.remove(0);
        assert_eq!(sold.id, sale.id, "each site names its first invoice alike");
        let before = opened.site.books().balance("Cash - N");
        opened.all(name, Some(&sold)).await;
        let books = opened.site.books();
        assert_eq!(books.balance("Goods Back - N"), Decimal::ZERO, "{name}");
        assert_eq!(books.balance("Cash - N") - before, Decimal::new(paid, 2), "{name}");
    }
}

#[tokio::test]
async fn goods_of_an_exchange_are_credited_on_the_invoice_of_the_exchange() {
    let opened = Opened::new(setup()).await;
    let sale = opened.all("sale_with_discount", None).await.remove(0);
    let exchange = opened.all("exchange_for_more", Some(&sale)).await.remove(0);
    opened.all("return_of_exchanged_goods", Some(&exchange)).await;
    let credit = &opened.standing(&opened.calls("return_of_exchanged_goods")[0])[0];
    assert_eq!(credit["return_against"], exchange.id.as_str());
    assert_eq!(cents(&credit["grand_total"]), -999);
    assert_eq!(opened.stock("5000", "Floor"), Decimal::ZERO);
}

#[tokio::test]
async fn every_kind_of_line_and_tender_stands_with_its_total() {
    let opened = Opened::new(setup()).await;
    for (name, total) in [
        ("gift_card_issued", 5_000),
        ("sale_paid_with_gift_card", 149),
        ("sale_with_taxes_of_two_jurisdictions", 2_712),
        ("exempt_sale", 1_999),
        ("sale_of_a_bundle", 999),
        ("sale_paid_in_foreign_cash", 149),
        ("sale_with_tip_and_donation", 300),
    ] {
        opened.all(name, None).await;
        let invoice = &opened.standing(&opened.calls(name)[0])[0];
        assert_eq!(cents(&invoice["grand_total"]), total, "{name}");
        assert_eq!(cents(&invoice["outstanding_amount"]), 0, "{name}");
    }
    opened.all("prepayment_applied", None).await;
    let layaway = opened.all("prepayment_taken", None).await.remove(0);
    opened.all("prepayment_applied_to_its_layaway", Some(&layaway)).await;
    let summary = opened.site.summary();
    assert_eq!(summary.debit, summary.credit);
    assert_eq!(opened.site.books().balance("Goods Back - N"), Decimal::ZERO);
}

#[tokio::test]
async fn a_post_void_gives_back_everything_and_a_second_one_is_an_over_return() {
    let opened = Opened::new(setup()).await;
    let sale = opened.all("sale_with_discount", None).await.remove(0);
    opened.all("post_void_of_a_sale", Some(&sale)).await;
    assert_eq!(opened.site.summary().grand_total, Decimal::ZERO);
    assert_eq!(opened.stock("4711", "Floor"), Decimal::ZERO);
    let mut again = event("post_void_of_a_sale");
    super::transaction_mut(&mut again).receipt = protocol::id::Receipt::new("000205").unwrap();
    let call = calls(&again, &opened.connector.settings).remove(0);
    let (class, reason) = class_of(opened.post(&back(call, &sale)).await);
    assert_eq!(class, ExceptionClass::OverReturn, "{reason}");
}

#[tokio::test]
async fn a_basket_with_its_own_taxes_and_a_deposit_back_is_two_documents() {
    let opened = Opened::new(setup()).await;
    let posted = opened.all("sale_with_basket_taxes_and_deposit_back", None).await;
    assert_eq!(posted.len(), 2);
    assert_eq!(opened.site.summary().grand_total, Decimal::new(1_055, 2));
    assert_eq!(opened.site.books().balance("Cash - N"), Decimal::new(1_055, 2));
}

#[tokio::test]
async fn a_document_is_found_as_a_draft_and_as_posted_and_resumed_from_its_key() {
    let opened = Opened::new(setup()).await;
    let call = opened.calls("sale_with_discount").remove(0);
    let find = || opened.connector.find(&call);
    assert_eq!(find().await.outcome, Ok(Found::None));
    let Verdict::Resume(draft) = opened.connector.create(&call).await.outcome else { panic!() };
    assert_eq!(find().await.outcome, Ok(Found::Draft(draft.clone())));
    // The answer was lost and the draft is created again: its key brings it back.
    assert_eq!(opened.connector.create(&call).await.outcome, Verdict::Resume(draft.clone()));
    let Verdict::Done(_) = opened.connector.commit(&call, &draft).await.outcome else { panic!() };
    assert_eq!(find().await.outcome, Ok(Found::Posted(draft.clone())));
    let again = opened.connector.create(&call).await.outcome;
    assert_eq!(again, Verdict::AlreadyDone(draft.clone()));
    let again = opened.connector.commit(&call, &draft).await.outcome;
    assert_eq!(again, Verdict::AlreadyDone(draft));
    assert_eq!(opened.standing(&call).len(), 1);
}

#[tokio::test]
async fn a_draft_that_somebody_changed_is_not_submitted() {
    let opened = Opened::new(setup()).await;
    let call = opened.calls("sale_with_discount").remove(0);
    let Verdict::Resume(draft) = opened.connector.create(&call).await.outcome else { panic!() };
    for (field, value, class) in [
        ("posting_date", serde_json::json!("2026-11-20"), ExceptionClass::MovedDate),
        ("taxes", serde_json::json!([]), ExceptionClass::Unbalanced),
    ] {
        let mut change = serde_json::Map::new();
        change.insert(field.to_owned(), value);
        opened.connector.client.edit("Sales Invoice", &draft.id, &Value::Object(change)).await;
        let (found, reason) = class_of(opened.connector.commit(&call, &draft).await.outcome);
        assert_eq!(found, class, "{reason}");
        assert!(reason.contains("nothing was posted"), "{reason}");
        let back = serde_json::json!({ "posting_date": "2026-11-23" });
        opened.connector.client.edit("Sales Invoice", &draft.id, &back).await;
    }
    assert_eq!(opened.site.summary().sales, 0);
}

#[tokio::test]
async fn the_check_makes_the_key_fields_once_and_names_what_is_missing() {
    let mut setup = setup();
    setup.warehouses.retain(|name| name != "Scrap");
    setup.modes_of_payment.retain(|mode| mode.name != "Goods Back");
    let opened = Opened::unchecked(setup, "").await;
    for _ in 0..2 {
        let checked = opened.connector.check().await.unwrap();
        let unwell: Vec<&str> = checked
            .findings
            .iter()
            .filter(|finding| !finding.well)
            .map(|finding| finding.subject.as_str())
            .collect();
        assert_eq!(unwell, ["Warehouse", "Mode of Payment"], "{checked:?}");
    }
    opened.all("sale_with_discount", None).await;
}

#[tokio::test]
async fn refused_credentials_pause_the_target() {
    let opened = Opened::new(setup()).await;
    let faults = simulated_erpnext::Faults { keys_revoked: true, ..Default::default() };
    opened.site.set_faults(faults);
    let checked = opened.connector.check().await;
    assert!(matches!(checked, Err(Unanswered::Paused { .. })), "{checked:?}");
    let call = opened.calls("sale_with_discount").remove(0);
    let found = opened.connector.find(&call).await.outcome;
    assert!(matches!(found, Err(Unanswered::Paused { .. })), "{found:?}");
}

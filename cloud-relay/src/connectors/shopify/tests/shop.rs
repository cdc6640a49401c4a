//! Orders at a simulated shop, and what goes wrong on the way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use simulated_shopify::{
    Disruption, Faults, Maintenance, Options, Rule, SearchLag, Setup, Shop, serve,
};
use tokio::sync::oneshot;

use super::{calls, event};
use crate::connectors::shopify::{Settings, Shopify};
use crate::connectors::{Call, Connector, ExceptionClass, Found, TargetRef, Unanswered, Verdict};
use crate::http::Http;

/// When every shop is opened: after the events of `testdata`.
const OPENED: &str = "2026-11-24T12:00:00Z";

/// A shop with our store's location, a stockroom, and what the events sell.
pub(super) fn setup() -> Setup {
    let mut setup = Setup::new("north.myshopify.com")
        .with_location("0042")
        .with_location("Stockroom")
        .with_variant("4711", Some("4006381333931"), "1.49", 100)
        .with_variant("2000", None, "2.50", 50)
        .with_variant("5000", None, "9.99", 10)
        .with_variant("4711-B", None, "1.99", 10);
    setup.search_lag = SearchLag { least_ms: 0, most_ms: 0 };
    setup
}

/// A served shop and the connector to it.
pub(super) struct Opened {
    pub(super) shop: Shop,
    pub(super) setup: Setup,
    address: SocketAddr,
    pub(super) connector: Arc<Shopify>,
    /// Dropping it ends the server.
    _stop: oneshot::Sender<()>,
}

impl Opened {
    pub(super) async fn new(setup: Setup) -> Self {
        Self::with(setup, "").await
    }

    /// With more settings than the least.
    pub(super) async fn with(setup: Setup, settings: &str) -> Self {
        let opened = Self::unchecked(setup, settings).await;
        let checked = opened.connector.check().await.unwrap();
        assert!(checked.is_well(), "{checked:?}");
        opened
    }

    /// Before the check, which may find that something is missing.
    async fn unchecked(setup: Setup, settings: &str) -> Self {
        let opened_at: Timestamp = OPENED.parse().unwrap();
        let shop = Shop::new(setup.clone(), Arc::new(move || opened_at));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = serve(listener, shop.clone(), async {
            // The sender is dropped, never used.
            assert!(stopped.await.is_err());
        });
        tokio::spawn(served);
        let connector = Arc::new(connector(address, settings));
        Self { shop, setup, address, connector, _stop: stop }
    }

    /// Another connector to the same shop.
    fn another(&self, settings: &str) -> Shopify {
        connector(self.address, settings)
    }

    /// The calls of an event of `testdata`, with the deadline of an attempt that begins now.
    pub(super) fn calls(&self, name: &str) -> Vec<Call> {
        calls(&event(name), self.deadline())
    }

    pub(super) fn deadline(&self) -> Timestamp {
        self.shop.now() + SignedDuration::from_secs(30)
    }

    /// How much the stock of an item moved at the store since the shop was opened.
    pub(super) fn moved(&self, sku: &str) -> i64 {
        let variant = self.setup.variants.iter().find(|v| v.sku.as_deref() == Some(sku)).unwrap();
        let at = self.setup.locations[0].gid();
        let books = self.shop.books();
        let available = books.level(variant.item_gid(), at).map_or(0, |level| level.available);
        let first =
            variant.available.iter().find(|(number, _)| *number == self.setup.locations[0].number);
        available - first.map_or(0, |(_, available)| *available)
    }

    pub(super) fn next(&self, disruption: Disruption, root_field: &str) {
        let rules = vec![Rule::next(1, disruption).on(root_field)];
        self.shop.set_faults(Faults { rules, ..Faults::default() });
    }

    /// Sells by an event of `testdata`; returns its call and the order.
    pub(super) async fn sell(&self, name: &str) -> (Call, TargetRef) {
        let call = self.calls(name)[0].clone();
        match self.connector.create(&call).await.outcome {
            Verdict::Done(reference) => (call, reference),
            verdict => panic!("{name}: {verdict:?}"),
        }
    }
}

fn connector(address: SocketAddr, settings: &str) -> Shopify {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut secret.as_file(), b"storefront-secret").unwrap();
    let text = format!(
        "shop = \"http://{address}\"\nclient_id = \"storefront-client\"\n\
         client_secret_file = {:?}\n{settings}",
        secret.path()
    );
    let settings: Settings = toml::from_str(&text).unwrap();
    Shopify::new(settings, client()).unwrap()
}

/// The relay's own client, connections kept and all.
fn client() -> reqwest::Client {
    Http::new().unwrap().client().clone()
}

pub(super) fn class_of(verdict: Verdict) -> (ExceptionClass, String) {
    match verdict {
        Verdict::Exception { class, reason } => (class, reason),
        verdict => panic!("{verdict:?}"),
    }
}

#[tokio::test]
async fn every_sale_stands_with_the_receipts_total_and_moves_no_stock() {
    let opened = Opened::new(setup()).await;
    for (name, total) in [
        ("sale_with_discount", "6.37"),
        ("sale_with_tax_on_top", "25.78"),
        ("sale_with_split_line", "9.95"),
        ("sale_of_weighed_goods", "3.06"),
        // 24.80 was paid; rounding settles the rest.
        ("sale_with_tenders_and_rounding", "24.82"),
        // 10.55 was paid and 1.00 brought back as bottles; 0.04 was rounded up.
        ("sale_with_basket_taxes_and_deposit_back", "11.51"),
        ("sale_with_both_kinds_of_tax", "22.79"),
        ("exchange_for_more", "9.99"),
        ("exchange_for_less", "1.29"),
    ] {
        let (call, reference) = opened.sell(name).await;
        let books = opened.shop.books();
        let order = books.orders.last().unwrap();
        assert_eq!(order.totals.total.shop.to_string(), total, "{name}");
        assert_eq!(order.source_identifier, Some(call.key.to_string()), "{name}");
        let read_back = opened.connector.verify(&call, &reference).await.outcome;
        assert_eq!(read_back, Verdict::Done(reference), "{name}");
    }
    assert_eq!(opened.moved("4711"), 0);
    assert!(opened.shop.books().adjustments.is_empty());
}

#[tokio::test]
async fn a_lost_answer_is_found_within_the_settle_time_although_searches_lag() {
    let mut setup = setup();
    setup.search_lag = SearchLag { least_ms: 120_000, most_ms: 120_000 };
    let opened = Opened::new(setup).await;
    let call = opened.calls("sale_with_discount")[0].clone();
    opened.next(Disruption::CloseAfter, "orderCreate");
    let verdict = opened.connector.create(&call).await.outcome;
    assert!(matches!(verdict, Verdict::Unknown { .. }), "{verdict:?}");
    assert_eq!(opened.connector.find(&call).await.outcome.unwrap(), Found::None);
    let settle_time = opened.connector.profile().settle_time;
    opened.shop.advance(SignedDuration::try_from(settle_time).unwrap());
    let found = opened.connector.find(&call).await.outcome.unwrap();
    let Found::Posted(reference) = found else { panic!("{found:?}") };
    let verdict = opened.connector.verify(&call, &reference).await.outcome;
    assert_eq!(verdict, Verdict::Done(reference));
    assert_eq!(opened.shop.books().orders.len(), 1);
}

#[tokio::test]
async fn an_order_without_its_key_is_found_by_its_source_within_the_settle_time() {
    let mut setup = setup();
    setup.search_lag = SearchLag { least_ms: 120_000, most_ms: 120_000 };
    let opened = Opened::new(setup).await;
    let (call, reference) = opened.sell("sale_with_discount").await;
    // Somebody has set another namespace, where no order has a key.
    let elsewhere = opened.another("metafield_namespace = \"elsewhere\"\n");
    assert!(elsewhere.check().await.unwrap().is_well());
    assert_eq!(elsewhere.find(&call).await.outcome.unwrap(), Found::None);
    let settle_time = elsewhere.profile().settle_time;
    opened.shop.advance(SignedDuration::try_from(settle_time).unwrap());
    assert_eq!(elsewhere.find(&call).await.outcome.unwrap(), Found::Posted(reference));
}

#[tokio::test]
async fn two_orders_under_one_key_are_never_settled_by_taking_one() {
    let opened = Opened::new(setup()).await;
    let (call, _) = opened.sell("sale_with_discount").await;
    opened.sell("sale_with_discount").await;
    let found = opened.connector.find(&call).await.outcome.unwrap();
    let Found::Posted(reference) = found else { panic!("{found:?}") };
    let (class, reason) = class_of(opened.connector.verify(&call, &reference).await.outcome);
    assert_eq!(class, ExceptionClass::Rejected);
    assert!(reason.contains("2 orders"), "{reason}");
}

#[tokio::test]
async fn a_shop_that_keeps_keys_unique_answers_with_the_order_that_stands() {
    let mut setup = setup();
    setup.options = Options { refuse_duplicate_ids: true, ..Options::default() };
    let opened = Opened::new(setup).await;
    let (call, reference) = opened.sell("sale_with_discount").await;
    let again = opened.connector.create(&call).await.outcome;
    assert_eq!(again, Verdict::AlreadyDone(reference));
    assert_eq!(opened.shop.books().orders.len(), 1);
}

#[tokio::test]
async fn an_expired_token_is_renewed_without_a_word() {
    let opened = Opened::new(setup()).await;
    opened.shop.set_faults(Faults { expire_tokens: true, ..Faults::default() });
    opened.sell("sale_with_discount").await;
    opened.shop.advance(SignedDuration::from_hours(25));
    opened.sell("sale_with_split_line").await;
    let counters = opened.shop.books().counters;
    assert_eq!((counters.tokens_issued, counters.unauthorised), (3, 1));
}

#[tokio::test]
async fn a_throttled_answer_and_a_busy_one_say_how_long_to_wait() {
    let opened = Opened::new(setup()).await;
    let call = opened.calls("sale_with_discount")[0].clone();
    opened.next(Disruption::Throttled, "orderCreate");
    let verdict = opened.connector.create(&call).await.outcome;
    assert!(matches!(verdict, Verdict::Throttled { .. }), "{verdict:?}");
    for disruption in [
        Disruption::TooManyRequests { retry_after_seconds: 7 },
        Disruption::Unavailable { retry_after_seconds: 7 },
    ] {
        opened.next(disruption, "orderCreate");
        let verdict = opened.connector.create(&call).await.outcome;
        let Verdict::Retry { after, .. } = verdict else { panic!("{verdict:?}") };
        assert_eq!(after, Some(Duration::from_secs(7)));
    }
    assert!(opened.shop.books().orders.is_empty());
    let reply = opened.connector.create(&call).await;
    assert!(matches!(reply.outcome, Verdict::Done(_)));
    let budget = reply.budget.expect("an answer tells the budget");
    assert_eq!((budget.maximum, budget.restored_per_second), (2_000, 100));
}

#[tokio::test]
async fn a_maintenance_pauses_or_waits_and_applies_nothing() {
    let opened = Opened::new(setup()).await;
    let call = opened.calls("sale_with_discount")[0].clone();
    for (status, is_paused) in [(423, true), (503, false)] {
        let maintenance = Some(Maintenance { status, seconds: 60 });
        opened.shop.set_faults(Faults { maintenance, ..Faults::default() });
        match opened.connector.create(&call).await.outcome {
            Verdict::Paused { .. } => assert!(is_paused),
            Verdict::Retry { .. } => assert!(!is_paused),
            verdict => panic!("{verdict:?}"),
        }
    }
    assert!(opened.shop.books().orders.is_empty());
}

#[tokio::test]
async fn a_shop_on_trial_is_given_a_minute() {
    let mut setup = setup();
    setup.options = Options { orders_per_minute_max: Some(1), ..Options::default() };
    let opened = Opened::new(setup).await;
    opened.sell("sale_with_discount").await;
    let call = opened.calls("sale_with_split_line")[0].clone();
    let verdict = opened.connector.create(&call).await.outcome;
    let Verdict::Retry { after, reason } = verdict else { panic!("{verdict:?}") };
    assert_eq!(after, Some(Duration::from_secs(60)), "{reason}");
}

#[tokio::test]
async fn a_sale_ahead_of_the_clock_waits_and_one_far_ahead_is_a_moved_date() {
    let opened = Opened::new(setup()).await;
    let sale = |ahead: SignedDuration| {
        let mut event = event("sale_with_discount");
        let offset = jiff::tz::Offset::UTC;
        event.time = protocol::time::OffsetTime::new(opened.shop.now() + ahead, offset);
        calls(&event, opened.deadline())[0].clone()
    };
    let verdict = opened.connector.create(&sale(SignedDuration::from_secs(40))).await.outcome;
    let Verdict::Retry { after, .. } = verdict else { panic!("{verdict:?}") };
    assert_eq!(after, Some(Duration::from_secs(41)));
    assert!(opened.shop.books().orders.is_empty());
    let far = sale(SignedDuration::from_hours(3));
    let (class, reason) = class_of(opened.connector.create(&far).await.outcome);
    assert_eq!(class, ExceptionClass::MovedDate);
    assert!(reason.contains("is dated 2026-11-24T12:00:00Z"), "{reason}");
}

#[tokio::test]
async fn a_store_without_a_location_is_named() {
    let mut setup = setup();
    setup.locations[0].name = "Berlin".to_owned();
    let opened = Opened::new(setup.clone()).await;
    let call = opened.calls("sale_with_discount")[0].clone();
    let (class, reason) = class_of(opened.connector.create(&call).await.outcome);
    assert_eq!(class, ExceptionClass::UnknownLocation);
    assert!(reason.contains("no location `0042`"), "{reason}");
    let mapped = Opened::with(setup, "[locations]\n\"0042\" = \"Berlin\"\n").await;
    mapped.sell("sale_with_discount").await;
    let order = mapped.shop.books().orders[0].clone();
    assert_eq!(order.fulfillment.unwrap().location, mapped.setup.locations[0].gid());
}

#[tokio::test]
async fn every_kind_of_line_and_tender_stands_with_its_total() {
    let opened = Opened::new(setup()).await;
    for name in [
        "gift_card_issued",
        "sale_paid_with_gift_card",
        "prepayment_applied",
        "sale_with_taxes_of_two_jurisdictions",
        "exempt_sale",
        "sale_of_a_bundle",
        "sale_paid_in_foreign_cash",
        "sale_with_tip_and_donation",
    ] {
        // Reading it back compares total and payments.
        let (call, reference) = opened.sell(name).await;
        let verdict = opened.connector.verify(&call, &reference).await.outcome;
        assert_eq!(verdict, Verdict::Done(reference), "{name}");
    }
}

#[tokio::test]
async fn the_check_makes_the_identifier_once_and_names_each_missing_scope() {
    let opened = Opened::new(setup()).await;
    opened.connector.check().await.unwrap();
    let executed = opened.shop.books().counters.executed;
    assert_eq!(executed.get("metafieldDefinitionCreate"), Some(&1));
    let mut bare = setup();
    bare.scopes = vec!["write_orders".to_owned()];
    let unscoped = Opened::unchecked(bare, "").await;
    let checked = unscoped.connector.check().await.unwrap();
    let missing: Vec<&str> = checked
        .findings
        .iter()
        .filter(|finding| !finding.well)
        .map(|finding| finding.subject.as_str())
        .collect();
    assert_eq!(missing, ["scope write_inventory", "scope read_products", "scope read_locations"]);
}

#[tokio::test]
async fn wrong_credentials_are_a_finding_and_a_pause() {
    let mut wrong = setup();
    wrong.credentials.client_secret = "another".to_owned();
    let opened = Opened::unchecked(wrong, "").await;
    let connector = &opened.connector;
    let checked = connector.check().await.unwrap();
    assert!(!checked.is_well());
    let call = calls(&event("sale_with_discount"), OPENED.parse().unwrap())[0].clone();
    let found = connector.find(&call).await.outcome;
    assert!(matches!(found, Err(Unanswered::Paused { .. })), "{found:?}");
    let verdict = connector.create(&call).await.outcome;
    assert!(matches!(verdict, Verdict::Paused { .. }), "{verdict:?}");
}

#[tokio::test]
async fn a_shop_that_cannot_be_reached_is_tried_again() {
    let opened = Opened::new(setup()).await;
    let call = opened.calls("sale_with_discount")[0].clone();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let settings: Settings = toml::from_str(&format!(
        "shop = \"http://{address}\"\nclient_id = \"id\"\nclient_secret_env = \"PATH\"\n"
    ))
    .unwrap();
    let connector = Shopify::new(settings, client()).unwrap();
    let verdict = connector.create(&call).await.outcome;
    assert!(matches!(verdict, Verdict::Retry { .. }), "{verdict:?}");
    assert!(matches!(connector.check().await, Err(Unanswered::Retry { .. })));
}

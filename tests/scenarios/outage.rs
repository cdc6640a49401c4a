//! An outage with everything that goes wrong in one, as `cargo demo --script outage` tells it: with a
//! shop and an ERP as targets, by each way up and with each store of the relay; and with a shop
//! alone and one promise broken at a time.

use tests::outage::{Outcome, Scale, tell};
use tests::world::{Plan, RelayFault, RelayStore, Uplink};
use tests::{mosquitto, needs};

use crate::world;

/// With a promise broken, before a shop alone.
async fn told(faults: &[RelayFault]) -> Outcome {
    let plan = |plan: &mut Plan| {
        plan.search_lag_ms = 8_000;
        plan.settle_seconds = 12;
        plan.relay_faults = faults.to_vec();
    };
    let (mut world, _folder) = world(plan).await;
    tell(&mut world, Scale::SCENARIO, |_| ()).await.unwrap()
}

/// With every promise to be kept, before a shop and an ERP.
async fn is_kept(uplink: Uplink, relay_store: RelayStore) {
    let plan = |plan: &mut Plan| {
        plan.uplink = uplink;
        plan.relay_store = relay_store;
        plan.add_erp();
        plan.search_lag_ms = 4_000;
        plan.settle_seconds = 8;
    };
    let (mut world, _folder) = world(plan).await;
    let outcome = tell(&mut world, Scale::TWO_TARGETS, |_| ()).await.unwrap();
    assert!(outcome.is_kept(), "{outcome:#?}");
    let traded = outcome.sales + outcome.returns;
    assert!(traded >= 200, "{outcome:#?}");
    assert_eq!(outcome.relayed, outcome.captured);
    assert_eq!(outcome.shopify, traded);
    assert!(outcome.answers_lost >= 5, "the shop was too kind: {outcome:#?}");
    assert!(outcome.throttled >= 1, "the shop was too kind: {outcome:#?}");
    let erp = outcome.erp.as_ref().unwrap();
    assert_eq!(erp.erp, traded);
    assert!(erp.erp_answers_lost >= 5, "the ERP was too kind: {outcome:#?}");
    assert!(erp.erp_throttled >= 1, "the ERP was too kind: {outcome:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_over_https_keeps_every_promise_at_shop_and_erp() {
    is_kept(Uplink::Https, RelayStore::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_over_https_with_postgresql_keeps_every_promise_at_shop_and_erp() {
    let Some(_) = needs::postgresql() else { return };
    is_kept(Uplink::Https, RelayStore::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_over_mqtt_keeps_every_promise_at_shop_and_erp() {
    let Some(_) = mosquitto::needed() else { return };
    is_kept(Uplink::Mqtt, RelayStore::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_over_mqtt_with_postgresql_keeps_every_promise_at_shop_and_erp() {
    let Some(_) = mosquitto::needed() else { return };
    let Some(_) = needs::postgresql() else { return };
    is_kept(Uplink::Mqtt, RelayStore::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn control_without_dedupe_the_same_outage_doubles_sales() {
    let outcome = told(&[RelayFault::DedupeOff]).await;
    assert!(outcome.duplicated > 0 || outcome.stock_differences > 0, "{outcome:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn control_without_looking_first_the_same_outage_doubles_sales() {
    let outcome = told(&[RelayFault::FindOff]).await;
    assert!(outcome.duplicated > 0, "{outcome:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn control_with_a_settle_time_of_zero_the_same_outage_doubles_sales() {
    let outcome = told(&[RelayFault::SettleZero]).await;
    assert!(outcome.duplicated > 0, "{outcome:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn control_acknowledging_before_the_commit_the_same_outage_loses_sales() {
    let outcome = told(&[RelayFault::AckBeforeCommit]).await;
    assert!(outcome.lost > 0, "{outcome:#?}");
}

//! An outage with everything that goes wrong in one, as `cargo demo --script outage` tells it; and
//! the same with one promise broken at a time.

use tests::mosquitto;
use tests::outage::{Outcome, Scale, tell};
use tests::world::{Plan, RelayFault, Uplink};

use crate::world;

async fn told(faults: &[RelayFault]) -> Outcome {
    told_over(Uplink::Https, faults).await
}

async fn told_over(uplink: Uplink, faults: &[RelayFault]) -> Outcome {
    let plan = |plan: &mut Plan| {
        plan.uplink = uplink;
        plan.search_lag_ms = 8_000;
        plan.settle_seconds = 12;
        plan.relay_faults = faults.to_vec();
    };
    let (mut world, _folder) = world(plan).await;
    tell(&mut world, Scale::SCENARIO, |_| ()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_with_kills_and_lost_answers_loses_nothing_and_doubles_nothing() {
    let outcome = told(&[]).await;
    assert!(outcome.is_kept(), "{outcome:#?}");
    assert!(outcome.sales + outcome.returns >= 300, "{outcome:#?}");
    assert_eq!(outcome.shopify, outcome.sales + outcome.returns);
    assert_eq!(outcome.relayed, outcome.captured);
    assert!(outcome.answers_lost >= 5, "the shop was too kind: {outcome:#?}");
    assert!(outcome.throttled >= 1, "the shop was too kind: {outcome:#?}");
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

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_over_mqtt_loses_nothing_and_doubles_nothing() {
    let Some(_) = mosquitto::needed() else { return };
    let outcome = told_over(Uplink::Mqtt, &[]).await;
    assert!(outcome.is_kept(), "{outcome:#?}");
    assert_eq!(outcome.shopify, outcome.sales + outcome.returns);
    assert_eq!(outcome.relayed, outcome.captured);
}

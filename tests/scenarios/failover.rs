//! The line to the broker fails in the middle of selling: everything goes on over HTTPS, and back.

use std::time::Duration;

use serde_json::Value;
use tests::mosquitto;
use tests::network::Mode;
use tests::outage::sell;
use tests::pos::client::http;
use tests::wait;
use tests::world::{Uplink, World};

use crate::world;

/// A half-open line is noticed when a batch has waited its 30 s; then everything goes the other
/// way. All of it together stays far below this, unless something is broken.
const CARRIED: Duration = Duration::from_secs(180);

/// What an agent says of itself.
async fn status(world: &World, index: usize) -> Option<Value> {
    let url = format!("http://{}/v1/status", world.stores[index].address);
    let token = world.till_token(index).unwrap();
    let answer = http(CARRIED).unwrap().get(&url).bearer_auth(token).send().await.ok()?;
    serde_json::from_str(&answer.text().await.ok()?).ok()
}

/// The address of the way that is in use.
fn in_use(status: &Value) -> Option<String> {
    let uplinks = status["relay"]["uplinks"].as_array()?;
    let used = uplinks.iter().find(|uplink| uplink["standing"]["kind"] == "in_use")?;
    Some(used["uplink"].as_str()?.to_owned())
}

/// Waits until every store uses a way that begins so.
async fn all_use(world: &World, scheme: &str) {
    for index in 0..world.stores.len() {
        let what = format!("store {} to use {scheme}", world.stores[index].name);
        let look = || async {
            let status = status(world, index).await?;
            in_use(&status)?.starts_with(scheme).then_some(())
        };
        wait::until(&what, CARRIED, look).await.unwrap();
    }
}

async fn lines_to_broker(world: &World, mode: Mode) {
    for store in &world.stores {
        store.line_to_broker.as_ref().unwrap().set_mode(mode).await.unwrap();
    }
}

/// Every store is told that all is relayed, although the line to the broker does not work.
async fn all_is_relayed(world: &World) {
    for index in 0..world.stores.len() {
        world.relayed(index, CARRIED).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_to_the_broker_that_is_cut_or_half_open_stops_nothing_and_is_used_again() {
    let Some(_) = mosquitto::needed() else { return };
    let (world, _folder) = world(|plan| plan.uplink = Uplink::Both).await;
    let registers = sell(&world, world.registers().unwrap(), 4).await.unwrap();
    all_use(&world, "mqtt://").await;

    lines_to_broker(&world, Mode::Cut).await;
    let registers = sell(&world, registers, 4).await.unwrap();
    all_is_relayed(&world).await;
    all_use(&world, "http://").await;
    lines_to_broker(&world, Mode::Open).await;
    all_use(&world, "mqtt://").await;

    lines_to_broker(&world, Mode::HalfOpen).await;
    let registers = sell(&world, registers, 4).await.unwrap();
    all_is_relayed(&world).await;
    all_use(&world, "http://").await;
    lines_to_broker(&world, Mode::Open).await;
    all_use(&world, "mqtt://").await;

    sell(&world, registers, 4).await.unwrap();
    world.drained(CARRIED).await.unwrap();
    let shop = world.asking.shop_books().await.unwrap();
    let differences = world.differences_from(&shop);
    assert!(differences.is_empty(), "{differences:#?}");
    assert!(world.posted() >= 60, "{}", world.posted());
    one_identity_each(&world).await;
}

/// However many connections a store had, it is one device, and nothing about it is held.
async fn one_identity_each(world: &World) {
    for index in 0..world.stores.len() {
        let status = status(world, index).await.unwrap();
        assert_eq!(status["relay"]["link"]["kind"], "online", "{status}");
    }
    let listed = world.relay_command(&["device", "ls", "--json"]).await.unwrap();
    assert_eq!(listed.code, Some(0), "{}", listed.said);
    assert_eq!(listed.said.matches("\"device\":").count(), world.stores.len(), "{}", listed.said);
    assert!(!listed.said.contains("\"held\""), "{}", listed.said);
}

/// The control: with the broker alone, the same cut keeps sales on the stores' own disks.
#[tokio::test(flavor = "multi_thread")]
async fn control_with_the_broker_alone_the_same_cut_keeps_sales_in_the_store() {
    let Some(_) = mosquitto::needed() else { return };
    let (world, _folder) = world(|plan| plan.uplink = Uplink::Mqtt).await;
    let registers = sell(&world, world.registers().unwrap(), 2).await.unwrap();
    all_is_relayed(&world).await;
    lines_to_broker(&world, Mode::Cut).await;
    sell(&world, registers, 2).await.unwrap();
    for index in 0..world.stores.len() {
        let look = || async {
            let status = status(&world, index).await?;
            (status["relay"]["link"]["kind"] == "offline").then_some(status)
        };
        let status = wait::until("the outage to be noticed", CARRIED, look).await.unwrap();
        assert!(status["journal"]["unsent"].as_u64().unwrap() > 0, "{status}");
        assert_eq!(in_use(&status), None, "{status}");
    }
    lines_to_broker(&world, Mode::Open).await;
    all_is_relayed(&world).await;
}

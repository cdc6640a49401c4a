//! A till's disk, copied to a second till: both run, both sell, and nobody is taken for the other.

use std::time::Duration;

use agent::files::write_private;
use serde_json::Value;
use tests::pos::client::{Agent as Till, Answer};
use tests::wait;
use tests::world::World;

use crate::world;

const EXAMPLE: &str = include_str!("../../docs/examples/sale.json");

/// Within which both tills have heard of it.
const FOUND_WITHIN: Duration = Duration::from_secs(120);

/// Far beyond what any of the rest takes; reached only by a fault.
const DEADLINE: Duration = Duration::from_secs(180);

/// A till sells one more, whatever the relay says.
async fn sell(world: &World, index: usize, receipt: u32) {
    let till = Till::at(world.stores[index].address, &world.till_token(index).unwrap()).unwrap();
    let sale = EXAMPLE.replace("900001", &receipt.to_string());
    let answer = till.send(sale.as_bytes()).await;
    assert!(matches!(answer, Answer::Decided(_)), "receipt {receipt}: {answer:?}");
}

async fn status(world: &World, index: usize) -> Value {
    let ended = world.agent_command(index, &["status", "--json"]).await.unwrap();
    serde_json::from_str(&ended.said).unwrap()
}

async fn link(world: &World, index: usize) -> String {
    let status = status(world, index).await;
    status.pointer("/relay/link/kind").and_then(Value::as_str).unwrap_or_default().to_owned()
}

async fn until_link(world: &World, index: usize, kind: &str, deadline: Duration) {
    let look = || async { (link(world, index).await == kind).then_some(()) };
    let what = format!("till {index} to be {kind}");
    wait::until(&what, deadline, look).await.unwrap();
}

/// The first held copy that may keep the name keeps it, as a person would try.
async fn release(world: &World, device: &str) {
    let shown = world.relay_command(&["device", "show", device, "--json"]).await.unwrap();
    let story: Value = serde_json::from_str(&shown.said).unwrap();
    let copies = story["copies"].as_array().unwrap();
    assert_eq!(copies.len(), 2, "{story:#}");
    let nameless = world.relay_command(&["device", "release", device]).await.unwrap();
    assert_ne!(nameless.code, Some(0), "{nameless:?}");
    for copy in copies {
        let keep = &copy["instance"].as_str().unwrap()[..8];
        let arguments = ["device", "release", device, "--keep", keep];
        if world.relay_command(&arguments).await.unwrap().code == Some(0) {
            return;
        }
    }
    panic!("no copy may keep the name: {story:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_till_is_found_within_two_minutes_and_the_shop_holds_each_sale_once() {
    let (mut world, _folder) = world(|plan| plan.stores.truncate(1)).await;
    for receipt in 900_001..=900_003 {
        sell(&world, 0, receipt).await;
    }
    world.drained(DEADLINE).await.unwrap();
    let copy = world.copy_agent(0).await.unwrap();
    for receipt in 900_101..=900_103 {
        sell(&world, 0, receipt).await;
        sell(&world, copy, receipt + 100).await;
    }
    for index in [0, copy] {
        until_link(&world, index, "held", FOUND_WITHIN).await;
    }
    let listed = world.relay_command(&["device", "ls", "--json"]).await.unwrap();
    let listed: Value = serde_json::from_str(&listed.said).unwrap();
    assert_eq!(listed[0]["state"]["state"], "held", "{listed:#}");
    let device = listed[0]["device"].as_str().unwrap().to_owned();
    sell(&world, 0, 900_104).await;
    sell(&world, copy, 900_204).await;

    // Both have sent what they hold before a person decides.
    let sent = || async {
        let shown = world.relay_command(&["device", "show", &device, "--json"]).await.ok()?;
        let story: Value = serde_json::from_str(&shown.said).ok()?;
        (story["copies"].as_array()?.len() == 2).then_some(())
    };
    wait::until("both copies to have spoken", DEADLINE, sent).await.unwrap();
    release(&world, &device).await;
    let displaced = || async {
        for index in [0, copy] {
            if link(&world, index).await == "not_enrolled" {
                return Some(index);
            }
        }
        None
    };
    let displaced = wait::until("one till to lose the name", DEADLINE, displaced).await.unwrap();
    sell(&world, displaced, 900_301).await;
    let arguments = ["token", "create", "--json", "--label", "second", "--store", "0042"];
    let made = world.relay_command(&arguments).await.unwrap();
    let made: Value = serde_json::from_str(&made.said).unwrap();
    // As `enroll` leaves it for the running agent.
    let file = world.stores[displaced].folder.join("enrolment.token");
    write_private(&file, made["token"].as_str().unwrap().as_bytes()).unwrap();
    for index in [0, copy] {
        until_link(&world, index, "online", DEADLINE).await;
    }
    world.drained(DEADLINE).await.unwrap();
    let own = status(&world, displaced).await["device"].as_str().unwrap().to_owned();
    assert_ne!(own, device, "it has a name of its own");
    let books = world.asking.shop_summary().await.unwrap();
    assert_eq!(books.orders, 12, "three before, four at each till, one while it had no name");
    let exceptions = world.asking.exceptions().await.unwrap();
    assert!(exceptions.is_empty(), "{exceptions:?}");
}

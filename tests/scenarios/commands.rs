//! The commands that people type, on the hosts of a world that has sold: each in a process of its
//! own, with the exit code that scripts rely on.

use std::time::Duration;

use serde_json::Value;
use tests::pos::client::{Agent as Till, Answer};
use tests::world::{Ended, World};

use crate::world;

const EXAMPLE: &str = include_str!("../../docs/examples/sale.json");
const THROUGH: Duration = Duration::from_secs(60);

async fn sold() -> (World, tempfile::TempDir) {
    let (world, folder) = world(|plan| plan.stores.truncate(1)).await;
    let till = Till::at(world.stores[0].address, &world.till_token(0).unwrap()).unwrap();
    let answer = till.send(EXAMPLE.as_bytes()).await;
    assert!(matches!(answer, Answer::Decided(_)), "{answer:?}");
    world.drained(THROUGH).await.unwrap();
    (world, folder)
}

fn json(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.said).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agents_commands_tell_where_a_receipt_stands_while_it_runs_and_after() {
    let (mut world, _folder) = sold().await;
    let status = json(&world.agent_command(0, &["status", "--json"]).await.unwrap());
    assert_eq!(status["journal"]["unsent"], 0, "{status}");
    let found = world.agent_command(0, &["find", "900001"]).await.unwrap();
    assert_eq!(found.code, Some(0), "{found:?}");
    assert!(found.said.contains("#1"), "no order is named: {}", found.said);
    let listed = json(&world.agent_command(0, &["journal", "ls", "--json"]).await.unwrap());
    assert!(listed.to_string().contains("900001"), "{listed}");
    let verified = world.agent_command(0, &["journal", "verify"]).await.unwrap();
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let doctor = world.agent_command(0, &["doctor"]).await.unwrap();
    assert!(doctor.said.contains('√'), "{doctor:?}");
    let missing = world.agent_command(0, &["find", "no-such-receipt"]).await.unwrap();
    assert_ne!(missing.code, Some(0), "{missing:?}");

    world.kill_agent(0).unwrap();
    let found = world.agent_command(0, &["find", "900001"]).await.unwrap();
    assert_eq!(found.code, Some(0), "{found:?}");
    let verified = world.agent_command(0, &["journal", "verify"]).await.unwrap();
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let unreachable = world.agent_command(0, &["status"]).await.unwrap();
    assert_ne!(unreachable.code, Some(0), "{unreachable:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relays_commands_show_stores_devices_exceptions_and_a_replay() {
    let (world, _folder) = sold().await;
    let status = json(&world.relay_command(&["status", "--json"]).await.unwrap());
    assert_eq!(status["stores"][0]["store"], "0042", "{status}");
    let devices = json(&world.relay_command(&["device", "ls", "--json"]).await.unwrap());
    assert!(devices.to_string().contains("0042"), "{devices}");
    let exceptions = json(&world.relay_command(&["exceptions", "ls", "--json"]).await.unwrap());
    assert!(!exceptions.to_string().contains("900001"), "{exceptions}");
    let replay = json(&world.relay_command(&["replay", "--dry-run", "--json"]).await.unwrap());
    assert_eq!(
        (&replay["added"], &replay["events"]),
        (&Value::from(0), &Value::from(1)),
        "{replay}"
    );
    let wrong = world.relay_command(&["exceptions", "show", "9-9"]).await.unwrap();
    assert_ne!(wrong.code, Some(0), "{wrong:?}");
    let usage = world.relay_command(&["no-such-command"]).await.unwrap();
    assert_eq!(usage.code, Some(2), "{usage:?}");
}

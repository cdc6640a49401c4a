//! What happens every day to a store's line: none of it is an alarm.

use std::time::Duration;

use agent::seams::Seams;
use cloud_relay::seams::Telling;
use protocol::batch::{Acknowledgement, BatchAnswer};
use protocol::bytes::Bytes;

use crate::host::Host;
use crate::relay::{Book, Relay};
use crate::time::Time;

const RECONNECTS: usize = 1_000;

/// Hosts that share them.
const HOSTS: usize = 10;

/// Numbers that look drawn and are the same each time.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_ordinary_reconnects_raise_no_alarm() {
    let folder = tempfile::tempdir().unwrap();
    let (time, book) = (Time::new(), Book::default());
    let mut relay = Relay::open(folder.path(), &time, &book, Telling::Apart);
    let mut chance = Chance(7);
    let mut hosts = Vec::new();
    for number in 0..HOSTS {
        hosts.push(Host::enrolled(&relay, &format!("o{number}"), &Seams::default()).await);
    }
    for number in 0..RECONNECTS {
        let mut host = hosts.remove(0);
        let (restarts, relay_restarts) = match chance.next(8) {
            0 => (true, false),
            1 => (false, true),
            2 => (true, true),
            3 => {
                host.loses_answer = true;
                (chance.next(2) == 0, false)
            }
            // What lay in a connection that hung, or at a broker, comes now: any of the last
            // messages, or all of them in the wrong order.
            4 | 5 => {
                for _ in 0..=chance.next(4) {
                    let index = chance.next(host.said.len().max(1));
                    if let Some(question) = host.said.get(index) {
                        // Whoever asked is gone.
                        drop(relay.ask(&question.clone()).await);
                    }
                }
                (chance.next(2) == 0, false)
            }
            6 => {
                host.breaks();
                (false, false)
            }
            _ => {
                time.pass(Duration::from_secs(11 * 60));
                (false, false)
            }
        };
        if restarts {
            host = host.restarted();
        }
        if relay_restarts {
            drop(relay);
            relay = Relay::open(folder.path(), &time, &book, Telling::Apart);
        }
        if chance.next(3) > 0 {
            host.sell().await;
        }
        time.pass(Duration::from_secs(31));
        host.speaks(&relay).await;
        let alarm = (host.held, relay.held(&host.device).await);
        assert_eq!(alarm, (None, None), "reconnect {number}");
        hosts.push(host);
    }
    relay.dispatch().await;
    for host in &mut hosts {
        time.pass(Duration::from_secs(31));
        host.speaks(&relay).await;
        assert!(host.is_level());
    }
    relay.dispatch().await;
    for sale in hosts.iter().flat_map(|host| &host.sold) {
        assert_eq!(book.count(&sale.natural_key), 1);
    }
}

/// Whether a host counts what an acknowledgement with another chain hash names.
async fn believes(seams: &Seams) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let (time, book) = (Time::new(), Book::default());
    let relay = Relay::open(folder.path(), &time, &book, Telling::Apart);
    let mut host = Host::enrolled(&relay, "0042", seams).await;
    host.speaks(&relay).await;
    host.sell().await;
    let head = host.journal().head();
    let said = BatchAnswer::Acknowledgement(Acknowledgement {
        device: host.device.clone(),
        epoch: host.journal().identity().epoch,
        sequence: head.sequence,
        chain_hash: Bytes([9; 32]),
    });
    host.is_told(&said).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_of_another_history_does_not_count() {
    assert!(!believes(&Seams::default()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_without_comparing_chain_hashes_an_acknowledgement_of_another_history_counts() {
    assert!(believes(&Seams { believes_any_hash: true, ..Seams::default() }).await);
}

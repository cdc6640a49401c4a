//! Worked examples, one folder a kind of event: the bytes that a POS posts, and what then stands at
//! the shop and in the ERP (`stands.snap`), read from their own books.
//!
//! All kinds are posted in one world. For each, the equations are held at both ends beside the
//! golden: what the till took is what stands there and what the target cannot hold; taxes and money
//! are on the ERP's accounts; the goods that moved are gone from, or back in, both stocks. Goldens
//! are written anew by `INSTA_UPDATE=always cargo test`; read the difference before committing it.

mod sums;
mod vendors;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cloud_relay::connectors::{Targets, registry};
use protocol::envelope::{Draft, Event};
use protocol::event::Body;
use protocol::id::{EventId, TargetId};
use serde_json::{Value, json};
use tests::pos::books::Outcome;
use tests::pos::client::Agent as Till;
use tests::pos::driver::DELIVERY_WAIT;
use tests::pos::figures::{Milli, major};
use tests::world::World;

use crate::world;

/// How long the relay may take to bring everything into both targets, on a machine that does more.
const DRAIN: Duration = Duration::from_secs(180);

const SHOP: &str = "shop";
const ERP: &str = "books";

/// One kind of event: its folder, and what was posted from it.
struct Example {
    name: String,
    folder: PathBuf,
    posted: Vec<Posted>,
}

/// One event as it was posted.
struct Posted {
    /// The file that holds its bytes.
    file: String,
    /// What the agent answered: the status.
    status: u16,
    /// What it is, a post void that only names a receipt filled in as the agent fills it.
    event: Event,
}

impl Posted {
    /// `store/register/business date/receipt`.
    fn key(&self) -> String {
        let body = self.body();
        let text = |name: &str| body[name].as_str().unwrap_or("?").to_owned();
        ["store", "register", "businessDate", "receipt"].map(text).join("/")
    }

    fn body(&self) -> Value {
        let body = match &self.event.body {
            Body::Transaction(transaction) => serde_json::to_value(transaction),
            Body::Till(till) => serde_json::to_value(till),
            Body::Stock(document) => serde_json::to_value(document),
            Body::Fiscal(record) => serde_json::to_value(record),
        };
        body.unwrap()
    }
}

fn folders() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/kinds");
    let entries = fs::read_dir(here).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort_unstable();
    folders
}

/// The events of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_event = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "json");
    let mut files: Vec<_> = entries.filter(is_event).collect();
    files.sort_unstable();
    files
}

/// Posts every event of every folder to the agent of its store.
async fn post(world: &World) -> Vec<Example> {
    let mut examples = Vec::new();
    for folder in folders() {
        let mut posted: Vec<Posted> = Vec::new();
        for path in files(&folder) {
            let bytes = fs::read(&path).unwrap();
            let mut event = Draft::parse(&bytes).unwrap().into_event(EventId(uuid::Uuid::nil()));
            let store = event.body.store().as_str().to_owned();
            let index = world.stores.iter().position(|known| known.name == store).unwrap();
            let token = world.till_token(index).unwrap();
            let till = Till::at(world.stores[index].address, &token).unwrap();
            let outcome = till.deliver(&bytes, DELIVERY_WAIT).await.unwrap();
            let status = match &outcome {
                Outcome::Acknowledged(said) => Some(said.status),
                Outcome::Refused { .. } | Outcome::Open => None,
            };
            assert!(status.is_some(), "{outcome:?}: {path:?}");
            fill(&mut event, &posted);
            let file = path.file_name().unwrap().to_str().unwrap().to_owned();
            posted.push(Posted { file, status: status.unwrap(), event });
        }
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        examples.push(Example { name, folder, posted });
    }
    examples
}

/// Fills a post void that only names a receipt, from what was posted before it.
fn fill(event: &mut Event, posted: &[Posted]) {
    let Body::Transaction(transaction) = &mut event.body else { return };
    if !transaction.is_bare_post_void() {
        return;
    }
    let named = transaction.original.clone().unwrap();
    let original = posted.iter().find_map(|earlier| match &earlier.event.body {
        Body::Transaction(earlier) if earlier.reference() == named => Some(earlier),
        _ => None,
    });
    transaction.fill_from_original(original.unwrap());
}

fn targets(world: &World) -> Targets {
    let text = fs::read_to_string(world.plan.folder.join("relay/relay.toml")).unwrap();
    let config = cloud_relay::config::parse(&text).unwrap();
    let http = cloud_relay::http::Http::new().unwrap();
    registry::build_all(&config.targets, &http).unwrap()
}

/// What a target cannot hold of an example, by receipt and item.
fn bridging(targets: &Targets, target: &str, example: &Example) -> Vec<(String, String, i64)> {
    let connector = &targets[&TargetId::new(target).unwrap()];
    let of_event = |posted: &Posted| {
        let items = connector.bridging(&posted.event);
        let named = |item: cloud_relay::connectors::Bridging| {
            (posted.key(), item.item.as_str().to_owned(), item.amount.minor)
        };
        items.into_iter().map(named).collect::<Vec<_>>()
    };
    example.posted.iter().flat_map(of_event).collect()
}

fn shown(bridges: &[(String, String, i64)]) -> Vec<String> {
    let shown = |(receipt, item, minor): &(String, String, i64)| {
        format!("{} {item} of {receipt}", major(*minor))
    };
    bridges.iter().map(shown).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_event_stands_at_both_ends_as_its_golden_says_and_adds_up() {
    let (world, _folder) = world(|plan| {
        plan.add_erp();
        plan.stores = ["0042", "0117"].map(str::to_owned).to_vec();
        plan.weighed_per_mille = 100;
    })
    .await;
    let examples = post(&world).await;
    let drained = world.drained(DRAIN).await;
    let exceptions = world.asking.exceptions().await.unwrap();
    assert!(drained.is_ok() && exceptions.is_empty(), "{drained:?} {exceptions:#?}");
    let shop = vendors::Shop::read(&world).await;
    let erp = vendors::Erp::read(&world).await;
    let targets = targets(&world);
    for example in &examples {
        let keys: BTreeSet<String> = example.posted.iter().map(Posted::key).collect();
        let skus = sums::items(&example.posted);
        let bridges = [SHOP, ERP].map(|target| bridging(&targets, target, example));
        let golden = json!({
            "agent": example.posted.iter().map(|posted| (posted.file.clone(), posted.status))
                .collect::<BTreeMap<_, _>>(),
            "shop": { "orders": shop.orders(&keys), "stock": shop.moved(&skus) },
            "erp": erp.documents(&keys),
            "cannotHold": { "shop": shown(&bridges[0]), "erp": shown(&bridges[1]) },
        });
        insta::with_settings!({
            snapshot_path => &example.folder, prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_json_snapshot!("stands", golden) });
        adds_up(example, &shop, &erp, &bridges);
    }
    assert_eq!(erp.documents_of_nobody(&examples.iter().flat_map(keys).collect()), [""; 0]);
}

fn keys(example: &Example) -> Vec<String> {
    example.posted.iter().map(Posted::key).collect()
}

/// The equations of an example, in minor units.
fn adds_up(
    example: &Example,
    shop: &vendors::Shop,
    erp: &vendors::Erp,
    bridges: &[Vec<(String, String, i64)>; 2],
) {
    let (name, posted) = (&example.name, &example.posted);
    let keys: BTreeSet<String> = keys(example).into_iter().collect();
    let taken = sums::taken(posted);
    let bridged = bridges.each_ref().map(|items| items.iter().map(|item| item.2).sum::<i64>());
    assert_eq!(taken, shop.total(&keys) + bridged[0], "{name}: taken, and in the shop");
    assert_eq!(taken, erp.total(&keys) + bridged[1], "{name}: taken, and in the ERP");
    assert_eq!(sums::taxes_out(posted), shop.taxes(&keys), "{name}: taxes of what went out");
    assert_eq!(sums::taxes(posted), erp.taxes(&keys), "{name}: taxes on the ERP's accounts");
    assert_eq!(sums::money(posted), erp.money(&keys), "{name}: money on the ERP's accounts");
    assert_eq!(erp.unbalanced(&keys), [""; 0], "{name}: documents that do not balance");
    let moved = sums::moved(posted);
    let in_shop = shop.moved(&sums::items(posted));
    for (sku, change) in &moved {
        let at_shop = in_shop.get(sku).copied();
        let is_kept = at_shop.is_none_or(|at_shop| Milli(at_shop * 1_000) == *change);
        assert!(is_kept, "{name}: {sku} moved by {change}, in the shop by {at_shop:?}");
    }
    assert_eq!(moved, erp.moved(&keys), "{name}: stock that moved, and in the ERP");
}

#[test]
fn every_folder_posts_something_and_has_its_golden() {
    for folder in folders() {
        assert!(!files(&folder).is_empty(), "{folder:?}");
        assert!(folder.join("stands.snap").exists(), "{folder:?}");
    }
    assert_eq!(folders().len(), 21);
}

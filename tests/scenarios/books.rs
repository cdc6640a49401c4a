//! A day with an outage, refunds, a late receipt, a basket left put aside, a Z that is one cent off
//! and a receipt that never reached its agent: the books name exactly those, and whatever somebody
//! changes in a target behind our back, by reading the targets' own interfaces.
//!
//! The relay's command is asked as finance asks it. What a target holds is changed through the
//! harness and the vendor's own interface, never through the relay.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Duration;

use cloud_relay::reconcile::report::{DayReport, Finding, FindingKind};
use serde_json::{Value, json};
use tests::network::Mode;
use tests::outage::today;
use tests::pos::books::{Kind, Outcome};
use tests::pos::client::Agent as Till;
use tests::pos::driver::DELIVERY_WAIT;
use tests::pos::mix::Mix;
use tests::pos::register::{Made, Register};
use tests::world::World;

use crate::world;

/// Activities of each of six registers, besides opening and closing.
const ACTIVITIES: usize = 24;

/// How long the relay may take to bring the day into both targets, on a machine that does more.
const DRAIN: Duration = Duration::from_secs(300);

/// What a basket that was put aside may keep a till waiting, in activities.
const SUSPEND_WITHIN: usize = 400;

/// A register by store and number.
type At = (&'static str, &'static str);

/// Its Z says one cent more than its receipts.
const ONE_CENT_OFF: At = ("0042", "2");
/// One of its receipts never reaches the agent.
const LOSES_ONE: At = ("0043", "1");
/// It closes with a basket put aside, and a receipt comes late.
const CLOSES_EARLY: At = ("0117", "2");

/// What was done to the day.
struct Day {
    world: World,
    _folder: tempfile::TempDir,
    lost_receipt: String,
    suspended: String,
    late_minor: i64,
}

fn at(register: &Register) -> (&str, &str) {
    (register.place().store.name.as_str(), register.place().register.as_str())
}

#[expect(clippy::disallowed_methods, reason = "the run loop of the day")]
fn make(
    world: &World,
    register: &mut Register,
    act: impl FnOnce(&mut Register, jiff::Timestamp, &mut tests::pos::books::StoreBooks) -> Made,
) -> (Made, Kind) {
    let now = jiff::Timestamp::now();
    let mut books = world.books.lock().unwrap();
    let books = books.stores.get_mut(&register.place().store.name).unwrap();
    let made = act(register, now, books);
    let kind = books.entry(made.entry).kind;
    (made, kind)
}

async fn deliver(world: &World, till: &Till, register: &Register, made: &Made, bytes: &[u8]) {
    let outcome = till.deliver(bytes, DELIVERY_WAIT).await.unwrap();
    assert!(matches!(outcome, Outcome::Acknowledged(_)), "{outcome:?}");
    let mut books = world.books.lock().unwrap();
    let store = books.stores.get_mut(&register.place().store.name).unwrap();
    store.settle(made.entry, outcome);
}

fn field(made: &Made, name: &str) -> String {
    let event: Value = serde_json::from_slice(&made.bytes).unwrap();
    event["data"][name].as_str().unwrap().to_owned()
}

/// The Z with one cent more taken, as a register reports it that counted wrong.
fn one_cent_more(made: &Made) -> Vec<u8> {
    let mut event: Value = serde_json::from_slice(&made.bytes).unwrap();
    let gross = event["data"]["z"]["gross"].as_i64().unwrap();
    event["data"]["z"]["gross"] = json!(gross + 1);
    serde_json::to_vec(&event).unwrap()
}

/// A receipt that is entered after the Z, for the day that it closed.
fn late(closing: &Made, sale: &Made) -> (Vec<u8>, i64) {
    let mut event: Value = serde_json::from_slice(&sale.bytes).unwrap();
    let number: u32 = field(closing, "receipt").parse().unwrap();
    event.as_object_mut().unwrap().remove("id");
    event["data"]["receipt"] = json!(format!("{:06}", number + 1));
    event["data"]["flags"] = json!(["late"]);
    let minor = event["data"]["total"]["amount"].as_i64().unwrap();
    (serde_json::to_vec(&event).unwrap(), minor)
}

async fn told() -> Day {
    let (world, folder) = world(|plan| {
        plan.mix = Mix::MIXED_DAY;
        plan.add_erp();
    })
    .await;
    let mut registers = world.registers().unwrap();
    for (register, till) in &mut registers {
        let open = |it: &mut Register, now, books: &mut _| it.open(today(), now, books);
        let (made, _) = make(&world, register, open);
        deliver(&world, till, register, &made, &made.bytes).await;
    }
    let mut lost_receipt = None;
    let mut plain_sale = None;
    for step in 0..ACTIVITIES {
        match step {
            8 => world.lines(Mode::Cut).await.unwrap(),
            16 => world.lines(Mode::Open).await.unwrap(),
            _ => {}
        }
        for (register, till) in &mut registers {
            let (made, kind) = make(&world, register, Register::act);
            // Nothing refers to the last of the day's sales.
            let is_last = step + 1 == ACTIVITIES;
            if at(register) == LOSES_ONE && is_last {
                lost_receipt = Some(field(&made, "receipt"));
                continue;
            }
            if at(register) == CLOSES_EARLY && kind == Kind::Sale {
                plain_sale = Some(made.clone());
            }
            deliver(&world, till, register, &made, &made.bytes).await;
        }
    }
    let (mut suspended, mut late_minor) = (None, None);
    for (register, till) in &mut registers {
        if at(register) == CLOSES_EARLY {
            for _ in 0..SUSPEND_WITHIN {
                let (made, kind) = make(&world, register, Register::act);
                deliver(&world, till, register, &made, &made.bytes).await;
                if kind == Kind::Suspend {
                    suspended = Some(field(&made, "receipt"));
                    break;
                }
            }
        }
        let (closing, _) = make(&world, register, Register::close);
        if at(register) == ONE_CENT_OFF {
            deliver(&world, till, register, &closing, &one_cent_more(&closing)).await;
        } else {
            deliver(&world, till, register, &closing, &closing.bytes).await;
        }
        if at(register) == CLOSES_EARLY {
            let (bytes, minor) = late(&closing, plain_sale.as_ref().unwrap());
            let outcome = till.deliver(&bytes, DELIVERY_WAIT).await.unwrap();
            assert!(matches!(outcome, Outcome::Acknowledged(_)), "{outcome:?}");
            late_minor = Some(minor);
        }
    }
    world.drained(DRAIN).await.unwrap();
    Day {
        world,
        _folder: folder,
        lost_receipt: lost_receipt.unwrap(),
        suspended: suspended.expect("a basket is put aside within some hundred activities"),
        late_minor: late_minor.unwrap(),
    }
}

/// The day of every store as the command tells it.
async fn reconciled(world: &World, name: &str) -> Vec<DayReport> {
    let file = world.plan.folder.join(name);
    let date = today().to_string();
    let arguments =
        ["reconcile", "--date", &date, "--format", "json", "--output", file.to_str().unwrap()];
    let ended = world.relay_command(&arguments).await.unwrap();
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap()
}

/// What has to be acted on, as kind, store, register, receipt and target.
fn named(reports: &[DayReport]) -> BTreeSet<String> {
    let shown = |it: Option<String>| it.unwrap_or_else(|| "-".to_owned());
    let of = |report: &DayReport, finding: &Finding| {
        format!(
            "{:?} {} {} {} {}",
            finding.kind,
            report.store,
            shown(finding.register.as_ref().map(ToString::to_string)),
            shown(finding.receipt.clone()),
            shown(finding.target.as_ref().map(ToString::to_string)),
        )
    };
    let all = reports.iter();
    all.flat_map(|report| report.differences().map(move |finding| of(report, finding))).collect()
}

fn note(reports: &[DayReport], kind: FindingKind, place: At) -> Vec<&Finding> {
    let of_store = reports.iter().filter(|report| report.store.as_str() == place.0);
    let findings = of_store.flat_map(|report| &report.findings).filter(|it| it.kind == kind);
    let own = |it: &&Finding| it.register.as_ref().is_some_and(|it| it.as_str() == place.1);
    findings.filter(own).collect()
}

/// A document in each target, with the receipt that it belongs to.
async fn altered(world: &World) -> BTreeSet<String> {
    let shop = world.asking.shop_books().await.unwrap();
    let sales = shop.orders.iter().filter(|order| order.refunds.is_empty()).map(|order| {
        let says = order.custom_attributes.iter().map(|it| (it.key.as_str(), it.value.as_str()));
        (order, says.collect::<BTreeMap<_, _>>())
    });
    let mut sales = sales.filter(|(_, says)| says["store"] == "0117" && says["kind"] == "sale");
    let (order, says) = sales.next().unwrap();
    world.asking.delete_order(&order.name).await.unwrap();
    let erp = world.asking.erp_books().await.unwrap();
    let invoices = &erp.documents["Sales Invoice"];
    let returned: BTreeSet<_> =
        invoices.iter().filter_map(|invoice| invoice["return_against"].as_str()).collect();
    let invoice = invoices.iter().find(|invoice| {
        let remarks = invoice["remarks"].as_str().unwrap();
        let name = invoice["name"].as_str().unwrap();
        remarks.contains("store 0042") && remarks.contains("/sale/0") && !returned.contains(name)
    });
    let invoice = invoice.unwrap();
    world.cancel_invoice(invoice["name"].as_str().unwrap()).await.unwrap();
    let remarks = invoice["remarks"].as_str().unwrap();
    let key = remarks.split_once('[').unwrap().1.split_once(']').unwrap().0;
    let parts: Vec<_> = key.split('/').collect();
    BTreeSet::from([
        format!("Altered 0117 {} {} shop", says["register"], says["receipt"]),
        format!("Altered 0042 {} {} books", parts[2], parts[4]),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_name_exactly_what_differs_and_what_somebody_changed_in_a_target() {
    let day = told().await;
    let reports = reconciled(&day.world, "books.json").await;
    assert_eq!(reports.len(), 3);
    let expected = BTreeSet::from([
        format!("ZDifference {} {} - -", ONE_CENT_OFF.0, ONE_CENT_OFF.1),
        format!("ZDifference {} {} - -", LOSES_ONE.0, LOSES_ONE.1),
        format!("MissingNumbers {} {} {} -", LOSES_ONE.0, LOSES_ONE.1, day.lost_receipt),
    ]);
    assert_eq!(named(&reports), expected, "{:#?}", reports.iter().map(|it| &it.findings));
    let cent = note(&reports, FindingKind::ZDifference, ONE_CENT_OFF);
    assert_eq!(cent[0].amount.unwrap().minor, 1);
    let late = note(&reports, FindingKind::Supplement, CLOSES_EARLY);
    assert_eq!(late[0].amount.unwrap().minor, day.late_minor);
    let aside = note(&reports, FindingKind::Suspended, CLOSES_EARLY);
    assert_eq!(aside[0].receipt.as_deref(), Some(day.suspended.as_str()));
    // Every Z that differs is an exception as well, and nothing else is.
    let exceptions = day.world.asking.exceptions().await.unwrap();
    assert_eq!(exceptions.len(), 2, "{exceptions:#?}");

    let changed = altered(&day.world).await;
    let reports = reconciled(&day.world, "books-altered.json").await;
    let all: BTreeSet<_> = expected.union(&changed).cloned().collect();
    assert_eq!(named(&reports), all, "{:#?}", reports.iter().map(|it| &it.findings));
    printed(&day.world).await;
    certified(&day.world).await;
}

/// The day is certified, the certificate holds without the relay, and not with a byte changed.
async fn certified(world: &World) {
    let date = today().to_string();
    let run = async |arguments: &[&str], code: i32| {
        let ended = world.relay_command(arguments).await.unwrap();
        assert_eq!(ended.code, Some(code), "{}", ended.said);
        ended.said
    };
    let issue = ["certificate", "issue", "--store", "0042", "--date", &date];
    let said = run(&issue, 0).await;
    assert!(said.contains("version 1 issued, 2 open differences"), "{said}");
    let said = run(&issue, 0).await;
    assert!(said.contains("nothing changed since version 1"), "{said}");
    let key = run(&["certificate", "key"], 0).await;
    let file = world.plan.folder.join("certificate.json");
    let name = file.to_str().unwrap();
    let show = ["certificate", "show", "--store", "0042", "--date", &date, "--output", name];
    run(&show, 0).await;
    let verify = ["certificate", "verify", "--key", key.trim(), name];
    let said = run(&verify, 0).await;
    assert!(said.contains("valid: store 0042") && said.contains("the store's first"), "{said}");
    let text = std::fs::read_to_string(&file).unwrap();
    let changed = text.replacen("\"minor\":1", "\"minor\":2", 1);
    assert_ne!(changed, text);
    let mut altered = std::fs::File::create(&file).unwrap();
    altered.write_all(changed.as_bytes()).unwrap();
    let said = run(&verify, 1).await;
    assert!(said.contains("NOT VALID"), "{said}");
}

/// The page for finance and the table tell the same day.
async fn printed(world: &World) {
    let date = today().to_string();
    for (format, words) in [
        ("html", ["Differences: each stays until somebody acts", "Bridging items"]),
        ("csv", ["store,business_date,register", "bridging:paid_out"]),
    ] {
        let file = world.plan.folder.join(format!("books.{format}"));
        let name = file.to_str().unwrap();
        let arguments = ["reconcile", "--date", &date, "--format", format, "--output", name];
        let ended = world.relay_command(&arguments).await.unwrap();
        assert_eq!(ended.code, Some(1), "{}", ended.said);
        let text = std::fs::read_to_string(&file).unwrap();
        for word in words {
            assert!(text.contains(word), "{format} lacks `{word}`");
        }
    }
}

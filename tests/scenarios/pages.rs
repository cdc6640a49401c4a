//! What people look at, in a real browser: it shows what it should and the browser complains about
//! nothing, such as a style that the page's own policy forbids.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tests::world::{Plan, World};
use tests::{demo, needs, wait};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::world;

const THROUGH: Duration = Duration::from_secs(90);

/// How much time passes for a page before it is read.
const PAGE_TIME: &str = "--virtual-time-budget=6000";

struct Seen {
    document: String,
    complaints: Vec<String>,
}

async fn look(browser: &Path, address: &str) -> Seen {
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(browser);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--dump-dom", PAGE_TIME])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(address)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(THROUGH, command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Seen {
        document: String::from_utf8_lossy(&output.stdout).into_owned(),
        complaints: said
            .lines()
            .filter(|line| line.contains("CONSOLE"))
            .map(str::to_owned)
            .collect(),
    }
}

impl Seen {
    fn shows(&self, words: &[&str]) {
        assert!(self.complaints.is_empty(), "{:#?}", self.complaints);
        for word in words {
            assert!(self.document.contains(word), "no {word} in {}", self.document);
        }
    }
}

async fn sold(world: &World) {
    let registers = world.registers().unwrap();
    let plan = tests::pos::driver::Plan {
        activities: 5,
        events_per_second: None,
        business_date: tests::outage::today(),
        closes: false,
        delivery_wait: THROUGH,
    };
    tests::pos::driver::drive(registers, &world.books, plan).finish().await.unwrap();
    world.drained(THROUGH).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stores_page_and_the_relays_console_show_where_things_stand() {
    let Some(browser) = needs::program("chromium", "apt-get install chromium") else { return };
    let (world, _folder) = world(|plan| plan.stores.truncate(1)).await;
    sold(&world).await;
    let agent = format!("http://{}/", world.stores[0].address);
    look(&browser, &agent).await.shows(&["Selling online", "in shop", "EUR"]);
    let console = world.asking.console().unwrap();
    look(&browser, &console).await.shows(&["0042", "everything is here", "shop"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demos_page_draws_the_way_of_the_sales() {
    let Some(browser) = needs::program("chromium", "apt-get install chromium") else { return };
    let (world, _folder) = world(Plan::add_erp).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let page = tokio::spawn(demo::serve(world, listener, std::future::pending()));
    let http = tests::pos::client::http(THROUGH).unwrap();
    let drawn = || async {
        let state = http.get(format!("{address}state")).send().await.ok()?.text().await.ok()?;
        (state.matches("\"second\"").count() >= 3).then_some(())
    };
    wait::until("the chart to have points", THROUGH, drawn).await.unwrap();
    look(&browser, &address).await.shows(&[
        "Store 0042",
        "Three stores have sold",
        "class=\"standing\"",
        "class=\"invoiced\"",
        "stand in ERPNext",
        "Cut the line",
        "curl -s",
    ]);
    page.abort();
}

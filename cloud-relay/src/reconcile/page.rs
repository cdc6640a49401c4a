//! The report as a page that finance prints and files.
//!
//! One document without script and without anything from elsewhere: it reads the same in ten years,
//! in black and white, on paper. Differences come first, then the columns, then what explains them.

use askama::Template;
use protocol::money::{Currency, Money};

use super::figures::{Counter, GapState};
use super::gather::minutes;
use super::report::{DayReport, Finding, ReadBack, RegisterReport};
use crate::connectors::BridgingItem;

#[derive(Template)]
#[template(path = "books.html")]
struct Page {
    title: String,
    days: Vec<Day>,
    version: &'static str,
}

struct Day {
    heading: String,
    verdict: String,
    is_clean: bool,
    facts: Vec<(String, String)>,
    differences: Vec<Row>,
    notes: Vec<Row>,
    columns: Vec<String>,
    registers: Vec<Vec<String>>,
    bridging: Vec<[String; 5]>,
    zs: Vec<Z>,
    numbers: Vec<[String; 4]>,
}

struct Row {
    kind: &'static str,
    register: String,
    receipt: String,
    target: String,
    amount: String,
    text: String,
}

struct Z {
    name: String,
    over_short: String,
    rows: Vec<[String; 4]>,
}

/// The page of several days.
///
/// # Panics
/// Never: the page has plain fields only.
#[must_use]
pub fn html(reports: &[DayReport]) -> String {
    let title = match reports {
        [one] => format!("Books of store {}, {}", one.store, one.business_date),
        _ => format!("Books, {} store days", reports.len()),
    };
    let days = reports.iter().map(day).collect();
    let page = Page { title, days, version: env!("CARGO_PKG_VERSION") };
    page.render().expect("the page has plain fields only")
}

fn day(report: &DayReport) -> Day {
    let differences: Vec<Row> = report.differences().map(row).collect();
    let notes = report.findings.iter().filter(|finding| !finding.kind.is_difference());
    let verdict = match differences.len() {
        0 if report.targets.iter().any(|it| !matches!(it.read, ReadBack::At(_))) => {
            "No difference at the store; the targets were not asked.".to_owned()
        }
        0 => "No difference. Every receipt stands where it belongs.".to_owned(),
        1 => "1 difference.".to_owned(),
        many => format!("{many} differences."),
    };
    Day {
        heading: format!("Store {}, business date {}", report.store, report.business_date),
        verdict,
        is_clean: differences.is_empty(),
        facts: facts(report),
        differences,
        notes: notes.map(row).collect(),
        columns: columns(report),
        registers: report.registers.iter().flat_map(|it| register(report, it)).collect(),
        bridging: bridging(report),
        zs: report.registers.iter().flat_map(zs).collect(),
        numbers: report.registers.iter().map(numbers).collect(),
    }
}

fn facts(report: &DayReport) -> Vec<(String, String)> {
    let mut facts = vec![
        ("Retailer".to_owned(), report.tenant.to_string()),
        ("Looked at".to_owned(), minutes(report.made_at)),
        ("The day is".to_owned(), report.closed.words().to_owned()),
        ("The store's agents".to_owned(), report.agent.words.clone()),
    ];
    for target in &report.targets {
        let said = match &target.read {
            ReadBack::NotAsked => "not asked".to_owned(),
            ReadBack::At(at) => format!("read back through its own interface, {}", minutes(*at)),
            ReadBack::Failed(reason) => format!("not read back: {reason}"),
        };
        let note = target.note.as_ref().map(|note| format!("; {note}")).unwrap_or_default();
        facts.push((format!("Target {}", target.target), format!("{said}{note}")));
    }
    facts
}

fn row(finding: &Finding) -> Row {
    let shown = |it: Option<String>| it.unwrap_or_default();
    Row {
        kind: finding.kind.words(),
        register: shown(finding.register.as_ref().map(ToString::to_string)),
        receipt: shown(finding.receipt.clone()),
        target: shown(finding.target.as_ref().map(ToString::to_string)),
        amount: shown(finding.amount.map(|amount| amount.to_string())),
        text: finding.text.clone(),
    }
}

fn columns(report: &DayReport) -> Vec<String> {
    let targets = report.targets.iter().map(|it| it.target.to_string());
    ["Register", "", "POS (Z)", "Agent", "Relay"]
        .map(str::to_owned)
        .into_iter()
        .chain(targets)
        .collect()
}

/// A register's rows: how many, how much, what bridges, what differs; for each currency.
fn register(report: &DayReport, register: &RegisterReport) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for relay in &register.relay {
        let currency = relay.amount.currency;
        let pos = register.pos.iter().find(|it| it.amount.currency == currency);
        let agent = |own: String| if report.agent.is_level { own } else { "unknown".to_owned() };
        let of = |cell: &dyn Fn(&super::report::TargetColumn) -> String| -> Vec<String> {
            let cells = report.targets.iter().map(|target| {
                let columns = register.targets.get(&target.target).into_iter().flatten();
                let mut own = columns.filter(|it| it.stands.amount.currency == currency);
                match (&target.read, own.next()) {
                    (ReadBack::At(_), Some(column)) => cell(column),
                    (ReadBack::At(_), None) => "–".to_owned(),
                    (ReadBack::NotAsked | ReadBack::Failed(_), _) => "not read".to_owned(),
                }
            });
            cells.collect()
        };
        let money = |minor| Money::new(minor, currency).to_string();
        let none = || "no Z".to_owned();
        let line = |name: &str, what: &str, own: [String; 3], targets: Vec<String>| {
            let head = [name.to_owned(), what.to_owned()].into_iter();
            head.chain(own).chain(targets).collect::<Vec<_>>()
        };
        let count = relay.count.to_string();
        let own = [pos.map_or_else(none, |it| it.count.to_string()), agent(count.clone()), count];
        let name = register.register.to_string();
        rows.push(line(&name, "receipts, documents", own, of(&|it| it.stands.count.to_string())));
        let held = relay.amount.to_string();
        let own = [pos.map_or_else(none, |it| it.amount.to_string()), agent(held.clone()), held];
        rows.push(line("", "amount", own, of(&|it| it.stands.amount.to_string())));
        let empty = || ["", "", ""].map(str::to_owned);
        let bridged = of(&|it| money(it.bridging.values().sum::<i64>() + it.settled));
        rows.push(line("", "bridging items, settled", empty(), bridged));
        let differs = pos.map(|it| it.amount.minor - relay.amount.minor);
        let own = [differs.map(money).unwrap_or_default(), String::new(), String::new()];
        rows.push(line("", "difference", own, of(&|it| money(it.difference))));
    }
    rows
}

fn bridging(report: &DayReport) -> Vec<[String; 5]> {
    let mut rows = Vec::new();
    for register in &report.registers {
        for (target, columns) in &register.targets {
            for column in columns {
                let currency = column.stands.amount.currency;
                for (item, minor) in &column.bridging {
                    rows.push([
                        register.register.to_string(),
                        target.to_string(),
                        item_words(*item).to_owned(),
                        item.as_str().to_owned(),
                        Money::new(*minor, currency).to_string(),
                    ]);
                }
            }
        }
    }
    rows
}

/// A bridging item as finance reads it.
const fn item_words(item: BridgingItem) -> &'static str {
    match item {
        BridgingItem::CashRounding => "cash rounding",
        BridgingItem::ReturnWithoutReceipt => "goods back without a receipt",
        BridgingItem::DepositPaidBack => "container deposits paid back",
        BridgingItem::PrepaymentApplied => "prepayments applied",
        BridgingItem::GiftCardPaidOut => "gift cards paid out",
        BridgingItem::OrderPickup => "online orders handed over",
        BridgingItem::AccountPayment => "payments to customers' accounts",
        BridgingItem::TenderExchange => "money changed",
        BridgingItem::StoreElsewhere => "stores that are not this target's business",
        BridgingItem::PaidIn => "money paid into the drawer",
        BridgingItem::PaidOut => "money paid out of the drawer",
        BridgingItem::Remainder => "what the receipts themselves do not add up to",
    }
}

fn zs(register: &RegisterReport) -> Vec<Z> {
    let shown = |minor: i64, currency: Option<Currency>| match currency {
        Some(currency) => Money::new(minor, currency).to_string(),
        None => minor.to_string(),
    };
    let of = |z: &super::report::ZReport| Z {
        name: format!(
            "Z {} of register {}, {}",
            z.number.map_or_else(|| "without a number".to_owned(), |number| number.to_string()),
            register.register,
            minutes(z.at)
        ),
        over_short: z.over_short.map(|money| money.to_string()).unwrap_or_default(),
        rows: z
            .figures
            .iter()
            .map(|it| {
                let differs = match it.minor() {
                    0 => String::new(),
                    minor => shown(minor, it.currency),
                };
                let figures = [shown(it.stated, it.currency), shown(it.found, it.currency)];
                let [stated, found] = figures;
                [it.measure.clone(), stated, found, differs]
            })
            .collect(),
    };
    register.zs.iter().map(of).collect()
}

fn numbers(register: &RegisterReport) -> [String; 4] {
    let counter = match &register.counter {
        Counter::Unknown => "no day before is known".to_owned(),
        Counter::Continues => "goes on from the day before".to_owned(),
        Counter::Resets => "began again with this business date".to_owned(),
        Counter::Leaves(gap) => format!("leaves {} number(s) since the day before", gap.count),
    };
    let of = |state: GapState| -> u64 {
        register.gaps.iter().filter(|gap| gap.state == state).map(|gap| gap.count).sum()
    };
    let gaps = match (of(GapState::Missing), of(GapState::Pending), of(GapState::Declared)) {
        (0, 0, 0) => "none".to_owned(),
        (missing, pending, declared) => {
            format!("{missing} missing, {pending} pending, {declared} declared")
        }
    };
    [register.register.to_string(), counter, gaps, register.twice.1.to_string()]
}

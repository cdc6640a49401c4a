//! The page and the table tell a day whole, safely, and with what differs first.

use std::collections::BTreeMap;

use protocol::money::{Currency, Money};

use super::figures::{Counter, Gap, GapState, Stated};
use super::report::{
    AgentColumn, Closed, Column, DayReport, Finding, FindingKind, ReadBack, RegisterReport,
    TargetColumn, TargetReport, ZReport,
};
use super::{page, table};
use crate::connectors::BridgingItem;

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::new("EUR").unwrap())
}

fn target(
    stands: i64,
    documents: u64,
    bridging: &[(BridgingItem, i64)],
    missing: i64,
) -> Vec<TargetColumn> {
    vec![TargetColumn {
        stands: Column { count: documents, amount: eur(stands) },
        bridging: bridging.iter().copied().collect(),
        settled: 0,
        difference: missing,
    }]
}

fn register(name: &str, relay: i64, stated: i64, missing: i64) -> RegisterReport {
    let stands = relay + 1_500 - missing;
    let shop = target(
        stands - 12,
        189,
        &[(BridgingItem::PaidOut, -1_500), (BridgingItem::CashRounding, 12)],
        missing,
    );
    let books = target(relay + 1_500, 192, &[(BridgingItem::PaidOut, -1_500)], 0);
    let currency = Some(eur(0).currency);
    let figure = |key: &str, words: &str, stated, found| Stated {
        key: key.to_owned(),
        measure: words.to_owned(),
        currency,
        stated,
        found,
    };
    RegisterReport {
        register: name.parse().unwrap(),
        is_closed: true,
        zs: vec![ZReport {
            number: Some(311),
            at: "2026-11-23T19:04:00Z".parse().unwrap(),
            over_short: Some(eur(-50)),
            figures: vec![
                figure("net_sales", "sales less returns", stated + 1_500, relay + 1_500),
                figure("tax:19:A", "tax A at 19 %", 68_000, 68_000),
                figure("stayed:cash", "cash", 120_050, 120_050),
            ],
        }],
        pos: vec![Column { count: 187, amount: eur(stated) }],
        relay: vec![Column { count: 187, amount: eur(relay) }],
        figures: vec![("count:sale".to_owned(), None, 180), ("gross".to_owned(), currency, relay)],
        targets: BTreeMap::from([
            ("books".parse().unwrap(), books),
            ("shop".parse().unwrap(), shop),
        ]),
        supplement: Vec::new(),
        suspended: vec!["000190".to_owned()],
        gaps: vec![Gap {
            first: "000188".to_owned(),
            last: "000188".to_owned(),
            count: 1,
            state: GapState::Declared,
            reason: Some("printer exchanged (anna)".to_owned()),
        }],
        twice: (Vec::new(), 0),
        counter: Counter::Continues,
    }
}

fn finding(kind: FindingKind, register: &str, amount: Option<Money>, text: &str) -> Finding {
    Finding {
        kind,
        register: Some(register.parse().unwrap()),
        receipt: Some("000087".to_owned()),
        target: (kind == FindingKind::Altered).then(|| "shop".parse().unwrap()),
        amount,
        text: text.to_owned(),
    }
}

fn day() -> DayReport {
    let at = "2026-11-24T06:00:00Z".parse().unwrap();
    let target = |name: &str, note: Option<&str>| TargetReport {
        target: name.parse().unwrap(),
        read: ReadBack::At(at),
        note: note.map(str::to_owned),
    };
    DayReport {
        tenant: "acme".parse().unwrap(),
        store: "0042".parse().unwrap(),
        business_date: "2026-11-23".parse().unwrap(),
        made_at: at,
        agent: AgentColumn {
            is_level: true,
            words: "everything is here, as of 2026-11-24 05:59 UTC".to_owned(),
        },
        closed: Closed::ByZ,
        journals: Vec::new(),
        registers: vec![register("1", 431_055, 431_056, 0), register("2", 298_110, 298_110, 2_490)],
        targets: vec![target("books", None), target("shop", None)],
        findings: vec![
            finding(
                FindingKind::Altered,
                "2",
                Some(eur(2_490)),
                "receipt 000087 of register 2: 24.90 EUR missing in shop; #1412 stood there and is gone",
            ),
            finding(
                FindingKind::ZDifference,
                "1",
                Some(eur(1)),
                "Z 311 of register 1: sales less returns: the Z says 4325.56 EUR, the receipts 4325.55 EUR",
            ),
            finding(FindingKind::Suspended, "1", None, "1 baskets of <register> \"1\" & more"),
        ],
    }
}

#[test]
fn the_page_begins_with_what_differs_and_needs_nothing_from_elsewhere() {
    let page = page::html(&[day()]);
    assert!(page.contains("<p class=\"verdict\">2 differences.</p>"));
    let place = |words: &str| page.find(words).unwrap_or_else(|| panic!("no {words}"));
    assert!(place("#1412 stood there and is gone") < place("What each system holds"));
    assert!(place("Differences: each stays") < place("To know: no action"));
    for words in ["4310.56 EUR", "4310.55 EUR", "money paid out of the drawer", "tax A at 19 %"] {
        place(words);
    }
    for never in ["<script", "http://", "https://", "src=", "url(", "<register>"] {
        assert!(!page.contains(never), "{never}");
    }
    let mut clean = day();
    clean.findings.clear();
    assert!(page::html(&[clean.clone()]).contains("No difference. Every receipt stands"));
    clean.targets[0].read = ReadBack::NotAsked;
    let unasked = page::html(&[clean]);
    assert!(unasked.contains("the targets were not asked") && unasked.contains("not read"));
}

#[test]
fn a_dark_store_reads_as_unknown_and_never_as_complete() {
    let mut dark = day();
    dark.agent = AgentColumn { is_level: false, words: "unknown since 14:02".to_owned() };
    let page = page::html(&[dark.clone()]);
    assert!(page.contains("unknown since 14:02") && page.contains(">unknown</td>"));
    let table = table::csv(&[dark]);
    assert!(!table.contains(",agent,4310.55"), "{table}");
    assert!(table.contains("unknown since 14:02"));
}

#[test]
fn the_table_has_one_row_for_each_measure_and_column_and_adds_up() {
    let table = table::csv(&[day()]);
    let mut lines = table.split("\r\n");
    assert_eq!(
        lines.next(),
        Some("store,business_date,register,measure,currency,column,value,text")
    );
    for row in [
        "0042,2026-11-23,1,brought_in,EUR,pos,4310.56,",
        "0042,2026-11-23,1,brought_in,EUR,agent,4310.55,",
        "0042,2026-11-23,1,brought_in,EUR,relay,4310.55,",
        "0042,2026-11-23,1,stands,EUR,books,4325.55,",
        "0042,2026-11-23,1,bridging:paid_out,EUR,books,-15.00,",
        "0042,2026-11-23,2,difference,EUR,shop,24.90,",
        "0042,2026-11-23,1,count:sale,,relay,180,",
        "0042,2026-11-23,1,tax:19:A,EUR,pos,680.00,",
        "0042,2026-11-23,1,over_short,EUR,pos,-0.50,",
    ] {
        assert!(table.contains(&format!("{row}\r\n")), "{row}\n{table}");
    }
    let day = day();
    for register in &day.registers {
        for column in register.targets.values().flatten() {
            let bridging: i64 = column.bridging.values().sum();
            let stands = column.stands.amount.minor;
            let relay = register.relay[0].amount.minor;
            assert_eq!(relay, stands + bridging + column.settled + column.difference);
        }
    }
}

#[test]
fn a_text_is_quoted_and_never_a_formula() {
    let mut report = day();
    report.findings[0].text = "=1+1, \"two\"".to_owned();
    report.findings.truncate(1);
    let table = table::csv(&[report]);
    assert!(table.contains("\"'=1+1, \"\"two\"\"\""), "{table}");
    assert!(table.contains(",24.90,"), "{table}");
}

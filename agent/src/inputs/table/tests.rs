//! Claims about tables: files of the project's own, the handbook's example, and real baskets.

use std::io::{BufReader, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use protocol::event::{Body, Transaction, balance};

use super::map::Table;
use super::*;
use crate::config::Config;
use crate::inputs::folder::{Content, Decoder, Document, Unreadable, conformance};
use crate::inputs::trial::{self, Outcome};
use crate::seams::Seams;

const HANDBOOK: &str = include_str!("../../../../docs/handbook/table.md");

fn table(mapping: &str) -> Table {
    Table::parse(mapping).unwrap_or_else(|error| panic!("{error}: {}", error.next))
}

fn read(table: &Table, mut bytes: &[u8]) -> (Vec<Document>, Result<(), Unreadable>) {
    let mut documents = Vec::new();
    let decoded = table.decode(&mut bytes, &mut |document| {
        documents.push(document);
        ControlFlow::Continue(())
    });
    (documents, decoded)
}

fn transaction(document: &Document) -> &Transaction {
    match &document.content {
        Content::Event(draft) => match &draft.body {
            Body::Transaction(transaction) => transaction,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn refused(document: &Document) -> (u64, &str, &str) {
    match &document.content {
        Content::Refused(problem) => {
            (document.place.line, &document.place.element, &problem.detail)
        }
        other => panic!("{other:?}"),
    }
}

/// The text of the handbook's block in a language: the last one that holds `with`.
fn example(language: &str, with: &str) -> String {
    let blocks = HANDBOOK.split("```").skip(1).step_by(2);
    let blocks = blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'));
    blocks.filter(|block| block.contains(with)).last().unwrap().to_owned()
}

fn handbook_mapping() -> String {
    example("toml", "profile")
}

fn windows(text: &str) -> Vec<u8> {
    encoding_rs::WINDOWS_1252.encode(text).0.into_owned()
}

fn handbook_file() -> String {
    example("csv", "kind;")
}

/// The rows of the handbook's file that hold a text, with its header and end.
fn rows_with(text: &str) -> String {
    let keep =
        |line: &&str| line.contains(text) || line.starts_with("kind") || line.starts_with('#');
    handbook_file().lines().filter(keep).map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn a_table_holds_what_every_folder_holds() {
    let file = handbook_file();
    let sale = rows_with(";187;");
    let doubtful = rows_with(";189;").replace(";T\n", ";X\n");
    let changed = rows_with(";18").replace("Pencil 2H;3;4,47;0,60", "Pencil 2H;3;4,47;0,61");
    let without_practice = |text: &str| {
        text.lines().filter(|l| !l.contains(";189;")).map(|l| format!("{l}\n")).collect::<String>()
    };
    conformance::run(&conformance::Case {
        decoder: Arc::new(table(&handbook_mapping())),
        whole: (windows(&without_practice(&file)), 2),
        changed: windows(&without_practice(&changed)),
        practice: windows(&rows_with(";189;")),
        doubtful: windows(&doubtful),
        unbalanced: windows(&sale.replace("4,47;0,60", "4,47;0,50")),
        card: (
            windows(&sale.replace("Pencil 2H", "card 4111111111111111")),
            "card 411111******1111",
        ),
    })
    .await;
}

#[test]
fn the_handbooks_example_says_what_it_says() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("export.csv");
    crate::files::write_private(&file, &windows(&handbook_file())).unwrap();
    let config = Arc::new(Config::for_store("0042".parse().unwrap()));
    let seams =
        Seams { clock: Arc::new(|| "2026-11-23T18:00:00Z".parse().unwrap()), ..Seams::default() };
    let mut said = String::new();
    let table = table(&handbook_mapping());
    trial::trial(&file, &table, &config, &seams, &mut |tried| {
        said.push_str(&format!("line {}: ", tried.place.line));
        said.push_str(&match tried.outcome {
            Outcome::Event { natural_key, total, currency, unbalanced, .. } => {
                assert!(unbalanced.is_empty(), "{natural_key}: {unbalanced:?}");
                let (total, currency) = (total.unwrap(), currency.unwrap());
                format!("{natural_key}  {total} {currency} (minor units)\n")
            }
            Outcome::Training => "practice; counted only\n".to_owned(),
            other => panic!("{other:?}"),
        });
        ControlFlow::Continue(())
    })
    .unwrap();
    let due = example("text", "line 2");
    assert!(due.starts_with(&said), "{said}");
}

#[test]
fn characters_of_windows_and_of_dos_are_read() {
    let (documents, _) = read(&table(&handbook_mapping()), &windows(&handbook_file()));
    let apples = transaction(&documents[0]).lines[1].item.clone().unwrap();
    assert_eq!(apples.description.unwrap().as_str(), "Äpfel");
    for (name, bytes, text) in [
        ("cp437", b"\x84\xe1".as_slice(), "äß"),
        ("CP850", b"\x9b", "ø"),
        ("ibm852", b"\x9d", "Ł"),
        ("cp866", b"\x80", "А"),
        ("utf-16le", b"\xff\xfea\0", "a"),
        ("utf-8", b"\xef\xbb\xbfa", "a"),
        ("cp932", b"\x83\x5c", "ソ"),
    ] {
        let mut read = String::new();
        let encoding = encoding::Encoding::named(name).unwrap();
        encoding.decode(bytes).read_to_string(&mut read).unwrap();
        assert_eq!(read, text, "{name}");
    }
    assert!(encoding::Encoding::named("cp9999").is_none());
}

#[test]
fn what_is_no_character_refuses_its_receipt_and_no_other() {
    let mut bytes = windows(&handbook_file());
    let wrong = bytes.iter().position(|byte| *byte == 0xc4).unwrap();
    bytes[wrong] = 0x81;
    let mapping = handbook_mapping().replace("windows-1252", "utf-8");
    let (documents, decoded) = read(&table(&mapping), &bytes);
    assert!(decoded.is_ok());
    let (line, column, detail) = refused(&documents[0]);
    assert_eq!((line, column), (3, "text"));
    assert!(detail.contains("no characters"), "{detail}");
    assert_eq!(transaction(&documents[1]).receipt.as_str(), "188");
}

#[test]
fn fixed_width_and_a_discount_in_a_row_of_its_own_are_read() {
    let mapping = table(include_str!("testdata/fixed.toml"));
    let (documents, decoded) = read(&mapping, include_bytes!("testdata/fixed.txt"));
    assert!(decoded.is_ok(), "{decoded:?}");
    let sales: Vec<_> = documents.iter().map(transaction).collect();
    assert_eq!(sales.len(), 2);
    assert_eq!(sales[0].signed_total().to_string(), "5.08 PLN");
    assert!(sales.iter().all(|sale| balance::unbalanced(sale).is_empty()), "{sales:?}");
    let apples = &sales[0].lines[1];
    assert_eq!(
        (apples.quantity.to_string(), apples.unit_price.to_string()),
        ("0.523".into(), "2.99".into())
    );
    assert_eq!((apples.extended.minor(), apples.total.minor()), (156, 109));
    assert_eq!(apples.item.clone().unwrap().scanned.unwrap().as_str(), "2120001005");
    assert_eq!(sales[0].lines[0].item.clone().unwrap().description.unwrap().as_str(), "Café");
    // After midnight, before the day begins.
    assert_eq!(sales[1].business_date.to_string(), "2026-11-23");
}

#[test]
fn a_row_can_be_a_whole_receipt() {
    let mapping = table(include_str!("testdata/daily.toml"));
    let (documents, decoded) = read(&mapping, include_bytes!("testdata/daily.tsv"));
    assert!(decoded.is_ok(), "{decoded:?}");
    let sales: Vec<_> = documents.iter().map(transaction).collect();
    let totals: Vec<_> = sales.iter().map(|sale| sale.signed_total().decimal()).collect();
    assert_eq!(totals, ["1296.00", "-10.80", "5.40", "5.40"]);
    assert!(sales.iter().all(|sale| balance::unbalanced(sale).is_empty()), "{sales:?}");
    assert_eq!(sales[0].tenders.len(), 2);
    assert_eq!(sales[1].tenders.len(), 1, "nothing was paid by card");
    assert_eq!(sales[0].completed_at.unwrap().to_string(), "2026-11-23T09:15:00-05:00");
    assert!(sales[3].is_training());
}

#[test]
fn a_refused_cell_is_named_and_the_next_receipt_is_taken() {
    let text = handbook_file().replace(";0,523;", ";half;");
    let (documents, _) = read(&table(&handbook_mapping()), &windows(&text));
    let (line, column, detail) = refused(&documents[0]);
    assert_eq!((line, column), (3, "qty"));
    assert!(detail.contains("`half` is not a number"), "{detail}");
    assert_eq!(documents.len(), 3);
    let text = handbook_file().replace(";BAR;", ";GOLD;");
    let (documents, _) = read(&table(&handbook_mapping()), &windows(&text));
    assert_eq!(refused(&documents[0]), (4, "pay", "`GOLD` is not in the map of `kind`"));
}

#[test]
fn rows_of_several_tills_may_stand_among_each_other_and_no_further_apart() {
    let header = handbook_file().lines().next().unwrap().to_owned();
    let line = |till: usize, pos: usize| {
        format!("P;0042;{till};1;23.11.2026;17:04:11;{pos};4711;;a;1;1,00;;A;;\n")
    };
    let paid = |till: usize| format!("Z;0042;{till};1;23.11.2026;17:04:11;;;;;;2,00;;;BAR;\n");
    let rows = |tills: usize| {
        let of_all = |row: &dyn Fn(usize) -> String| (1..=tills).map(row).collect::<String>();
        format!(
            "{header}\n{}{}{}#\n",
            of_all(&|t| line(t, 1)),
            of_all(&|t| line(t, 2)),
            of_all(&paid)
        )
    };
    let mapping = table(&handbook_mapping());
    let (documents, _) = read(&mapping, rows(16).as_bytes());
    assert_eq!(documents.len(), 16);
    assert!(documents.iter().all(|document| balance::unbalanced(transaction(document)).is_empty()));
    let (documents, _) = read(&mapping, rows(17).as_bytes());
    let is_said = |document: &&Document| matches!(&document.content, Content::Refused(problem) if problem.detail.contains("further up"));
    assert!(documents.iter().any(|document| is_said(&document)), "half a receipt is never alone");
}

#[test]
fn a_file_without_its_end_is_read_up_to_its_last_receipt() {
    let text = rows_with(";18").replace("#;3 receipts;;;;;;;;;;;;;;\n", "");
    let (documents, decoded) = read(&table(&handbook_mapping()), &windows(&text));
    assert_eq!(documents.len(), 2);
    let unreadable = decoded.unwrap_err();
    assert!(unreadable.problem.detail.contains("breaks off"), "{}", unreadable.problem);
    let joined = format!("{}{}", handbook_file(), rows_with(";187;"));
    let unreadable = read(&table(&handbook_mapping()), &windows(&joined)).1.unwrap_err();
    assert_eq!(unreadable.place.line, 11);
}

#[test]
fn a_quote_that_is_left_open_swallows_no_receipt() {
    let text = handbook_file().replacen("Pencil 2H", "\"Pencil 2H", 1);
    let (documents, decoded) = read(&table(&handbook_mapping()), &windows(&text));
    let unreadable = decoded.unwrap_err();
    assert_eq!((documents.len(), unreadable.place.line), (0, 2));
    assert!(unreadable.problem.next.unwrap().contains("quote = \"\""));
    let endless = format!("{}\"{}", handbook_file(), "x".repeat(3 * 1024 * 1024));
    let unreadable = read(&table(&handbook_mapping()), &windows(&endless)).1.unwrap_err();
    assert!(unreadable.problem.detail.contains("1 MiB"), "{}", unreadable.problem);
}

#[test]
fn a_column_that_the_file_has_not_is_said_once_and_first() {
    let text = handbook_file().replacen(";sku;", ";article;", 1);
    let (documents, decoded) = read(&table(&handbook_mapping()), &windows(&text));
    let unreadable = decoded.unwrap_err();
    assert_eq!((documents.len(), unreadable.place.line), (0, 1));
    assert!(unreadable.problem.detail.contains("`sku`"), "{}", unreadable.problem);
    assert!(unreadable.problem.next.unwrap().contains("`article`"));
}

#[test]
fn a_row_that_nobody_expects_refuses_its_receipt() {
    let text = handbook_file().replacen("Z;0042;2;187", "Q;0042;2;187", 1);
    let (documents, _) = read(&table(&handbook_mapping()), &windows(&text));
    let (line, _, detail) = refused(&documents[0]);
    assert_eq!(line, 4);
    assert!(detail.contains("no kind of row"), "{detail}");
}

#[test]
fn a_mapping_file_that_cannot_be_used_says_where_and_why() {
    let good = handbook_mapping();
    for (from, to, reason) in [
        ("windows-1252", "windows-125", "`windows-125` is no encoding"),
        ("delimiter = \";\"", "delimiter = \";;\"", "`;;` is no single sign"),
        ("format = \"csv\"", "format = \"fixed\"", "needs its columns"),
        ("header = true", "heading = true", "unknown field `heading`"),
        ("training = ", "practice = ", "unknown field `practice`"),
        ("[file]", "[file", "TOML parse error at line 4"),
        ("kind = \"item\"", "kinds = \"item\"", "`row.1.line.kinds`"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Table::parse(&good.replacen(from, to, 1)).unwrap_err();
        assert!(error.reason.contains(reason), "{}", error.reason);
    }
    let missing = from_settings(Settings {
        folder: toml::from_str("folder = \"/var/pos\"").unwrap(),
        mapping: "/nowhere/tills.toml".into(),
    });
    let error = missing.err().unwrap();
    assert_eq!(error.key.as_deref(), Some("mapping"));
    assert!(error.reason.contains("/nowhere/tills.toml"), "{}", error.reason);
}

#[test]
fn every_real_basket_is_taken_to_the_cent() {
    let Some(samples) = needs::samples() else { return };
    let file = samples.join("pos/baskets/completejourney_top5_stores.csv.gz");
    let file = std::fs::File::open(file).unwrap();
    let mut file = BufReader::new(flate2::read::GzDecoder::new(file));
    let table = table(include_str!("testdata/baskets.toml"));
    let (mut baskets, mut lines, mut total) = (0_u32, 0_usize, 0);
    let mut odd = Vec::new();
    let mut stores = std::collections::BTreeSet::new();
    let decoded = table.decode(&mut file, &mut |document| {
        let sale = transaction(&document);
        baskets += 1;
        lines += sale.lines.len();
        total += sale.signed_total().minor;
        stores.insert(sale.store.clone());
        if !balance::unbalanced(sale).is_empty() {
            odd.push(sale.receipt.clone());
        }
        ControlFlow::Continue(())
    });
    assert!(decoded.is_ok(), "{decoded:?}");
    assert_eq!((baskets, lines, stores.len()), (15_747, 144_586, 5));
    // The sum of the column `sales_value`, each rounded to the cent.
    assert_eq!(total, 50_300_743);
    assert!(odd.is_empty(), "{odd:?}");
}

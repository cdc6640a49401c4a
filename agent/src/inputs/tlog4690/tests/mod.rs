//! Claims about the log: what becomes an event, what is refused, and what is never read.

use std::io::BufReader;

use proptest::prelude::*;
use protocol::event::transaction::{Flag, Total};
use protocol::event::{Body, Direction, LineKind, TenderPurpose, TillKind, Transaction, balance};
use protocol::money::Amount;

use super::*;
use crate::inputs::folder::conformance;

mod sample;

const DAY: &str = include_str!("../testdata/day.txt");

const SITE: &str = r#"
    folder = "/var/pos/tlog"
    store = "0042"
    currency = "USD"
    zone = "America/New_York"
    day_begins = "04:00"
    training = { operators = ["99"] }
    tenders = { "11" = "cash", "31" = "card" }
    types = { "17" = "sign_off" }
    registers = { "0002" = "2" }
    groups = { "50" = "stationery" }
    taxes = { A = { rate = "4", authority = "US-NC" } }
    loyalty = true
"#;

fn decoder(changes: &[(&str, &str)]) -> Tlog {
    let mut text = SITE.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    Tlog { site: Site::new(toml::from_str(&text).unwrap()).unwrap() }
}

/// The log that a text of the form of `testdata/day.txt` describes.
fn log(text: &str) -> Vec<u8> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut log = Vec::new();
    for line in lines {
        let strings: Vec<_> = line.split('|').map(|string| string.trim().split(' ')).collect();
        log.push(b'"');
        for (index, fields) in strings.into_iter().enumerate() {
            log.extend(if index == 0 { &b""[..] } else { b"\",\"" });
            let fields: Vec<_> = fields.map(packed).collect();
            // An entry of the exception log has its own separator behind the kind of string.
            match fields[0][..] {
                [0x20] => {
                    log.extend([0x20, b':']);
                    log.extend(fields[1..].join(&b"\":\""[..]));
                }
                _ => log.extend(fields.join(&b':')),
            }
        }
        log.extend(b"\"\r\n");
    }
    log
}

fn packed(nibbles: &str) -> Vec<u8> {
    let nibbles = nibbles.trim_start_matches('-');
    let pad = if nibbles.len() % 2 == 1 { "f" } else { "" };
    hex::decode(format!("{pad}{nibbles}")).unwrap()
}

fn decode(decoder: &Tlog, mut bytes: &[u8]) -> (Vec<Document>, Result<(), Unreadable>) {
    let mut documents = Vec::new();
    let decoded = decoder.decode(&mut bytes, &mut |document| {
        documents.push(document);
        ControlFlow::Continue(())
    });
    (documents, decoded)
}

fn day() -> Vec<Document> {
    let (documents, decoded) = decode(&decoder(&[]), &log(DAY));
    decoded.unwrap();
    documents
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

fn one(decoder: &Tlog, line: &str) -> Document {
    let (mut documents, decoded) = decode(decoder, &log(line));
    decoded.unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

fn refused(decoder: &Tlog, line: &str) -> (String, String) {
    let document = one(decoder, line);
    match document.content {
        Content::Refused(problem) => (document.place.element, problem.detail),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_checkout_becomes_a_sale_that_balances() {
    let day = day();
    let sale = transaction(&day[1]);
    assert_eq!(sale.kind.as_str(), "sale");
    assert_eq!((sale.register.as_str(), sale.receipt.as_str()), ("2", "0187"));
    assert_eq!(sale.completed_at.unwrap().to_string(), "2026-11-23T17:04:00-05:00");
    assert_eq!(sale.business_date.to_string(), "2026-11-23");
    assert_eq!(sale.signed_total().minor, 805);
    assert_eq!(balance::unbalanced(sale), []);
    let [pencils, apples, deposit] = &sale.lines[..] else { panic!("{:?}", sale.lines) };
    assert_eq!(pencils.quantity.to_string(), "3");
    assert_eq!(pencils.unit_price.to_string(), "1.49");
    assert_eq!(pencils.item.as_ref().unwrap().group.as_ref().unwrap().as_str(), "stationery");
    assert_eq!(apples.quantity.to_string(), "1.5");
    assert_eq!(apples.unit.as_ref().unwrap().as_str(), "LBR");
    assert_eq!(apples.unit_price.to_string(), "2.68");
    assert_eq!(deposit.kind, LineKind::ContainerDeposit);
    let coupons: Vec<_> = sale.discounts.iter().map(|coupon| coupon.kind.as_str()).collect();
    assert_eq!(coupons, ["store_coupon", "manufacturer_coupon"]);
    assert_eq!(sale.taxes[0].rate.unwrap().to_string(), "4");
    assert_eq!(sale.customer.as_ref().unwrap().loyalty.as_ref().unwrap().as_str(), "48151080787");
    assert_eq!(sale.extensions.value("tlog4690:gross-positive"), Some("885"));
}

#[test]
fn a_corrected_tender_counts_nowhere() {
    let day = day();
    let tenders = transaction(&day[1]).tenders.iter();
    let tenders: Vec<_> = tenders.map(|t| (t.purpose, t.amount.minor())).collect();
    let expected = [
        (TenderPurpose::Declined, 500),
        (TenderPurpose::Payment, 1000),
        (TenderPurpose::Change, 195),
    ];
    assert_eq!(tenders, expected);
}

#[test]
fn cancelled_items_stay_as_void_lines_whole_or_in_part() {
    let day = day();
    let sale = transaction(&day[2]);
    let lines = sale.lines.iter();
    let lines: Vec<_> =
        lines.map(|line| (line.quantity.to_string(), line.total.minor(), line.void)).collect();
    let expected = [("3", 600, false), ("1", 300, true), ("1", 200, true)];
    assert_eq!(lines, expected.map(|(count, total, void)| (count.to_owned(), total, void)));
    assert_eq!((sale.signed_total().minor, balance::unbalanced(sale)), (600, vec![]));
}

#[test]
fn goods_that_come_back_are_a_return_of_the_day_that_began_before() {
    let day = day();
    let back = transaction(&day[3]);
    assert_eq!((back.kind.as_str(), back.signed_total().minor), ("return", -447));
    assert_eq!(back.business_date.to_string(), "2026-11-23", "02:10 is before the day begins");
    assert_eq!(back.lines[0].direction, Direction::In);
    assert_eq!(back.tenders[0].purpose, TenderPurpose::Refund);
    assert_eq!(balance::unbalanced(back), []);
}

#[test]
fn what_moves_no_money_is_passed_over_or_what_the_site_says() {
    let day = day();
    for index in [0, 4] {
        assert!(matches!(day[index].content, Content::Skipped(_)), "{:?}", day[index]);
    }
    let Content::Event(draft) = &day[5].content else { panic!("{:?}", day[5]) };
    assert!(matches!(&draft.body, Body::Till(till) if till.kind == TillKind::SignOff));
}

#[test]
fn practice_is_told_by_what_the_site_says_and_refused_where_nothing_tells() {
    assert!(transaction(&day()[6]).flags.contains(&Flag::Training));
    let line = "00 0002 0192 2611231701 00 2 17 1 100 - - - - - 1073741824 | 05 11 - - - 00";
    let by_bit = |bit: &str| decoder(&[(r#"{ operators = ["99"] }"#, bit)]);
    let trains = |bit| transaction(&one(&by_bit(bit), line)).is_training();
    assert_eq!((trains("{ bit = 1 }"), trains("{ bit = 2 }")), (true, false));
    let untold = "00 0002 0192 2611231701 00 2 - 1 100 | 05 11 - - - 00";
    for (rule, field) in [(r#"{ operators = ["99"] }"#, "Operator"), ("{ bit = 1 }", "Indicat1")] {
        let (element, detail) = refused(&by_bit(rule), untold);
        assert_eq!(element, format!("string 1 (00), {field}"));
        assert!(detail.contains("practice"), "{detail}");
    }
}

#[test]
fn a_voided_basket_counts_nowhere() {
    let decoder = decoder(&[("loyalty", "void_bit = 31\nloyalty")]);
    let line = "00 0002 0193 2611231701 00 1 17 1 100 - - - - - 1 | 01 10 100 1 000000 8 - 00";
    let document = one(&decoder, line);
    let void = transaction(&document);
    assert_eq!((void.kind.as_str(), void.counts(), void.lines.len()), ("void", false, 1));
}

#[test]
fn what_the_site_did_not_say_is_refused_and_never_guessed() {
    let sale = "00 0002 0194 2611231701 00 2 17 1 - - - - - - 1";
    let cases = [
        (format!("{sale} | 05 41 100 - - 00"), "string 2, TenderType"),
        (
            sale.replace("1701 00", "1701 03") + " | 05 11 5 - - 00",
            "string 1 (00), TransactionType",
        ),
        (sale.replace("0002", "0003"), "string 1 (00), TerminalNumber"),
        (sale.replace("2611231701", "2613231701"), "string 1 (00), DateTime"),
        (format!("{sale} | 01 10 d100 1 000000 8 - 00"), "string 2 (01), ExtendedPrice"),
        (format!("{sale} | 01 10 100 1 000000 8 -"), "string 2 (01), Indicat3"),
        ("05 11 100 - - 00".to_owned(), "string 1 (05)"),
    ];
    for (line, expected) in cases {
        assert_eq!(refused(&decoder(&[]), &line).0, expected, "{line}");
    }
}

#[test]
fn a_cancelled_item_that_nothing_sold_comes_back_without_a_receipt() {
    let line = "00 0002 0195 2611231701 00 2 17 1 - - - - - - 1 | 01 10 100 1 000000 8 - 80";
    let document = one(&decoder(&[]), line);
    let back = transaction(&document);
    assert_eq!(
        back.total,
        Some(Total { amount: Amount::new(100).unwrap(), direction: Direction::Out })
    );
    assert_eq!(back.lines[0].direction, Direction::In);
}

#[test]
fn neither_passwords_nor_account_numbers_are_read() {
    for document in day() {
        let Content::Event(draft) = document.content else { continue };
        let json = serde_json::to_string(&draft.body).unwrap();
        assert!(!json.contains("4111"), "{json}");
    }
}

/// The transactions of the day with these numbers.
fn transactions(numbers: &[&str]) -> String {
    let is_one =
        |line: &&str| numbers.iter().any(|number| line.starts_with(&format!("00 0002 {number}")));
    DAY.lines().filter(is_one).map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn a_log_holds_what_every_folder_holds() {
    let whole = transactions(&["0187", "0188", "0189"]);
    let sale = transactions(&["0187"]);
    let practice = transactions(&["0192"]);
    conformance::run(&conformance::Case {
        decoder: Arc::new(decoder(&[])),
        whole: (log(&whole), 3),
        changed: log(&whole.replace("01 4711 447 50 000000 8 - 00", "01 4712 447 50 000000 8 - 00")),
        practice: log(&practice),
        doubtful: log(&practice.replace(" 2 99 1 100", " 2 - 1 100")),
        unbalanced: log(&sale.replace("09 11 195", "09 11 194")),
        card: (log(&sale.replace("48151080787", conformance::CARD)), "411111******1111"),
    })
    .await;
}

#[test]
fn a_log_is_read_alike_however_it_arrives() {
    let bytes = log(DAY);
    let whole = format!("{:?}", decode(&decoder(&[]), &bytes).0);
    for capacity in [1, 2, 3, 7, 64] {
        let mut documents = Vec::new();
        let mut file = BufReader::with_capacity(capacity, &bytes[..]);
        let mut deliver = |document| {
            documents.push(document);
            ControlFlow::Continue(())
        };
        decoder(&[]).decode(&mut file, &mut deliver).unwrap();
        assert_eq!(format!("{documents:?}"), whole, "{capacity}");
    }
}

#[test]
fn the_end_of_a_transaction_within_a_text_is_none() {
    let mut bytes = b"\"\x99:text \"\r\nmore\"\r\n".to_vec();
    bytes.extend(log(DAY));
    let (documents, decoded) = decode(&decoder(&[]), &bytes);
    assert_eq!((documents.len(), decoded.is_ok()), (8, true));
}

#[test]
fn a_log_that_breaks_off_or_is_none_says_where() {
    let bytes = log(DAY);
    let broken = |bytes: &[u8]| {
        let (documents, decoded) = decode(&decoder(&[]), bytes);
        let unreadable = decoded.unwrap_err();
        (documents.len(), unreadable.place.line, unreadable.problem.code)
    };
    assert_eq!(broken(&bytes[..bytes.len() - 5]), (6, 7, "SK0080".to_owned()));
    assert_eq!(broken(b"PK\x03\x04"), (0, 1, "SK0080".to_owned()));
    let endless = [&b"\""[..], &vec![b'x'; 2 * frame::TRANSACTION_BYTES_MAX]].concat();
    assert_eq!(broken(&endless), (0, 1, "SK0005".to_owned()));
}

#[test]
fn whoever_has_enough_gets_no_more() {
    let mut count = 0;
    let mut deliver = |_| {
        count += 1;
        ControlFlow::Break(())
    };
    decoder(&[]).decode(&mut &log(DAY)[..], &mut deliver).unwrap();
    assert_eq!(count, 1);
}

#[test]
fn settings_that_cannot_be_used_are_refused_with_their_key() {
    let cases = [
        ("America/New_York", "America/Atlantis", "zone"),
        ("04:00", "4 o'clock", "day_begins"),
        (r#"{ operators = ["99"] }"#, "{ bit = 32 }", "training"),
        ("loyalty = true", "void_bit = 40", "void_bit"),
        ("loyalty = true", "weight_places = 9", "weight_places"),
    ];
    for (from, to, key) in cases {
        let settings = toml::from_str(&SITE.replace(from, to)).unwrap();
        assert_eq!(Site::new(settings).unwrap_err().key.as_deref(), Some(key));
    }
    let untold = SITE.lines().filter(|line| !line.contains("training")).collect::<String>();
    assert!(toml::from_str::<Settings>(&untold).is_err(), "practice has no default");
}

#[test]
fn packed_numbers_are_read_with_pad_and_sign() {
    let cases = [
        (&[0xF1, 0x50, 0x00][..], Some(15_000)),
        (&[0x20, 0x50], Some(2_050)),
        (&[0xF0], Some(0)),
        (&[0xFD, 0x15, 0x00], Some(-1_500)),
        (&[0xD1, 0x23], Some(-123)),
        (&[0xFF], None),
        (&[0xD0, 0x0D], None),
        (&[0x1A], None),
        (&[], None),
        (&[0x99; 8], None),
    ];
    for (bytes, expected) in cases {
        assert_eq!(packed::number(bytes), expected, "{bytes:02X?}");
    }
    assert_eq!(packed::digits(&[0xF0, 0x12]).as_deref(), Some("012"));
    assert_eq!(packed::digits(&[0xD1]), None);
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let (documents, _) = decode(&decoder(&[]), &bytes);
        prop_assert!(documents.len() <= bytes.len());
    }

    #[test]
    fn a_log_with_any_byte_changed_is_read_without_panic(at in 0_usize..1_000, byte in any::<u8>()) {
        let mut bytes = log(DAY);
        let at = at % bytes.len();
        bytes[at] = byte;
        let (documents, _) = decode(&decoder(&[]), &bytes);
        prop_assert!(documents.len() <= 8);
    }
}

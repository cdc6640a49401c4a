//! The recorded log is taken with exactly the sums that its published description holds.

use quick_xml::Reader;
use quick_xml::events::Event as Xml;

use super::*;

/// What the description says of one transaction.
#[derive(Debug, Default)]
struct Described {
    number: String,
    kind: String,
    gross_positive: i64,
    gross_negative: i64,
    paid: i64,
    tax: i64,
}

/// Reads the description: elements without regard to their namespaces.
fn described(xml: &str) -> Vec<Described> {
    let mut reader = Reader::from_str(xml);
    let (mut all, mut record, mut element) = (Vec::new(), String::new(), String::new());
    loop {
        match reader.read_event().unwrap() {
            Xml::Start(start) => {
                element = start.local_name().as_ref().to_owned();
                match element.as_str() {
                    "Transaction" => all.push(Described::default()),
                    name if name.starts_with("TransactionRecord") => record = name.to_owned(),
                    _ => {}
                }
            }
            Xml::Text(text) => {
                let text = text.xml10_content().trim().to_owned();
                let Some(described) = all.last_mut() else { continue };
                let number = || text.parse::<i64>().unwrap_or_default();
                match (record.as_str(), element.as_str()) {
                    ("TransactionRecord00", "TransactionNumber") => {
                        described.number = format!("{text:0>4}");
                    }
                    ("TransactionRecord00", "TransactionType") => described.kind = text,
                    ("TransactionRecord00", "GrossPositive") => described.gross_positive = number(),
                    ("TransactionRecord00", "GrossNegative") => described.gross_negative = number(),
                    ("TransactionRecord05", "TenderAmount") => described.paid += number(),
                    ("TransactionRecord06" | "TransactionRecord09", "TenderAmount") => {
                        described.paid -= number();
                    }
                    ("TransactionRecord07", "TaxAAmount") => described.tax += number(),
                    _ => {}
                }
            }
            Xml::End(_) => element.clear(),
            Xml::Eof => return all,
            _ => {}
        }
    }
}

#[test]
fn the_recorded_log_is_taken_with_the_sums_that_it_holds() {
    let Some(samples) = needs::samples() else { return };
    let folder = samples.join("pos/tlog4690/SA");
    let bytes = std::fs::read(folder.join("TestData_SA/EAMTRANA_2.DAT")).unwrap();
    let xml = std::fs::read_to_string(folder.join("TestInfosets_SA/EAMTRANA_2.xml")).unwrap();
    let described = described(&xml);
    let site = decoder(&[
        (r#"{ operators = ["99"] }"#, r#""not_logged""#),
        (r#"registers = { "0002" = "2" }"#, ""),
    ]);
    let (documents, decoded) = decode(&site, &bytes);
    decoded.unwrap();
    assert_eq!(documents.len(), described.len());
    let (mut gross_positive, mut gross_negative, mut checkouts) = (0, 0, 0);
    for (document, expected) in documents.iter().zip(&described) {
        if expected.kind != "00" {
            let is_sale = matches!(&document.content, Content::Event(draft)
                if matches!(draft.body, Body::Transaction(_)));
            assert!(!is_sale && !matches!(document.content, Content::Refused(_)), "{document:?}");
            continue;
        }
        let transaction = transaction(document);
        assert_eq!(transaction.receipt.as_str(), expected.number);
        assert_eq!(transaction.signed_total().minor, expected.paid, "{}", expected.number);
        assert_eq!(balance::unbalanced(transaction), [], "{}", expected.number);
        let tax: i64 = transaction.taxes.iter().map(|tax| tax.amount.minor()).sum();
        assert_eq!(tax, expected.tax);
        // What was rung up, whether or not it was cancelled later, and what was cancelled.
        let goods = || transaction.lines.iter().filter(|line| line.kind == LineKind::Item);
        let cancelled = goods().filter(|line| line.void).map(|line| line.total.minor());
        let rung_up = goods().map(|line| line.total.minor()).sum::<i64>() + tax;
        assert_eq!(rung_up, expected.gross_positive, "{}", expected.number);
        assert_eq!(cancelled.sum::<i64>(), expected.gross_negative, "{}", expected.number);
        gross_positive += expected.gross_positive;
        gross_negative += expected.gross_negative;
        checkouts += 1;
    }
    let closing = described.iter().find(|transaction| transaction.kind == "17").unwrap();
    assert_eq!(checkouts, 14);
    assert_eq!(closing.gross_positive, gross_positive, "the terminal's own sum at sign-off");
    assert_eq!(closing.gross_negative, gross_negative);
}

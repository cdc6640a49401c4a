//! The recorded files of vendors: each is taken with the total that it prints, or refused for the
//! reason that the handbook gives.

use protocol::event::balance;

use super::*;

/// The recorded files, the profile of each, and the zone of its store.
const FILES: [(&str, &str, &str); 13] = [
    ("ncr_acs/SMALL.scrubbed.xml", "ncr-acs", "America/New_York"),
    ("retalix_r10/r10_0.xml", "retalix-r10", "Europe/London"),
    ("roqqio/retoure_with_link.xml", "roqqio", "Europe/Berlin"),
    ("roqqio/sale_with_posStorno.xml", "roqqio", "Europe/Berlin"),
    ("roqqio/sale_with_tenderChange.xml", "roqqio", "Europe/Berlin"),
    (
        "swedish_digital_receipt/swe-standard-dr-return.xml",
        "swedish-digital-receipt",
        "Europe/Stockholm",
    ),
    (
        "swedish_digital_receipt/swe-standard-dr-sale.xml",
        "swedish-digital-receipt",
        "Europe/Stockholm",
    ),
    (
        "swedish_digital_receipt/swe-standard-dr-sample-1.xml",
        "swedish-digital-receipt",
        "Europe/Stockholm",
    ),
    ("fragments/arts_stockview_2005.xml", "strict", "America/New_York"),
    ("fragments/chile_kiosk_tlog_v2.2.xml", "chile-kiosk.toml", "America/Santiago"),
    ("fragments/klog_us_grocer_v6.5.4.xml", "klog.toml", "America/New_York"),
    ("fragments/retalix_r10_uk_loyalty_totals_v6.xml", "retalix-r10", "Europe/London"),
    ("fragments/wincor_tpnet_uae_void_line_v2.2.xml", "wincor-tpnet", "Asia/Dubai"),
];

/// A row of the handbook's table for each document of a file.
fn rows(name: &str, profile: &str, zone: &str, xml: &[u8]) -> Vec<String> {
    let path = format!("{TESTDATA}/profiles/{profile}");
    let by = if profile.ends_with(".toml") { path.as_str() } else { profile };
    let read = read(&*decoder(&settings(by, zone)).unwrap(), xml);
    assert!(read.ended.is_none(), "{name}: {:?}", read.ended);
    let row = |document: &Document| {
        let what = match &document.content {
            Content::Skipped(what) => format!("skipped: {what} |"),
            Content::Refused(problem) => {
                format!("refused ({}): {} |", problem.code, problem.detail)
            }
            Content::Event(draft) => match &draft.body {
                Body::Transaction(transaction) => {
                    let wrong =
                        [draft.unbalanced.clone(), balance::unbalanced(transaction)].concat();
                    let balance = match wrong.as_slice() {
                        [] => "adds up".to_owned(),
                        wrong => format!("does not add up: {wrong:?}"),
                    };
                    let total = money(transaction.signed_total());
                    format!("{} of {total} | {balance}", transaction.kind.as_str())
                }
                Body::Till(till) => format!("{} |", till.kind.as_str()),
                other => panic!("{other:?}"),
            },
        };
        format!("| `{name}` | `{profile}` | {what} |")
    };
    read.documents.iter().map(row).collect()
}

#[test]
fn every_recorded_file_becomes_what_the_handbook_says() {
    let Some(samples) = needs::samples() else { return };
    let handbook = include_str!("../../../../../docs/handbook/poslog.md");
    let mut missing = Vec::new();
    for (name, profile, zone) in FILES {
        let xml = std::fs::read(samples.join("pos/poslog").join(name)).unwrap();
        let rows = rows(name, profile, zone, &xml);
        assert!(!rows.is_empty(), "{name} holds no document");
        missing.extend(rows.into_iter().filter(|row| !handbook.contains(row.as_str())));
    }
    assert!(missing.is_empty(), "the handbook lacks:\n{}", missing.join("\n"));
}

#[test]
fn no_recorded_file_is_left_out() {
    let Some(samples) = needs::samples() else { return };
    let root = samples.join("pos/poslog");
    let mut found = Vec::new();
    for folder in std::fs::read_dir(&root).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|end| end == "xml") {
                found.push(path.strip_prefix(&root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    let mut listed: Vec<_> = FILES.iter().map(|(name, _, _)| (*name).to_owned()).collect();
    listed.sort();
    assert_eq!(found, listed);
}

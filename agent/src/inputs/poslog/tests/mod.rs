//! Claims about POSLog: what each kind of document becomes, and what is refused.

mod cards;
mod common_claims;
mod limits;
mod samples;
mod vendors;

use std::collections::BTreeMap;
use std::io::{BufReader, Cursor};
use std::ops::ControlFlow;
use std::sync::Arc;

use protocol::event::{Body, Till, Transaction};
use protocol::money::Money;
use protocol::problem::Problem;

use super::*;

/// The folder of the fixtures.
const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/inputs/poslog/testdata");

/// A file of each vendor's kind, and one of a vendor that no profile knows.
const STRICT: &str = include_str!("../testdata/strict.xml");
const NCR_ACS: &str = include_str!("../testdata/ncr-acs.xml");
const RETALIX_R10: &str = include_str!("../testdata/retalix-r10.xml");
const ROQQIO: &str = include_str!("../testdata/roqqio.xml");
const SWEDISH: &str = include_str!("../testdata/swedish-digital-receipt.xml");
const WINCOR: &str = include_str!("../testdata/wincor-tpnet.xml");
const ACME: &str = include_str!("../testdata/acme.xml");

/// Settings of a store.
fn settings(profile: &str, time_zone: &str) -> Settings {
    let table = format!("folder = \"x\"\nprofile = \"{profile}\"\ntime_zone = \"{time_zone}\"");
    toml::from_str(&table).unwrap()
}

fn by(profile: &str) -> Arc<dyn Decoder> {
    decoder(&settings(profile, "+01:00")).unwrap_or_else(|error| panic!("{profile}: {error}"))
}

/// What a file became: its documents, and why it was not read to its end.
#[derive(Debug, Default)]
struct Read {
    documents: Vec<Document>,
    not_understood: Vec<Vec<String>>,
    ended: Option<Unreadable>,
}

fn read(decoder: &dyn Decoder, file: &[u8]) -> Read {
    let mut read = Read::default();
    let mut file = BufReader::new(Cursor::new(file));
    let decoded = decoder.explain(&mut file, &mut |document, places| {
        read.documents.push(document);
        read.not_understood.push(places);
        ControlFlow::Continue(())
    });
    read.ended = decoded.err();
    read
}

/// The problem of the only document, or of the file.
#[track_caller]
fn problem(read: Read) -> (Place, Problem) {
    if let Some(Unreadable { place, problem }) = read.ended {
        return (place, problem);
    }
    let Some(Document { place, content: Content::Refused(problem) }) =
        read.documents.into_iter().next_back()
    else {
        panic!("nothing is refused");
    };
    (place, problem)
}

/// The only transaction of a file.
#[track_caller]
fn transaction(profile: &str, xml: &str) -> Transaction {
    let mut all = transactions(profile, xml.as_bytes());
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[track_caller]
fn transactions(profile: &str, xml: &[u8]) -> Vec<Transaction> {
    let read = read(&*by(profile), xml);
    assert!(read.ended.is_none(), "{:?}", read.ended);
    let bodies = read.documents.into_iter().filter_map(|document| match document.content {
        Content::Event(draft) => Some(draft.body),
        Content::Refused(problem) => panic!("{:?}: {problem}", document.place),
        Content::Skipped(_) => None,
    });
    bodies
        .filter_map(|body| match body {
            Body::Transaction(transaction) => Some(*transaction),
            _ => None,
        })
        .collect()
}

/// Counts of what a file became, by kind.
fn kinds(read: &Read) -> BTreeMap<&'static str, usize> {
    let mut kinds = BTreeMap::new();
    for document in &read.documents {
        let kind = match &document.content {
            Content::Event(draft) => match &draft.body {
                Body::Transaction(transaction) => transaction.kind.as_str(),
                Body::Till(till) => till.kind.as_str(),
                Body::Stock(_) | Body::Fiscal(_) => "other",
            },
            Content::Refused(_) => "refused",
            Content::Skipped(_) => "skipped",
        };
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}

fn money(total: Money) -> String {
    total.to_string()
}

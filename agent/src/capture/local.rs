//! Extensions that are not allow-listed: they stay on this host, beside the entry, neither chained
//! nor sent.
//!
//! Does not drop any: what a vendor says is kept where it may be kept.

use std::collections::{BTreeMap, BTreeSet};

use protocol::event::{Body, Extensions};
use protocol::id::Code;

/// Takes out what is not allowed; returns it as JSON, by the place where it stood.
pub(super) fn split_off(body: &mut Body, allowed: &BTreeSet<Code>) -> Option<String> {
    let mut places = BTreeMap::new();
    let mut split = |place: &dyn Fn() -> String, extensions: &mut Extensions| {
        if extensions.is_empty() {
            return;
        }
        let local = extensions.split_off(|name| allowed.contains(name));
        if !local.is_empty() {
            places.insert(place(), local);
        }
    };
    let whole = || "data.extensions".to_owned();
    match body {
        Body::Transaction(transaction) => {
            split(&whole, &mut transaction.extensions);
            for (index, line) in transaction.lines.iter_mut().enumerate() {
                split(&|| format!("data.lines[{index}].extensions"), &mut line.extensions);
            }
            for (index, tender) in transaction.tenders.iter_mut().enumerate() {
                split(&|| format!("data.tenders[{index}].extensions"), &mut tender.extensions);
            }
        }
        Body::Till(till) => split(&whole, &mut till.extensions),
        Body::Stock(document) => split(&whole, &mut document.extensions),
        Body::Fiscal(fiscal) => split(&whole, &mut fiscal.extensions),
    }
    (!places.is_empty()).then(|| serde_json::to_string(&places).expect("extensions are plain data"))
}

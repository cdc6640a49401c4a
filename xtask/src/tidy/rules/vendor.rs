//! No vendor's name where every vendor is served alike.
//!
//! Comments and test data count: a name in a comment is how the first `if` for one vendor begins.

use crate::tidy::Finding;
use crate::tidy::tree::Tree;

/// The folders that know no vendor.
const NEUTRAL: &[&str] = &[
    "crates/protocol/",
    "crates/journal/",
    "crates/update/",
    "agent/src/sync/",
    "cloud-relay/src/ingest/",
    "cloud-relay/src/dispatch/",
];

/// Names that mean nothing else, however they are written.
const VENDORS: &[&str] =
    &["shopify", "erpnext", "frappe", "tryton", "odoo", "netsuite", "dynamics", "lightspeed"];

/// Names that are everyday words as well: only with a capital.
const EVERYDAY: &[&str] = &["Square", "Sage"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.texts()
        .filter(|(path, _)| NEUTRAL.iter().any(|folder| path.starts_with(folder)))
        .flat_map(|(path, text)| {
            text.lines().enumerate().filter_map(move |(before, line)| {
                let vendor = named(line)?;
                let text = format!(
                    "names `{vendor}`: say what is meant for every target, \
                     or move it into the connector's folder"
                );
                Some(Finding::new(path, before + 1, "vendor", text))
            })
        })
        .collect()
}

fn named(line: &str) -> Option<&'static str> {
    let words = || line.split(|c: char| !c.is_alphabetic()).flat_map(of_camel_case);
    VENDORS
        .iter()
        .find(|vendor| words().any(|word| word.eq_ignore_ascii_case(vendor)))
        .or_else(|| EVERYDAY.iter().find(|vendor| words().any(|word| word == **vendor)))
        .copied()
}

/// The word itself and its parts: `ShopifyOrder` is `Shopify` and `Order` too.
fn of_camel_case(word: &str) -> Vec<&str> {
    let starts: Vec<_> = word.char_indices().filter(|(_, c)| c.is_uppercase()).collect();
    let ends = starts.iter().skip(1).map(|(at, _)| *at).chain([word.len()]);
    let parts = starts.iter().zip(ends).map(|((from, _), to)| &word[*from..to]);
    std::iter::once(word).chain(parts).collect()
}

#[cfg(test)]
mod tests {
    //! A name is found however it is written, and only where it is not allowed.

    use super::super::found;
    use super::*;

    #[test]
    fn a_vendors_name_is_found_in_code_comments_and_data() {
        for line in [
            "// as Shopify does",
            "fn shopify_order() {}",
            "struct ShopifyOrder;",
            "\"target\": \"odoo\"",
            "// the way of Square",
        ] {
            let tree = Tree::of(&[("crates/protocol/src/batch/mod.rs", line)]);
            assert_eq!(found(&check(&tree)), ["crates/protocol/src/batch/mod.rs:1"], "{line}");
        }
    }

    #[test]
    fn everyday_words_are_no_names() {
        for line in ["square brackets", "a sage rule", "melodood"] {
            assert!(check(&Tree::of(&[("agent/src/sync/batch.rs", line)])).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_connector_names_its_vendor() {
        let path = "cloud-relay/src/connectors/shopify/mod.rs";
        assert!(check(&Tree::of(&[(path, "//! Shopify.")])).is_empty());
    }
}

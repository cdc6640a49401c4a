//! The query language of searches, as far as it is modelled.

use super::{Facet, Query, is_grouped};

fn finds(query: &str, text: &str) -> bool {
    Query::read(query).matches(|field| match field {
        Some("sku") => Facet::Texts(vec![text]),
        _ => Facet::Unknown,
    })
}

#[test]
fn a_quoted_value_finds_longer_texts_that_contain_its_words() {
    assert!(finds("sku:\"A-1\"", "A-1"));
    assert!(finds("sku:\"A-1\"", "a 1 xl"));
    assert!(finds("sku:'A-1'", "B/A/1"));
    assert!(!finds("sku:\"A-1\"", "1-A"));
    assert!(!finds("sku:\"A-1\"", "A-10"));
}

#[test]
fn an_unquoted_value_finds_its_words_anywhere() {
    assert!(finds("sku:A-1", "1-A"));
    assert!(finds("sku:A-1*", "A-10"));
    assert!(finds("sku:X,A", "A-10"));
    assert!(!finds("-sku:A", "A-10"));
    assert!(!finds("NOT sku:A", "A-10"));
}

#[test]
fn alternatives_and_escaped_quotes_are_read() {
    assert!(finds("sku:X OR sku:A", "A"));
    assert!(!finds("sku:X AND sku:A", "A"));
    assert!(finds(r#"sku:"3\" pipe""#, "3\" pipe"));
}

#[test]
fn an_unknown_filter_finds_everything_and_is_warned_of() {
    assert!(finds("skew:A", "B"));
    let warning = Query::read("skew:A").warnings("productVariants", |field| field == "sku");
    assert_eq!(warning.unwrap()["warnings"][0]["field"], "skew");
}

#[test]
fn parentheses_group_only_outside_quotes() {
    assert!(is_grouped("(sku:A OR sku:B) barcode:1"));
    assert!(is_grouped("-(sku:A)"));
    assert!(!is_grouped(r#"sku:"A (red)""#));
    assert!(!is_grouped(r"sku:A\(red"));
}

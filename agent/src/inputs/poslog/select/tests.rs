//! Selectors lead where they say.

use super::*;
use crate::inputs::poslog::profile;
use crate::inputs::poslog::xml::{Documents, Next};

const XML: &str = r#"<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/" xmlns:a="urn:a">
<Transaction a:id="7"><Total TotalType="Net">1</Total><Total TotalType="Grand">2</Total>
<Line n="1"><Sale><Id>x</Id></Sale></Line><Line n="2"><Sale><Id>y</Id><a:Id>z</a:Id></Sale></Line>
</Transaction></POSLog>"#;

/// What a selector finds first, from the second line's sale.
fn finds(text: &str) -> Option<String> {
    let profile = profile::load("strict").unwrap();
    let mut source = XML.as_bytes();
    let mut tree = Tree::default();
    let mut documents = Documents::new(&mut source, &profile).unwrap();
    assert!(matches!(documents.next(&mut tree), Ok(Next::Document)));
    let from = parse("/Line[@n=2]/Sale").unwrap().first(&tree, Tree::ROOT).unwrap().node;
    let found = parse(text).unwrap().first(&tree, from)?;
    Some(found.text(&tree).to_owned())
}

#[test]
fn paths_conditions_parents_and_attributes_lead_to_their_places() {
    let cases = [
        ("Id", Some("y")),
        ("../@n", Some("2")),
        ("../../Line/Sale/Id", Some("x")),
        ("/Total[@TotalType=Grand]", Some("2")),
        ("/Total[@TotalType!=Net]", Some("2")),
        ("/Total[!@TotalType]", None),
        ("/Line[Sale/Id=y]@n", Some("2")),
        ("/*[@n]@n", Some("1")),
        (".[Id=y]/Id", Some("y")),
        (".[Id=n]/Id", None),
        ("/Nothing", None),
        ("../../../Anything", None),
    ];
    for (selector, expected) in cases {
        assert_eq!(finds(selector).as_deref(), expected, "{selector}");
    }
}

#[test]
fn names_in_other_namespaces_are_not_those_without_a_prefix() {
    assert_eq!(finds("Id[2]").as_deref(), None, "a condition is a name, never a place");
    let mut selector = parse("a:Id").unwrap();
    assert!(selector.bind(&|_| None).unwrap_err().contains("prefix `a`"));
}

#[test]
fn what_is_no_selector_says_why() {
    for (text, expected) in [
        ("a[", "`]` is missing"),
        ("a/", "missing at the end"),
        ("a//b", "is no name"),
        ("@", "is no name"),
        ("a b", "is no name"),
        ("a[b c=1]", "is no name"),
        (&"a/".repeat(20), "too many steps"),
        (&"a".repeat(400), "too long"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

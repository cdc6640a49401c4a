//! What nobody asked for: named for a trial, and looked through for card numbers.
//!
//! What a profile does not name never reaches an event. But a POS that writes card numbers has to
//! be known to do so: a number that stands in such a place goes to capture as a vendor field, which
//! masks it before anything is written, and flags the event.

use std::collections::BTreeMap;

use protocol::envelope::Draft;
use protocol::event::{Body, Extensions};

use super::super::xml::tree::{AttributeId, NodeId, Tree};
use super::look::{Look, extensions};

/// Card numbers of one document that are named one by one.
const NUMBERS_MAX: usize = 20;

/// Characters of a place in a vendor field's name.
const PLACE_CHARS_MAX: usize = 100;

/// Fewer digits are no card number.
const DIGITS_MIN: usize = 12;

/// The draft with a vendor field for each card number that stands where nobody asked.
pub(super) fn flagged(look: Look<'_>, mut draft: Draft) -> Draft {
    let mut found = BTreeMap::new();
    for (node, attribute, text) in unseen(look.tree) {
        if digits(text) < DIGITS_MIN || found.len() == NUMBERS_MAX {
            continue;
        }
        if let Some(number) = look.site.guard.number_in(text) {
            found.insert(name(look.tree, node, attribute), number.to_owned());
        }
    }
    if found.is_empty() {
        return draft;
    }
    let flagged = extensions(found);
    match &mut draft.body {
        Body::Transaction(transaction) => add(&mut transaction.extensions, &flagged),
        Body::Till(till) => add(&mut till.extensions, &flagged),
        Body::Stock(document) => add(&mut document.extensions, &flagged),
        Body::Fiscal(fiscal) => add(&mut fiscal.extensions, &flagged),
    }
    draft
}

/// Numbers come first: what a profile keeps gives way where there is no room for both.
fn add(kept: &mut Extensions, flagged: &Extensions) {
    let mut all = BTreeMap::new();
    for part in [flagged, &*kept] {
        for (name, value) in part.iter() {
            all.entry(name.as_str().to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    *kept = extensions(all);
}

/// What nobody asked for, as places, each name of a place once.
pub(super) fn not_understood(tree: &Tree, most: usize) -> Vec<String> {
    let mut places = Vec::new();
    for (node, attribute, _) in unseen(tree) {
        let place = plain(tree, node, attribute);
        if places.len() < most && !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

fn unseen(tree: &Tree) -> impl Iterator<Item = (NodeId, Option<AttributeId>, &str)> {
    tree.all().flat_map(move |node| {
        let text = (node, None, tree.text(node));
        let attributes = tree
            .attributes(node)
            .map(move |attribute| (node, Some(attribute), tree.attribute_text(attribute)));
        std::iter::once(text).chain(attributes).filter(move |(node, attribute, text)| {
            !text.is_empty() && !tree.is_seen(*node, *attribute)
        })
    })
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

/// The name of a vendor field for a place; of a long one the end. Several of one place are one.
fn name(tree: &Tree, node: NodeId, attribute: Option<AttributeId>) -> String {
    let place = plain(tree, node, attribute);
    let surplus = place.chars().count().saturating_sub(PLACE_CHARS_MAX);
    let end: String = place.chars().skip(surplus).collect();
    format!("poslog:{}", end.replace(':', "."))
}

/// A place without the numbers of elements.
fn plain(tree: &Tree, node: NodeId, attribute: Option<AttributeId>) -> String {
    let mut steps = Vec::new();
    let mut at = Some(node);
    while let Some(node) = at {
        at = tree.parent(node);
        if at.is_some() {
            steps.push(tree.name(node));
        }
    }
    steps.reverse();
    let path = steps.join("/");
    match attribute {
        Some(attribute) => format!("{path}@{}", tree.attribute_name(attribute).1),
        None => path,
    }
}

//! Selectors: the small path language in which a profile says where something stands.
//!
//! `Total[@TotalType=TransactionGrandAmount]`, `BusinessUnit/UnitID`, `Quantity@UnitOfMeasureCode`,
//! `../SequenceNumber`, `/acs:Receipt`, `POSIdentity[!@POSIDType]/POSItemID`, `.`. A step is an
//! element's name or `*`; conditions stand in brackets and hold for an attribute or for children;
//! `..` is the element around, a leading `/` the document element; `@name` at the end is an
//! attribute. A name without prefix is in one of the profile's `namespaces`. Selects, and computes
//! nothing.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Deserializer, de};

use super::xml::tree::{AttributeId, NodeId, Space, Tree};

/// Characters of one selector.
const CHARS_MAX: usize = 300;

/// Steps of one selector: more than real documents are deep.
const STEPS_MAX: usize = 16;

/// A name with its prefix in the profile, empty for the standard.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    prefix: Box<str>,
    local: Box<str>,
    /// Set when the profile's prefixes are known.
    space: Space,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    /// None for `*`.
    name: Option<Name>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    /// The children to go down to.
    path: Vec<Name>,
    attribute: Option<Name>,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    Is(Box<str>),
    IsNot(Box<str>),
}

/// One selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector {
    text: Box<str>,
    is_absolute: bool,
    up: usize,
    /// Conditions of the element that the selector begins at, as in `.[@a=b]`.
    here: Vec<Condition>,
    steps: Vec<Step>,
    attribute: Option<Name>,
}

/// Where a selector leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) node: NodeId,
    pub(super) attribute: Option<AttributeId>,
}

impl Found {
    pub(super) fn text(self, tree: &Tree) -> &str {
        match self.attribute {
            Some(attribute) => tree.attribute_text(attribute),
            None => tree.text(self.node),
        }
    }
}

impl Selector {
    /// Binds the prefixes of its names; the first that the profile does not declare is an error.
    pub(super) fn bind(&mut self, space: &dyn Fn(&str) -> Option<Space>) -> Result<(), String> {
        let wrong = self.text.clone();
        let mut bind = |name: &mut Name| -> Result<(), String> {
            name.space = space(&name.prefix).ok_or_else(|| {
                format!("`{wrong}`: the prefix `{}` is not in `prefixes`", name.prefix)
            })?;
            Ok(())
        };
        for condition in &mut self.here {
            condition.names().try_for_each(&mut bind)?;
        }
        for step in &mut self.steps {
            step.name.iter_mut().try_for_each(&mut bind)?;
            step.conditions.iter_mut().flat_map(Condition::names).try_for_each(&mut bind)?;
        }
        self.attribute.iter_mut().try_for_each(&mut bind)
    }

    /// The first place that it leads to; of a selector without an attribute an element, which may
    /// be empty.
    pub(super) fn first(&self, tree: &Tree, from: NodeId) -> Option<Found> {
        let mut first = None;
        self.each(tree, from, &mut |found| {
            first = Some(found);
            false
        });
        first
    }

    /// Visits every place that it leads to, in the order of the file, until `visit` says no.
    pub(super) fn each(
        &self,
        tree: &Tree,
        from: NodeId,
        visit: &mut dyn FnMut(Found) -> bool,
    ) -> bool {
        let mut start = if self.is_absolute { Tree::ROOT } else { from };
        for _ in 0..self.up {
            match tree.parent(start) {
                Some(parent) => start = parent,
                None => return true,
            }
        }
        if !self.here.iter().all(|condition| condition.holds(tree, start)) {
            return true;
        }
        self.descend(tree, start, &self.steps, visit)
    }

    fn descend(
        &self,
        tree: &Tree,
        node: NodeId,
        steps: &[Step],
        visit: &mut dyn FnMut(Found) -> bool,
    ) -> bool {
        let Some((step, rest)) = steps.split_first() else {
            let attribute = match &self.attribute {
                None => None,
                Some(name) => match attribute(tree, node, name) {
                    Some(attribute) => Some(attribute),
                    None => return true,
                },
            };
            return visit(Found { node, attribute });
        };
        for child in tree.children(node) {
            let is_named = step.name.as_ref().is_none_or(|name| is_named(tree, child, name));
            let holds = || step.conditions.iter().all(|condition| condition.holds(tree, child));
            if is_named && holds() && !self.descend(tree, child, rest, visit) {
                return false;
            }
        }
        true
    }
}

fn is_named(tree: &Tree, node: NodeId, name: &Name) -> bool {
    tree.name(node) == &*name.local && tree.space(node) == name.space
}

fn attribute(tree: &Tree, node: NodeId, name: &Name) -> Option<AttributeId> {
    tree.attributes(node).find(|attribute| {
        let (space, local) = tree.attribute_name(*attribute);
        local == &*name.local && space == name.space
    })
}

impl Condition {
    fn names(&mut self) -> impl Iterator<Item = &mut Name> {
        self.path.iter_mut().chain(self.attribute.iter_mut())
    }

    fn holds(&self, tree: &Tree, node: NodeId) -> bool {
        let mut texts = Vec::new();
        self.texts(tree, node, &self.path, &mut texts);
        match &self.test {
            Test::Exists => !texts.is_empty(),
            Test::Absent => texts.is_empty(),
            Test::Is(value) => texts.iter().any(|text| **text == **value),
            Test::IsNot(value) => texts.iter().all(|text| **text != **value),
        }
    }

    fn texts<'t>(&self, tree: &'t Tree, node: NodeId, path: &[Name], into: &mut Vec<&'t str>) {
        let Some((name, rest)) = path.split_first() else {
            match &self.attribute {
                Some(name) => into.extend(attribute(tree, node, name).map(|attribute| {
                    tree.see(node, Some(attribute));
                    tree.attribute_text(attribute)
                })),
                None => {
                    tree.see(node, None);
                    into.push(tree.text(node));
                }
            }
            return;
        };
        for child in tree.children(node).filter(|child| is_named(tree, *child, name)) {
            self.texts(tree, child, rest, into);
        }
    }
}

/// Several selectors: the first that says something counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Selectors(pub(super) Vec<Selector>);

impl<'de> Deserialize<'de> for Selectors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrMore {
            One(String),
            More(Vec<String>),
        }
        let texts = match OneOrMore::deserialize(deserializer)
            .map_err(|_| de::Error::custom("expected a selector or a list of selectors"))?
        {
            OneOrMore::One(text) => vec![text],
            OneOrMore::More(texts) => texts,
        };
        let selectors = texts.iter().map(|text| parse(text));
        selectors.collect::<Result<_, _>>().map(Self).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Reads a selector.
fn parse(text: &str) -> Result<Selector, String> {
    let wrong = |what: &str| {
        let shown: String = text.chars().take(80).collect();
        format!("`{shown}` is no selector: {what}")
    };
    if text.len() > CHARS_MAX {
        return Err(wrong("it is too long"));
    }
    let (is_absolute, mut rest) = match text.strip_prefix('/') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut up = 0;
    while let Some(after) = rest.strip_prefix("..") {
        up += 1;
        rest = after.strip_prefix('/').unwrap_or(after);
    }
    let mut here = Vec::new();
    if let Some(after) = rest.strip_prefix('.') {
        (here, rest) = conditions(after).map_err(|what| wrong(&what))?;
        rest = rest.strip_prefix('/').unwrap_or(rest);
    }
    let mut steps = Vec::new();
    while !rest.is_empty() && !rest.starts_with('@') {
        if steps.len() == STEPS_MAX {
            return Err(wrong("it has too many steps"));
        }
        let end = rest.find(['/', '[', '@']).unwrap_or(rest.len());
        let step = &rest[..end];
        let name = match step {
            "*" => None,
            _ => Some(name(step).map_err(|what| wrong(&what))?),
        };
        let (conditions, after) = conditions(&rest[end..]).map_err(|what| wrong(&what))?;
        steps.push(Step { name, conditions });
        rest = match after.strip_prefix('/') {
            Some("") => return Err(wrong("a name is missing at the end")),
            Some(after) => after,
            None => after,
        };
    }
    let attribute = match rest.strip_prefix('@') {
        Some(attribute) => Some(name(attribute).map_err(|what| wrong(&what))?),
        None => None,
    };
    Ok(Selector { text: text.into(), is_absolute, up, here, steps, attribute })
}

/// The conditions in front of the rest.
fn conditions(mut text: &str) -> Result<(Vec<Condition>, &str), String> {
    let mut found = Vec::new();
    while let Some(inner) = text.strip_prefix('[') {
        let end = inner.find(']').ok_or("a `]` is missing")?;
        found.push(condition(&inner[..end])?);
        text = &inner[end + 1..];
    }
    Ok((found, text))
}

fn condition(text: &str) -> Result<Condition, String> {
    let (place, test) = if let Some(place) = text.strip_prefix('!') {
        (place, Test::Absent)
    } else if let Some((place, value)) = text.split_once("!=") {
        (place, Test::IsNot(value.into()))
    } else if let Some((place, value)) = text.split_once('=') {
        (place, Test::Is(value.into()))
    } else {
        (text, Test::Exists)
    };
    let (path, attribute) = match place.split_once('@') {
        Some((path, attribute)) => (path.trim_end_matches('/'), Some(name(attribute)?)),
        None => (place, None),
    };
    let path =
        path.split('/').filter(|step| !step.is_empty()).map(name).collect::<Result<_, _>>()?;
    Ok(Condition { path, attribute, test })
}

fn name(text: &str) -> Result<Name, String> {
    let (prefix, local) = text.split_once(':').unwrap_or(("", text));
    let is_name = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    if !is_name(local) || !(prefix.is_empty() || is_name(prefix)) {
        let shown: String = text.chars().take(40).collect();
        return Err(format!("`{shown}` is no name"));
    }
    Ok(Name { prefix: prefix.into(), local: local.into(), space: Space::Standard })
}

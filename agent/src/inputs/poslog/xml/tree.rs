//! One document of a file as a tree, in memory that the next one uses again.
//!
//! Holds elements, attributes and texts with the line on which each begins. An element with
//! children has no text of its own: POSLog knows no mixed content. Remembers which texts were
//! asked for, so that the rest can be named. Parses nothing.

use std::cell::Cell;
use std::ops;

/// Elements of one document: 5,000 lines of 25 elements, and as many again.
pub(in super::super) const ELEMENTS_MAX: usize = 250_000;

/// Bytes of names and texts of one document.
pub(in super::super) const DOCUMENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Which namespace a name is in, as the profile counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Space {
    /// One of those that names without a prefix are in.
    Standard,
    /// That of a prefix of the profile, by its place.
    Prefixed(u8),
    /// Any other.
    Other,
}

/// An element of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct NodeId(u32);

/// An attribute of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct AttributeId(u32);

#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

#[derive(Debug)]
struct Node {
    name: Span,
    space: Space,
    line: u32,
    parent: Option<NodeId>,
    first: Option<NodeId>,
    last: Option<NodeId>,
    next: Option<NodeId>,
    attributes: Span,
    text: Span,
    is_seen: Cell<bool>,
}

#[derive(Debug)]
struct Attribute {
    name: Span,
    space: Space,
    text: Span,
    is_seen: Cell<bool>,
}

/// A document.
#[derive(Debug, Default)]
pub(in super::super) struct Tree {
    text: String,
    nodes: Vec<Node>,
    attributes: Vec<Attribute>,
}

/// A document beyond its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLarge;

impl Tree {
    /// The document element, which stands as soon as a document has begun.
    pub(in super::super) const ROOT: NodeId = NodeId(0);

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.nodes.clear();
        self.attributes.clear();
    }

    /// Begins an element within `parent`.
    pub(super) fn begin(
        &mut self,
        parent: Option<NodeId>,
        space: Space,
        name: &str,
        line: u64,
    ) -> Result<NodeId, TooLarge> {
        if self.nodes.len() >= ELEMENTS_MAX {
            return Err(TooLarge);
        }
        let id = NodeId(u32::try_from(self.nodes.len()).map_err(|_| TooLarge)?);
        let name = self.keep(name)?;
        let attributes = u32::try_from(self.attributes.len()).map_err(|_| TooLarge)?;
        self.nodes.push(Node {
            name,
            space,
            line: u32::try_from(line).unwrap_or(u32::MAX),
            parent,
            first: None,
            last: None,
            next: None,
            attributes: Span { start: attributes, end: attributes },
            text: Span { start: name.end, end: name.end },
            is_seen: Cell::new(false),
        });
        if let Some(parent) = parent {
            let before = self.node_mut(parent).last.replace(id);
            match before {
                Some(before) => self.node_mut(before).next = Some(id),
                None => self.node_mut(parent).first = Some(id),
            }
        }
        Ok(id)
    }

    /// Adds an attribute to the element that was begun last.
    pub(super) fn attribute(
        &mut self,
        node: NodeId,
        space: Space,
        name: &str,
        text: &str,
    ) -> Result<(), TooLarge> {
        let (name, text) = (self.keep(name)?, self.keep(text)?);
        self.attributes.push(Attribute { name, space, text, is_seen: Cell::new(false) });
        let end = u32::try_from(self.attributes.len()).map_err(|_| TooLarge)?;
        self.node_mut(node).attributes.end = end;
        Ok(())
    }

    /// Adds to the text of an element that has no children.
    pub(super) fn add_text(&mut self, node: NodeId, text: &str) -> Result<(), TooLarge> {
        if self.node(node).first.is_some() {
            return Ok(());
        }
        let added = self.keep(text)?;
        let kept = &mut self.node_mut(node).text;
        if kept.start == kept.end {
            *kept = added;
        } else {
            kept.end = added.end;
        }
        Ok(())
    }

    fn keep(&mut self, text: &str) -> Result<Span, TooLarge> {
        if self.text.len() + text.len() > DOCUMENT_BYTES_MAX {
            return Err(TooLarge);
        }
        let start = u32::try_from(self.text.len()).map_err(|_| TooLarge)?;
        self.text.push_str(text);
        let end = u32::try_from(self.text.len()).map_err(|_| TooLarge)?;
        Ok(Span { start, end })
    }

    fn node(&self, node: NodeId) -> &Node {
        &self.nodes[index(node.0)]
    }

    fn node_mut(&mut self, node: NodeId) -> &mut Node {
        &mut self.nodes[index(node.0)]
    }

    fn part(&self, span: Span) -> &str {
        &self.text[range(span)]
    }

    pub(in super::super) fn name(&self, node: NodeId) -> &str {
        self.part(self.node(node).name)
    }

    pub(in super::super) fn space(&self, node: NodeId) -> Space {
        self.node(node).space
    }

    pub(in super::super) fn line(&self, node: NodeId) -> u64 {
        u64::from(self.node(node).line)
    }

    pub(in super::super) fn parent(&self, node: NodeId) -> Option<NodeId> {
        self.node(node).parent
    }

    /// The text of an element without children, without the space around it.
    pub(in super::super) fn text(&self, node: NodeId) -> &str {
        match self.node(node).first {
            None => self.part(self.node(node).text).trim(),
            Some(_) => "",
        }
    }

    pub(in super::super) fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(self.node(node).first, |child| self.node(*child).next)
    }

    pub(in super::super) fn attributes(&self, node: NodeId) -> impl Iterator<Item = AttributeId> {
        let Span { start, end } = self.node(node).attributes;
        (start..end).map(AttributeId)
    }

    pub(in super::super) fn attribute_name(&self, attribute: AttributeId) -> (Space, &str) {
        let attribute = &self.attributes[index(attribute.0)];
        (attribute.space, self.part(attribute.name))
    }

    pub(in super::super) fn attribute_text(&self, attribute: AttributeId) -> &str {
        self.part(self.attributes[index(attribute.0)].text).trim()
    }

    /// Every element, in the order of the file.
    pub(in super::super) fn all(&self) -> impl Iterator<Item = NodeId> {
        let count = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        (0..count).map(NodeId)
    }

    /// Remembers that somebody asked for this text.
    pub(in super::super) fn see(&self, node: NodeId, attribute: Option<AttributeId>) {
        match attribute {
            Some(attribute) => self.attributes[index(attribute.0)].is_seen.set(true),
            None => self.node(node).is_seen.set(true),
        }
    }

    pub(in super::super) fn is_seen(&self, node: NodeId, attribute: Option<AttributeId>) -> bool {
        match attribute {
            Some(attribute) => self.attributes[index(attribute.0)].is_seen.get(),
            None => self.node(node).is_seen.get(),
        }
    }

    /// Where an element stands, as `RetailTransaction/LineItem[2]/Sale`: the document element itself
    /// is left out, and of several of one name the place is given.
    pub(in super::super) fn path(&self, node: NodeId) -> String {
        let mut steps = Vec::new();
        let mut at = node;
        while let Some(parent) = self.parent(at) {
            let name = self.name(at);
            let same: Vec<_> =
                self.children(parent).filter(|child| self.name(*child) == name).collect();
            let place = same.iter().position(|child| *child == at).unwrap_or(0);
            steps.push(match same.len() {
                1 => name.to_owned(),
                _ => format!("{name}[{}]", place + 1),
            });
            at = parent;
        }
        steps.reverse();
        match steps.is_empty() {
            true => self.name(Self::ROOT).to_owned(),
            false => steps.join("/"),
        }
    }
}

fn range(span: Span) -> ops::Range<usize> {
    index(span.start)..index(span.end)
}

fn index(place: u32) -> usize {
    usize::try_from(place).expect("a place in a tree of bounded size")
}

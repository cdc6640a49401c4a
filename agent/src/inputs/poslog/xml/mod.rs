//! Reads the documents of an XML file one after the other: bounded in memory, whatever its size.
//!
//! Of XML only what a POS writes is read: no document type, no entities but the five of XML itself
//! and characters by number, so that nothing outside the file is ever fetched and nothing grows by
//! being named. Does not know what the documents mean.

pub(super) mod tree;
mod utf8;

use std::io::BufRead;

use protocol::problem::{Code, Problem};
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use self::tree::{DOCUMENT_BYTES_MAX, ELEMENTS_MAX, NodeId, Space, TooLarge, Tree};
use self::utf8::Utf8;
use super::profile::Profile;
use crate::inputs::folder::{Place, Unreadable};

/// Elements within one another: real files nest to 14.
const DEPTH_MAX: usize = 64;

/// Attributes of one element: real ones have up to 9.
const ATTRIBUTES_MAX: usize = 64;

/// What was found next.
pub(super) enum Next {
    /// A document; the tree holds it.
    Document,
    /// A document beyond its bounds; the reader stands behind it.
    TooLarge(Place, Problem),
    /// The end of the file.
    End,
}

/// The documents of a file.
pub(super) struct Documents<'a> {
    xml: NsReader<Utf8<'a>>,
    profile: &'a Profile,
    buffer: Vec<u8>,
    depth: usize,
    has_root: bool,
    /// The names of the elements that are open, for the place of what is wrong.
    open: Vec<String>,
}

impl<'a> Documents<'a> {
    pub(super) fn new(file: &'a mut dyn BufRead, profile: &'a Profile) -> Result<Self, Unreadable> {
        let source = Utf8::new(file).map_err(|error| Unreadable {
            place: Place { line: 1, element: String::new() },
            problem: unreadable(&error.to_string()),
        })?;
        let mut xml = NsReader::from_reader(source);
        xml.config_mut().expand_empty_elements = true;
        let (buffer, open) = (Vec::new(), Vec::new());
        Ok(Self { xml, profile, buffer, depth: 0, has_root: false, open })
    }

    /// Reads on to the end of the next document.
    pub(super) fn next(&mut self, tree: &mut Tree) -> Result<Next, Unreadable> {
        tree.clear();
        let mut building = Building::default();
        loop {
            self.buffer.clear();
            let (line, is_outside) = (self.xml.get_mut().begin_piece(), self.depth == 0);
            let event = match self.xml.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => return Err(self.wrong(line, broken(&error))),
            };
            let outcome = match event {
                Event::Start(start) => {
                    self.depth += 1;
                    self.open.push(start.name().as_ref().to_owned());
                    let names = Names { xml: &self.xml, profile: self.profile };
                    let opened = opens(&names, &start, self.has_root, self.depth);
                    self.has_root = true;
                    opened.and_then(|()| building.start(tree, &names, &start, line))
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    self.open.pop();
                    match building.end() {
                        Some(found) => return Ok(found),
                        None => Ok(()),
                    }
                }
                Event::Text(text) if is_outside => nothing_outside(&text),
                Event::Text(text) => building.text(tree, &text.xml10_content()),
                Event::CData(text) => building.text(tree, &text.xml10_content()),
                Event::GeneralRef(reference) => character(&reference)
                    .and_then(|found| building.text(tree, found.encode_utf8(&mut [0; 4]))),
                Event::DocType(_) => Err(unsafe_xml("a document type (`<!DOCTYPE`)")),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Empty(_) => Ok(()),
                Event::Eof => return self.end(line),
            };
            outcome.map_err(|problem| self.wrong(line, problem))?;
        }
    }

    fn end(&self, line: u64) -> Result<Next, Unreadable> {
        match (self.has_root, self.depth) {
            (true, 0) => Ok(Next::End),
            (false, _) => Err(self.wrong(line, unreadable("the file holds no XML"))),
            (true, _) => Err(self.wrong(line, unreadable("the file breaks off within an element"))),
        }
    }

    fn wrong(&self, line: u64, problem: Problem) -> Unreadable {
        Unreadable { place: Place { line, element: shown(&self.open.join("/")) }, problem }
    }
}

/// Whether an element may begin here.
fn opens(
    names: &Names<'_, '_>,
    start: &BytesStart<'_>,
    has_root: bool,
    depth: usize,
) -> Result<(), Problem> {
    match (has_root, depth) {
        (false, _) => names.root(start),
        (true, 1) => Err(unreadable("a second root element; a file holds one")),
        (true, depth) if depth > DEPTH_MAX => {
            Err(unsafe_xml(&format!("elements are nested deeper than {DEPTH_MAX}")))
        }
        (true, _) => Ok(()),
    }
}

/// A document on its way into the tree.
#[derive(Default)]
struct Building {
    /// The elements that are open within the document.
    open: Vec<NodeId>,
    /// Open elements of a document that became too large.
    beyond: Option<(usize, Place)>,
}

impl Building {
    fn start(
        &mut self,
        tree: &mut Tree,
        names: &Names<'_, '_>,
        start: &BytesStart<'_>,
        line: u64,
    ) -> Result<(), Problem> {
        if let Some((depth, _)) = &mut self.beyond {
            *depth += 1;
            return Ok(());
        }
        let (space, name) = names.element(start);
        let parent = self.open.last().copied();
        if parent.is_none() && !names.profile.begins_document(space, name) {
            return Ok(());
        }
        match tree.begin(parent, space, name, line) {
            Ok(node) => self.open.push(node),
            Err(TooLarge) => {
                self.overflow(tree);
                if let Some((depth, _)) = &mut self.beyond {
                    *depth += 1;
                }
                return Ok(());
            }
        }
        self.attributes(tree, names, start)
    }

    fn attributes(
        &mut self,
        tree: &mut Tree,
        names: &Names<'_, '_>,
        start: &BytesStart<'_>,
    ) -> Result<(), Problem> {
        let Some(node) = self.open.last().copied() else { return Ok(()) };
        for (count, attribute) in start.attributes().enumerate() {
            if count == ATTRIBUTES_MAX {
                let detail = format!("an element with more than {ATTRIBUTES_MAX} attributes");
                return Err(unsafe_xml(&detail));
            }
            let attribute = attribute.map_err(|error| unreadable(&error.to_string()))?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Explicit1_0)
                .map_err(|error| unsafe_xml(&error.to_string()))?;
            let (space, name) = names.attribute(attribute.key);
            if let Err(TooLarge) = tree.attribute(node, space, name, &value) {
                self.overflow(tree);
                return Ok(());
            }
        }
        Ok(())
    }

    fn text(&mut self, tree: &mut Tree, text: &str) -> Result<(), Problem> {
        let Some(node) = self.open.last().copied() else { return Ok(()) };
        if let Err(TooLarge) = tree.add_text(node, text) {
            self.overflow(tree);
        }
        Ok(())
    }

    /// An element ends; what was found if it was the document's.
    fn end(&mut self) -> Option<Next> {
        if let Some((depth, place)) = &mut self.beyond {
            *depth -= 1;
            let place = (*depth == 0).then(|| place.clone())?;
            let detail = format!(
                "a document of more than {DOCUMENT_BYTES_MAX} bytes or {ELEMENTS_MAX} elements"
            );
            let problem = unreadable(&detail).next("export fewer lines to a document");
            return Some(Next::TooLarge(place, problem));
        }
        self.open.pop()?;
        self.open.is_empty().then_some(Next::Document)
    }

    fn overflow(&mut self, tree: &Tree) {
        let line = tree.line(Tree::ROOT);
        let place = Place { line, element: tree.name(Tree::ROOT).to_owned() };
        self.beyond = Some((self.open.len(), place));
        self.open.clear();
    }
}

/// What names mean at the reader's place.
struct Names<'r, 'a> {
    xml: &'r NsReader<Utf8<'a>>,
    profile: &'r Profile,
}

impl Names<'_, '_> {
    fn element<'n>(&self, start: &'n BytesStart<'_>) -> (Space, &'n str) {
        let (found, name) = self.xml.resolver().resolve_element(start.name());
        (self.space(&found), name.into_inner())
    }

    /// An attribute without a prefix is in no namespace; here it belongs to its element.
    fn attribute<'n>(&self, name: quick_xml::name::QName<'n>) -> (Space, &'n str) {
        let (found, local) = self.xml.resolver().resolve_attribute(name);
        let space = match found {
            ResolveResult::Unbound => Space::Standard,
            other => self.space(&other),
        };
        (space, local.into_inner())
    }

    fn space(&self, found: &ResolveResult<'_>) -> Space {
        match found {
            ResolveResult::Bound(Namespace(address)) => self.profile.space(address),
            ResolveResult::Unbound => self.profile.space(""),
            ResolveResult::Unknown(_) => Space::Other,
        }
    }

    /// Whether the file is of the kind that the profile describes.
    fn root(&self, start: &BytesStart<'_>) -> Result<(), Problem> {
        let (space, name) = self.element(start);
        if self.profile.is_root(space, name) {
            return Ok(());
        }
        let (found, _) = self.xml.resolver().resolve_element(start.name());
        let namespace = match found {
            ResolveResult::Bound(Namespace(address)) => format!("in the namespace `{address}`"),
            ResolveResult::Unbound => "without a namespace".to_owned(),
            ResolveResult::Unknown(prefix) => format!("with the undeclared prefix `{prefix}`"),
        };
        let detail = format!(
            "the file begins with `{}` {}; the profile `{}` reads {}",
            shown(name),
            shown(&namespace),
            self.profile.label(),
            self.profile.roots_in_words()
        );
        Err(Problem::new(Code::ForeignFormat, detail).next(
            "choose the vendor's profile, or name root element and namespace in a profile of your \
             own (`roots`, `namespaces`)",
        ))
    }
}

/// Outside the root element nothing but space may stand.
fn nothing_outside(text: &str) -> Result<(), Problem> {
    match text.trim_start_matches('\u{feff}').trim().is_empty() {
        true => Ok(()),
        false => Err(unreadable("text outside the root element")),
    }
}

/// The character that a reference stands for.
fn character(reference: &quick_xml::events::BytesRef<'_>) -> Result<char, Problem> {
    let by_number = reference.resolve_char_ref();
    if let Some(character) = by_number.map_err(|error| unreadable(&error.to_string()))? {
        return Ok(character);
    }
    match &**reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        other => Err(unsafe_xml(&format!("the entity `&{};`", shown(other)))),
    }
}

fn broken(error: &quick_xml::Error) -> Problem {
    match error {
        quick_xml::Error::Escape(_) | quick_xml::Error::Namespace(_) => {
            unsafe_xml(&error.to_string())
        }
        other => unreadable(&shown(&other.to_string())),
    }
}

fn unreadable(detail: &str) -> Problem {
    Problem::new(Code::UnreadableDocument, detail)
        .next("have the POS write the file again, complete and as well-formed XML")
}

fn unsafe_xml(detail: &str) -> Problem {
    Problem::new(Code::UnsafeXml, detail).next(
        "no POS writes that: find out who made the file; documents that came before it in the file \
         are taken",
    )
}

/// The beginning of a text that came from the file.
fn shown(text: &str) -> String {
    text.chars().take(200).filter(|character| !character.is_control()).collect()
}

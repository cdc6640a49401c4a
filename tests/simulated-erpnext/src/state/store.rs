//! The documents, by doctype and name, and the values that must be unique.
//!
//! Names and unique values are compared as MariaDB's default collation compares them: without
//! regard to case and to blanks at the end. A cancelled document keeps its unique values; only a
//! deleted one gives them up.

use std::collections::{BTreeMap, HashMap};

use crate::document::{Document, text};

/// A field that was added to a doctype (Custom Field).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomField {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) fieldtype: String,
    pub(crate) unique: bool,
    pub(crate) after_submit: bool,
}

#[derive(Debug, Default)]
struct Table {
    /// In order of creation; a deleted document leaves its place empty.
    documents: Vec<Option<Document>>,
    places: HashMap<String, usize>,
    custom: Vec<CustomField>,
    /// The holder's name of each unique value, by field and value.
    unique: HashMap<(String, String), String>,
}

/// All documents.
#[derive(Debug, Default)]
pub(crate) struct Store(BTreeMap<String, Table>);

impl Store {
    pub(crate) fn find(&self, doctype: &str, name: &str) -> Option<&Document> {
        let table = self.0.get(doctype)?;
        table.documents[*table.places.get(&folded(name))?].as_ref()
    }

    /// The documents of a doctype, oldest first.
    pub(crate) fn all(&self, doctype: &str) -> impl Iterator<Item = &Document> {
        self.0.get(doctype).into_iter().flat_map(|table| table.documents.iter().flatten())
    }

    /// Writes a document under its name: a new one, or the new state of one that is there.
    pub(crate) fn write(&mut self, doctype: &str, document: Document) {
        let name = text(&document, "name").to_owned();
        let table = self.0.entry(doctype.to_owned()).or_default();
        let place = table.places.get(&folded(&name)).copied();
        if let Some(place) = place {
            table.release(place);
        }
        for field in table.custom.iter().filter(|field| field.unique) {
            let value = text(&document, &field.name);
            if !value.is_empty() {
                table.unique.insert((field.name.clone(), folded(value)), name.clone());
            }
        }
        match place {
            Some(place) => table.documents[place] = Some(document),
            None => {
                table.places.insert(folded(&name), table.documents.len());
                table.documents.push(Some(document));
            }
        }
    }

    /// Deletes a document.
    pub(crate) fn delete(&mut self, doctype: &str, name: &str) {
        let Some(table) = self.0.get_mut(doctype) else { return };
        if let Some(place) = table.places.remove(&folded(name)) {
            table.release(place);
            table.documents[place] = None;
        }
    }

    pub(crate) fn custom(&self, doctype: &str) -> &[CustomField] {
        self.0.get(doctype).map_or(&[], |table| &table.custom)
    }

    pub(crate) fn add_custom(&mut self, doctype: &str, field: CustomField) {
        self.0.entry(doctype.to_owned()).or_default().custom.push(field);
    }

    /// Who else holds a unique value.
    pub(crate) fn holder(&self, doctype: &str, field: &str, value: &str) -> Option<&str> {
        let key = (field.to_owned(), folded(value));
        self.0.get(doctype)?.unique.get(&key).map(String::as_str)
    }
}

impl Table {
    /// Gives up the unique values of the document in this place.
    fn release(&mut self, place: usize) {
        let Some(document) = &self.documents[place] else { return };
        for field in self.custom.iter().filter(|field| field.unique) {
            let value = folded(text(document, &field.name));
            self.unique.remove(&(field.name.clone(), value));
        }
    }
}

/// A text as MariaDB's default collation compares it.
pub(crate) fn folded(text: &str) -> String {
    text.trim_end().to_lowercase()
}

//! From the rows of a table to documents: rows of one receipt are put together and mapped.
//!
//! Rows of several receipts may stand among each other, as tills that share a file write them, up
//! to a bound. A receipt with one bad row is refused as a whole, with that row's place: half a
//! receipt is none.

use std::collections::{HashSet, VecDeque};
use std::io::BufRead;
use std::ops::ControlFlow;

use protocol::problem::{Code, Problem};
use serde::Deserialize;

use super::config::{File, FileSettings};
use super::encoding::NO_CHARACTER;
use super::rows::{Found, Rows, unreadable};
use crate::inputs::folder::{Content, Decoder, Document, Place, Unreadable};
use crate::inputs::mapping::{ColumnName, Mapping, ROWS_PER_RECEIPT_MAX, Row, Settings};
use crate::inputs::registry::SettingsError;

/// Receipts that may be open at a time: the tills that share a file.
const OPEN_MAX: usize = 16;

/// Receipts that are remembered as closed: should more of their rows come, they were not whole.
const CLOSED_MAX: usize = 10_000;

/// Between the cells of a receipt's key; no cell holds it.
const KEY_SEPARATOR: &str = "\u{1f}";

/// A table's format and mapping.
#[derive(Debug)]
pub(super) struct Table {
    file: File,
    mapping: Mapping,
}

impl Table {
    /// Reads a mapping file.
    pub(super) fn parse(text: &str) -> Result<Self, SettingsError> {
        let refuse = |reason: String, next: &str| SettingsError {
            key: None,
            reason: reason.trim_end().to_owned(),
            next: next.to_owned(),
        };
        const SEE: &str = "see docs/handbook/table.md";
        let mut table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| refuse(error.to_string(), SEE))?;
        let file = table.remove("file").ok_or_else(|| {
            refuse("`file` is needed".to_owned(), "add `[file]` with `format = \"csv\"`")
        })?;
        let file = FileSettings::deserialize(file)
            .map_err(|error| refuse(format!("`file`: {}", error.message()), SEE))?;
        let file = File::new(file)
            .map_err(|error| refuse(format!("`file`: {}", error.reason), error.next))?;
        let settings = Settings::deserialize(table)
            .map_err(|error| refuse(error.message().to_owned(), SEE))?;
        let mapping =
            Mapping::new(settings).map_err(|error| refuse(error.to_string(), &error.next))?;
        Ok(Self { file, mapping })
    }

    /// A column that the mapping names and the file has not makes every row wrong: it is said once.
    fn check_columns(&self, rows: &Rows<'_>) -> Result<(), Unreadable> {
        let columns = rows.columns();
        let lacks_in_all =
            |column: &&ColumnName| !columns.iter().any(|columns| columns.index(column).is_some());
        let lacking = self.mapping.lacks(&columns);
        let lacking = lacking.or_else(|| self.file.receipt.iter().find(lacks_in_all));
        let lacking = lacking.or_else(|| {
            let kinds = self.mapping.kinds.iter();
            let mut nowhere = kinds.filter_map(|kind| {
                let lacks: Vec<_> = columns.iter().map(|columns| kind.lacks(columns)).collect();
                lacks.into_iter().collect::<Option<Vec<_>>>()?.into_iter().next()
            });
            nowhere.next()
        });
        let Some(column) = lacking.filter(|_| !columns.is_empty()) else { return Ok(()) };
        let names: Vec<_> = columns.iter().flat_map(|columns| columns.names()).collect();
        let names = names.iter().take(40).map(|name| format!("`{name}`")).collect::<Vec<_>>();
        let detail = format!("`{column}` of the mapping is no column of this file");
        let next = match names.is_empty() {
            true => "list `columns` under `[file]`, or name columns by their place".to_owned(),
            false => format!("its columns are {}", names.join(", ")),
        };
        Err(unreadable(rows.line(), &detail, &next))
    }
}

impl Decoder for Table {
    fn decode(
        &self,
        file: &mut dyn BufRead,
        deliver: &mut dyn FnMut(Document) -> ControlFlow<()>,
    ) -> Result<(), Unreadable> {
        let mut rows = Rows::open(&self.file, file)?;
        self.check_columns(&rows)?;
        let mut receipts = Receipts::new(self);
        while let Some(found) = rows.next()? {
            if receipts.take(found, deliver)?.is_break() {
                return Ok(());
            }
        }
        receipts.finish(rows.line(), deliver)
    }
}

/// The receipts of a file that are not complete yet.
struct Receipts<'a> {
    table: &'a Table,
    /// The one that was added to last stands last.
    open: Vec<Open>,
    closed: VecDeque<String>,
    is_closed: HashSet<String>,
    begin_by_row: bool,
    has_end: bool,
    is_ended: bool,
}

/// A receipt whose rows are being collected.
struct Open {
    key: String,
    /// Its first line.
    line: u64,
    rows: Vec<Row>,
    fault: Option<(Place, Problem)>,
}

impl<'a> Receipts<'a> {
    fn new(table: &'a Table) -> Self {
        Self {
            table,
            open: Vec::new(),
            closed: VecDeque::new(),
            is_closed: HashSet::new(),
            begin_by_row: table.mapping.kinds.iter().any(|kind| kind.begins),
            has_end: table.mapping.kinds.iter().any(|kind| kind.ends),
            is_ended: false,
        }
    }

    fn take(
        &mut self,
        found: Found,
        deliver: &mut dyn FnMut(Document) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Unreadable> {
        let line = found.line;
        if self.is_ended {
            let next = "see whether two files were joined; split them";
            return Err(unreadable(line, "rows follow the one that ends the file", next));
        }
        let kind = self.table.mapping.kind_of(None, &found.columns, &found.cells);
        let of_kind = kind.and_then(|kind| self.table.mapping.kinds.get(kind));
        if let Some(what) = of_kind.and_then(|kind| kind.skip.as_ref()) {
            let place = Place { line, element: String::new() };
            return Ok(deliver(Document { place, content: Content::Skipped(what.clone()) }));
        }
        if of_kind.is_some_and(|kind| kind.ends) {
            self.is_ended = true;
            return Ok(ControlFlow::Continue(()));
        }
        let fault = fault(&found, kind);
        let begins = of_kind.is_some_and(|kind| kind.begins);
        let key = self.key(&found);
        if self.place(key, begins, line, deliver).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let Some(receipt) = self.open.last_mut() else {
            let detail = "the row belongs to no receipt: none has begun";
            let next = "see `begins` in the mapping, or `skip` for rows before the first receipt";
            let problem = Problem::new(Code::UnreadableDocument, detail).next(next);
            let place = Place { line, element: String::new() };
            return Ok(deliver(Document { place, content: Content::Refused(problem) }));
        };
        receipt.fault = receipt.fault.take().or(fault);
        if let Some(kind) = kind {
            receipt.add(Row { number: line, columns: found.columns, cells: found.cells, kind });
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The key of a row's receipt; none if its columns do not tell it.
    fn key(&self, found: &Found) -> Option<String> {
        let columns = &self.table.file.receipt;
        if columns.is_empty() {
            return None;
        }
        let cell = |column| Some(found.cells.get(found.columns.index(column)?)?.trim());
        let cells: Vec<_> = columns.iter().map(cell).collect::<Option<_>>()?;
        if cells.iter().all(|cell| cell.is_empty()) {
            None
        } else {
            Some(cells.join(KEY_SEPARATOR))
        }
    }

    /// Brings the receipt of a row to the end of the list, and closes those that are complete.
    fn place(
        &mut self,
        key: Option<String>,
        begins: bool,
        line: u64,
        deliver: &mut dyn FnMut(Document) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let has_key = !self.table.file.receipt.is_empty();
        if !has_key {
            // Without a key a receipt goes on until the next begins, or is one row.
            if begins || !self.begin_by_row {
                self.close_all(deliver)?;
                self.open.push(Open::new(String::new(), line));
            }
            return ControlFlow::Continue(());
        }
        // A row that does not say which receipt it belongs to belongs to the last one.
        let Some(key) = key else { return ControlFlow::Continue(()) };
        if let Some(index) = self.open.iter().position(|open| open.key == key) {
            let open = self.open.remove(index);
            self.open.push(open);
            return ControlFlow::Continue(());
        }
        let mut open = Open::new(key, line);
        if self.is_closed.contains(&open.key) {
            let detail = "rows of this receipt stand further up, and it was taken for complete";
            let next = "sort the export by receipt; if numbers begin again each day, name the date \
                        in `receipt` under `[file]`";
            let problem = Problem::new(Code::UnreadableDocument, detail).next(next);
            open.fault = Some((Place { line, element: String::new() }, problem));
        }
        self.open.push(open);
        if self.open.len() > OPEN_MAX {
            let oldest = self.open.remove(0);
            self.close(oldest, deliver)?;
        }
        ControlFlow::Continue(())
    }

    fn close(
        &mut self,
        open: Open,
        deliver: &mut dyn FnMut(Document) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if !open.key.is_empty() && self.is_closed.insert(open.key.clone()) {
            self.closed.push_back(open.key.clone());
            if self.closed.len() > CLOSED_MAX
                && let Some(oldest) = self.closed.pop_front()
            {
                self.is_closed.remove(&oldest);
            }
        }
        deliver(open.document(&self.table.mapping))
    }

    fn close_all(
        &mut self,
        deliver: &mut dyn FnMut(Document) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for open in std::mem::take(&mut self.open) {
            self.close(open, deliver)?;
        }
        ControlFlow::Continue(())
    }

    fn finish(
        mut self,
        line: u64,
        deliver: &mut dyn FnMut(Document) -> ControlFlow<()>,
    ) -> Result<(), Unreadable> {
        let breaks_off = self.has_end && !self.is_ended;
        if breaks_off {
            // The last receipt may lack the rows that are not there.
            self.open.pop();
        }
        if self.close_all(deliver).is_break() || !breaks_off {
            return Ok(());
        }
        let next = "have the POS write the file again; what was complete is taken";
        Err(unreadable(line, "the file breaks off: the row that ends it is missing", next))
    }
}

/// What is wrong with a row whatever its receipt is.
fn fault(found: &Found, kind: Option<usize>) -> Option<(Place, Problem)> {
    let refuse = |element: String, detail: &str, next: &str| {
        let problem = Problem::new(Code::UnreadableDocument, detail).next(next);
        Some((Place { line: found.line, element }, problem))
    };
    if kind.is_none() {
        let next = "add a `[[row]]` for it; `skip` passes over rows that say nothing";
        return refuse(String::new(), "no kind of row in the mapping fits this one", next);
    }
    let broken = found.cells.iter().position(|cell| cell.contains(NO_CHARACTER))?;
    let names = found.columns.names();
    let element = names.get(broken).cloned().unwrap_or_else(|| format!("column {}", broken + 1));
    refuse(
        element,
        "the cell holds bytes that are no characters in this encoding",
        "say under `[file]` which `encoding` the file is written in, such as `windows-1252` or `cp850`",
    )
}

impl Open {
    const fn new(key: String, line: u64) -> Self {
        Self { key, line, rows: Vec::new(), fault: None }
    }

    fn add(&mut self, row: Row) {
        if self.rows.len() < ROWS_PER_RECEIPT_MAX {
            self.rows.push(row);
            return;
        }
        let detail = format!("the receipt has more than {ROWS_PER_RECEIPT_MAX} rows");
        let next = "see `receipt` or `begins` in the mapping: rows of several receipts seem to be \
                    taken for one";
        let problem = Problem::new(Code::TooLarge, detail).next(next);
        let place = Place { line: row.number, element: String::new() };
        self.fault.get_or_insert((place, problem));
    }

    fn document(self, mapping: &Mapping) -> Document {
        let place = Place { line: self.line, element: String::new() };
        if let Some((place, problem)) = self.fault {
            return Document { place, content: Content::Refused(problem) };
        }
        match mapping.document(&self.rows) {
            Ok(draft) => Document { place, content: Content::Event(Box::new(draft)) },
            Err(fault) => Document {
                place: Place { line: fault.row, element: fault.column },
                content: Content::Refused(fault.problem),
            },
        }
    }
}

//! The rows of a table, one after another.
//!
//! A stream with a bound: of the file no more is held than one row and the footer. Does not know
//! what a row means.

use std::cell::Cell as Shared;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;
use std::sync::Arc;

use protocol::problem::{Code, Problem};

use super::config::{File, Format, Layout};
use super::encoding::Decoded;
use crate::inputs::folder::{Place, Unreadable};
use crate::inputs::mapping::{Cell, Columns};

/// Bytes of one row, which is more than any receipt as a whole may have.
const ROW_BYTES_MAX: usize = 1024 * 1024;

/// Bytes that are decoded at once.
const READ_BYTES: usize = 64 * 1024;

/// What DOS programs write behind the last line.
const END_OF_FILE: char = '\u{1a}';

/// One row.
#[derive(Debug)]
pub(super) struct Found {
    /// Its line, from 1.
    pub(super) line: u64,
    pub(super) columns: Arc<Columns>,
    pub(super) cells: Vec<Cell>,
}

/// The rows of one file.
pub(super) struct Rows<'a> {
    file: &'a File,
    source: Source<'a>,
    /// Columns as the header names them.
    header: Option<Layout>,
    /// Rows that may turn out to be the footer.
    ahead: VecDeque<Found>,
    /// The last line that was read.
    line: u64,
}

enum Source<'a> {
    Csv { reader: Box<csv::Reader<Bounded<'a>>>, room: Rc<Shared<usize>>, lines_before: u64 },
    Fixed(Text<'a>),
}

type Text<'a> = BufReader<Decoded<&'a mut dyn BufRead>>;

/// A text of which only so many bytes are read before the next row is complete.
struct Bounded<'a> {
    text: Text<'a>,
    room: Rc<Shared<usize>>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = self.room.get();
        if room == 0 {
            return Err(io::Error::other(TOO_LONG));
        }
        let length = buffer.len().min(room);
        let read = self.text.read(&mut buffer[..length])?;
        self.room.set(room - read);
        Ok(read)
    }
}

const TOO_LONG: &str = "a row does not end within 1 MiB";

impl<'a> Rows<'a> {
    /// Reads up to the first row.
    pub(super) fn open(file: &'a File, bytes: &'a mut dyn BufRead) -> Result<Self, Unreadable> {
        let mut text = BufReader::with_capacity(READ_BYTES, file.encoding.decode(bytes));
        let mut line = 0;
        for _ in 0..file.skip_first {
            if read_line(&mut text, line + 1)?.is_none() {
                break;
            }
            line += 1;
        }
        let source = match file.format {
            Format::Fixed => Source::Fixed(text),
            Format::Csv { delimiter, quote } => {
                let room = Rc::new(Shared::new(ROW_BYTES_MAX));
                let bounded = Bounded { text, room: Rc::clone(&room) };
                let mut builder = csv::ReaderBuilder::new();
                builder.has_headers(false).flexible(true).delimiter(delimiter);
                match quote {
                    Some(quote) => builder.quote(quote),
                    None => builder.quoting(false),
                };
                let reader = Box::new(builder.from_reader(bounded));
                Source::Csv { reader, room, lines_before: line }
            }
        };
        let mut rows = Self { file, source, header: None, ahead: VecDeque::new(), line };
        if file.header {
            rows.read_header()?;
        }
        Ok(rows)
    }

    fn read_header(&mut self) -> Result<(), Unreadable> {
        let Some((_, cells)) = self.cells()? else { return Ok(()) };
        if self.file.layout.is_none() {
            let names = cells.iter().map(|cell| cell.trim().to_owned());
            let columns = Arc::new(Columns::new(names));
            self.header = Some(Layout { columns, cuts: Vec::new() });
        }
        Ok(())
    }

    /// Every set of columns that rows can have; none if the file is empty.
    pub(super) fn columns(&self) -> Vec<&Columns> {
        let layouts = self.file.layouts.iter().map(|(_, layout)| layout);
        let layouts = layouts.chain(&self.file.layout).chain(&self.header);
        layouts.map(|layout| &*layout.columns).collect()
    }

    /// The line that was read last.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// The next row that is no part of the footer.
    pub(super) fn next(&mut self) -> Result<Option<Found>, Unreadable> {
        loop {
            let Some(found) = self.found()? else { return Ok(None) };
            self.ahead.push_back(found);
            if self.ahead.len() > self.file.skip_last {
                return Ok(self.ahead.pop_front());
            }
        }
    }

    fn found(&mut self) -> Result<Option<Found>, Unreadable> {
        loop {
            let Some((line, cells)) = self.cells()? else { return Ok(None) };
            let first = cells.first().map_or("", String::as_str);
            let is_blank = |cell: &Cell| cell.trim().trim_matches(END_OF_FILE).is_empty();
            if cells.iter().all(is_blank) {
                continue;
            }
            let special = self.file.layouts.iter().find(|(start, _)| first.starts_with(start));
            let layout = special.map(|(_, layout)| layout);
            let layout = layout.or(self.file.layout.as_ref()).or(self.header.as_ref());
            let Some(layout) = layout else {
                let detail = "no `layouts` in the mapping fits how this row begins";
                let next = "add its beginning, or `columns` for all other rows";
                return Err(unreadable(line, detail, next));
            };
            let columns = Arc::clone(&layout.columns);
            let cells = match self.source {
                Source::Csv { .. } => cells,
                Source::Fixed(_) => cut(first, layout),
            };
            return Ok(Some(Found { line, columns, cells }));
        }
    }

    /// The next row's line and cells; of a fixed width all in one.
    fn cells(&mut self) -> Result<Option<(u64, Vec<Cell>)>, Unreadable> {
        match &mut self.source {
            Source::Fixed(text) => {
                let Some(text) = read_line(text, self.line + 1)? else { return Ok(None) };
                self.line += 1;
                Ok(Some((self.line, vec![text])))
            }
            Source::Csv { reader, room, lines_before } => {
                let mut record = csv::StringRecord::new();
                room.set(ROW_BYTES_MAX);
                let read = reader.read_record(&mut record);
                let position =
                    record.position().map_or(reader.position().line(), csv::Position::line);
                let line = *lines_before + position;
                self.line = line;
                let is_one = read.map_err(|error| csv_unreadable(line, &error))?;
                if !is_one {
                    return Ok(None);
                }
                let breaks = |cell: &str| cell.contains(['\n', '\r']);
                if !self.file.line_breaks && record.iter().any(breaks) {
                    let detail = "a cell goes on in the next line: a quote is not closed";
                    let next = "say `quote = \"\"` under `[file]` if quotes mean nothing in this \
                                file, or `line_breaks = true` if cells have several lines";
                    return Err(unreadable(line, detail, next));
                }
                Ok(Some((line, record.iter().map(str::to_owned).collect())))
            }
        }
    }
}

fn cut(text: &str, layout: &Layout) -> Vec<Cell> {
    let characters: Vec<char> = text.chars().collect();
    let cuts = layout.cuts.iter();
    cuts.map(|cut| {
        let from = (cut.from - 1).min(characters.len());
        let to = from.saturating_add(cut.length).min(characters.len());
        characters[from..to].iter().collect()
    })
    .collect()
}

/// A line without its end; none at the end of the file.
fn read_line(text: &mut Text<'_>, line: u64) -> Result<Option<String>, Unreadable> {
    let bytes_max = u64::try_from(ROW_BYTES_MAX).unwrap_or(u64::MAX);
    let mut whole = Vec::new();
    let read = text.take(bytes_max).read_until(b'\n', &mut whole);
    let read = read.map_err(|error| io_unreadable(line, &error))?;
    if read == ROW_BYTES_MAX && whole.last() != Some(&b'\n') {
        return Err(too_long(line));
    }
    let text = String::from_utf8_lossy(&whole);
    let text = text.trim_end_matches(['\n', '\r']);
    Ok((read > 0).then(|| text.to_owned()))
}

fn csv_unreadable(line: u64, error: &csv::Error) -> Unreadable {
    match error.kind() {
        csv::ErrorKind::Io(cause) if cause.to_string() == TOO_LONG => too_long(line),
        csv::ErrorKind::Io(cause) => io_unreadable(line, cause),
        other => unreadable(line, &format!("the row cannot be read: {other:?}"), "see the row"),
    }
}

fn too_long(line: u64) -> Unreadable {
    let next = "see whether a quote is left open or lines end in another way; a row has at most \
                1 MiB";
    unreadable(line, TOO_LONG, next)
}

fn io_unreadable(line: u64, error: &io::Error) -> Unreadable {
    let detail = format!("the file cannot be read on: {error}");
    unreadable(line, &detail, "look whether the file can be opened on this host")
}

pub(super) fn unreadable(line: u64, detail: &str, next: &str) -> Unreadable {
    let problem = Problem::new(Code::UnreadableDocument, detail).next(next);
    Unreadable { place: Place { line, element: String::new() }, problem }
}

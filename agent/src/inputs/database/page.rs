//! One page of receipts out of a database: found, and put together from their rows.
//!
//! All of it in one read-only transaction of the source, so that a receipt is seen as a whole or
//! not at all. Does not know what a row means.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::bytes::Bytes;
use ring::digest::{Context, SHA256};

use super::pack::{Pack, Query};
use super::source::{Answer, Session, SourceError};
use super::sql::{Position, Values, fill};
use crate::inputs::mapping::{Cell, ColumnName, Columns, ROWS_PER_RECEIPT_MAX};

/// Receipts of one page: one group in the journal, and a read that takes the POS's database for
/// some milliseconds.
pub(super) const PAGE_RECEIPTS: usize = 200;

/// Rows of one query of a page: receipts of a hundred lines each, and ten times that.
const ROWS_MAX: usize = 200_000;

/// Between the cells of a receipt's key.
const KEY_SEPARATOR: &str = "/";

/// A receipt, by its position and its key.
pub(super) type Place = (Position, String);

/// A receipt as the database shows it now.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) rows: Vec<FoundRow>,
    /// Over all its cells: tells whether it has changed.
    pub(super) hash: Bytes<32>,
}

/// A row of a receipt.
#[derive(Debug)]
pub(super) struct FoundRow {
    /// The query that found it.
    pub(super) query: String,
    pub(super) columns: Arc<Columns>,
    pub(super) cells: Vec<Cell>,
}

/// A page.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) receipts: Vec<Found>,
    /// Whether there are more behind it.
    pub(super) is_full: bool,
}

/// Reads the page that begins at a position.
pub(super) async fn read(
    session: &mut dyn Session,
    pack: &Pack,
    from: &Position,
    since: &str,
) -> Result<Page, SourceError> {
    let Some((finds, others)) = pack.queries.split_first() else { return Ok(Page::default()) };
    let mut values = Values { from, upto: None, limit: PAGE_RECEIPTS, since: since.to_owned() };
    let answer = session.query(&fill(&finds.sql, &values)?, ROWS_MAX).await?;
    let is_full = answer.rows.len() >= PAGE_RECEIPTS;
    let mut page = Pages::default();
    page.heads(pack, finds, answer)?;
    let Some(upto) = page.last.clone() else { return Ok(Page::default()) };
    values.upto = Some(&upto);
    for query in others {
        let answer = session.query(&fill(&query.sql, &values)?, ROWS_MAX).await?;
        page.rows(pack, query, answer)?;
    }
    Ok(Page { receipts: page.receipts.into_iter().map(hashed).collect(), is_full })
}

/// Receipts that are being put together, in the order in which they were found.
#[derive(Default)]
struct Pages {
    receipts: Vec<(Place, Vec<FoundRow>)>,
    by_key: BTreeMap<String, usize>,
    last: Option<Position>,
}

impl Pages {
    fn heads(&mut self, pack: &Pack, query: &Query, answer: Answer) -> Result<(), SourceError> {
        let columns = Arc::new(Columns::new(answer.columns));
        for cells in answer.rows {
            let key = key(&pack.receipt, query, &columns, &cells)?;
            let column = &pack.cursor.column;
            let cell = cell(column, query, &columns, &cells)?;
            let position = Position::read(pack.cursor.kind, cell).ok_or_else(|| {
                let detail = format!("`{column}` of query `{}` holds no position", query.name);
                SourceError::refused(detail)
            })?;
            if self.last.as_ref().is_some_and(|last| *last > position) {
                let detail = format!("query `{}` is not ordered by `{column}`", query.name);
                return Err(SourceError::refused(detail));
            }
            self.last = Some(position.clone());
            let row = FoundRow { query: query.name.clone(), columns: Arc::clone(&columns), cells };
            let index = *self.by_key.entry(key.clone()).or_insert(self.receipts.len());
            match self.receipts.get_mut(index) {
                Some((_, rows)) => rows.push(row),
                None => self.receipts.push(((position, key), vec![row])),
            }
        }
        Ok(())
    }

    /// Adds the rows of a query; those of receipts behind the page come with the next one.
    fn rows(&mut self, pack: &Pack, query: &Query, answer: Answer) -> Result<(), SourceError> {
        let columns = Arc::new(Columns::new(answer.columns));
        for cells in answer.rows {
            let key = key(&pack.receipt, query, &columns, &cells)?;
            let index = self.by_key.get(&key);
            let Some((_, rows)) = index.and_then(|index| self.receipts.get_mut(*index)) else {
                continue;
            };
            // One more than may be, so that whoever maps the receipt sees that it is too long.
            if rows.len() <= ROWS_PER_RECEIPT_MAX {
                let (query, columns) = (query.name.clone(), Arc::clone(&columns));
                rows.push(FoundRow { query, columns, cells });
            }
        }
        Ok(())
    }
}

fn hashed((place, rows): (Place, Vec<FoundRow>)) -> Found {
    let mut hash = Context::new(&SHA256);
    for row in &rows {
        for text in std::iter::once(&row.query).chain(&row.cells) {
            hash.update(&text.len().to_be_bytes());
            hash.update(text.as_bytes());
        }
    }
    let hash = Bytes::from_slice(hash.finish().as_ref()).expect("SHA-256 has 32 bytes");
    Found { place, rows, hash }
}

fn key(
    receipt: &[ColumnName],
    query: &Query,
    columns: &Columns,
    cells: &[Cell],
) -> Result<String, SourceError> {
    let cells = receipt.iter().map(|column| cell(column, query, columns, cells));
    Ok(cells.collect::<Result<Vec<_>, _>>()?.join(KEY_SEPARATOR))
}

fn cell<'a>(
    column: &ColumnName,
    query: &Query,
    columns: &Columns,
    cells: &'a [Cell],
) -> Result<&'a str, SourceError> {
    let cell = columns.index(column).and_then(|index| cells.get(index));
    cell.map(|cell| cell.trim()).ok_or_else(|| {
        SourceError::refused(format!("query `{}` has no column `{column}`", query.name))
    })
}

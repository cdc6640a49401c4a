//! Pages of records as rows: inserted with a batch, unpacked when one of their records is read.
//!
//! Does not know what a record says nor how records are packed (`pack`).

use protocol::compress;
use rusqlite::{Connection, Row};

use super::codec::{Fault, signed, unsigned};
use crate::store::pack::{PAGE_BYTES_MAX, Packed, Place};

/// Inserts the pages and returns, for each entry, its columns `page_row`, `page_offset`
/// and `record_bytes`.
pub(super) fn insert(connection: &Connection, packed: &Packed) -> Result<Vec<[i64; 3]>, Fault> {
    let mut insert = connection.prepare_cached("INSERT INTO pages (packed) VALUES (?1)")?;
    let rows: Vec<i64> =
        packed.pages.iter().map(|page| insert.insert([page])).collect::<Result<_, _>>()?;
    let columns =
        |place: &Place| Ok([rows[place.page], signed(place.offset)?, signed(place.length)?]);
    packed.places.iter().map(columns).collect()
}

/// Reads records; keeps the page that it unpacked last, because the next record mostly stands
/// there too.
#[derive(Debug, Default)]
pub(super) struct PageReader {
    last: Option<(i64, Vec<u8>)>,
}

impl PageReader {
    /// The record whose columns `page_row`, `page_offset`, `record_bytes` begin at `index`.
    pub(super) fn record(
        &mut self,
        connection: &Connection,
        row: &Row<'_>,
        index: usize,
    ) -> Result<Vec<u8>, Fault> {
        let page_row: i64 = row.get(index)?;
        let out_of_range = |at: usize| rusqlite::Error::IntegralValueOutOfRange(at, page_row);
        let number = |at: usize| -> Result<usize, Fault> {
            Ok(usize::try_from(unsigned(row, at)?).map_err(|_| out_of_range(at))?)
        };
        let (offset, length) = (number(index + 1)?, number(index + 2)?);
        let page = self.page(connection, page_row)?;
        let end = offset.checked_add(length).ok_or_else(|| out_of_range(index + 1))?;
        Ok(page.get(offset..end).ok_or_else(|| out_of_range(index + 1))?.to_vec())
    }

    fn page(&mut self, connection: &Connection, page_row: i64) -> Result<&[u8], Fault> {
        let bytes = match self.last.take() {
            Some((row, bytes)) if row == page_row => bytes,
            _ => {
                let packed: Vec<u8> = connection
                    .prepare_cached("SELECT packed FROM pages WHERE page_row = ?1")?
                    .query_row([page_row], |row| row.get(0))?;
                compress::unpack(&packed, PAGE_BYTES_MAX).map_err(|error| {
                    rusqlite::Error::FromSqlConversionFailure(
                        0,
                        rusqlite::types::Type::Blob,
                        Box::new(error),
                    )
                })?
            }
        };
        Ok(&self.last.insert((page_row, bytes)).1)
    }
}

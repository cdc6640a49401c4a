//! Records in pages: neighbouring records are compressed together, which is several times
//! smaller and faster than one by one, and dispatch reads them in the same order.
//!
//! Packing happens before the write lock is taken. Does not know what a record says.

use protocol::compress;
use rusqlite::{Connection, Row};

use super::codec::{Fault, signed, unsigned};
use crate::store::model::BatchEntry;

/// Bytes of records in one page: enough for zstd to see the likeness of some fifty sales, and
/// little to unpack for one of them.
const PAGE_BYTES: usize = 64 * 1024;

/// Bytes of a page when it is unpacked: at least one record, whatever its size.
const PAGE_BYTES_MAX: usize = protocol::limits::BATCH_BYTES_MAX + PAGE_BYTES;

/// Where a record stands within the pages of one batch.
#[derive(Debug, Clone, Copy)]
struct Place {
    page: usize,
    offset: usize,
    length: usize,
}

/// The packed records of some entries.
#[derive(Debug, Default)]
pub(super) struct Packed {
    pages: Vec<Vec<u8>>,
    places: Vec<Place>,
}

impl Packed {
    /// Packs the records of entries; the places are in their order.
    pub(super) fn of(entries: &[BatchEntry]) -> Self {
        let mut packed = Self::default();
        let mut open: Vec<u8> = Vec::new();
        for entry in entries {
            if !open.is_empty() && open.len() + entry.record.len() > PAGE_BYTES {
                packed.pages.push(compress::pack(&open));
                open.clear();
            }
            let place =
                Place { page: packed.pages.len(), offset: open.len(), length: entry.record.len() };
            packed.places.push(place);
            open.extend_from_slice(&entry.record);
        }
        if !open.is_empty() {
            packed.pages.push(compress::pack(&open));
        }
        packed
    }

    /// Inserts the pages and returns, for each entry, its columns `page_row`, `page_offset`
    /// and `record_bytes`.
    pub(super) fn insert(&self, connection: &Connection) -> Result<Vec<[i64; 3]>, Fault> {
        let mut insert = connection.prepare_cached("INSERT INTO pages (packed) VALUES (?1)")?;
        let rows: Vec<i64> =
            self.pages.iter().map(|page| insert.insert([page])).collect::<Result<_, _>>()?;
        let columns =
            |place: &Place| Ok([rows[place.page], signed(place.offset)?, signed(place.length)?]);
        self.places.iter().map(columns).collect()
    }
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

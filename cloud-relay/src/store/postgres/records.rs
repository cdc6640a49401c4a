//! Pages of records as rows: inserted with a batch, unpacked when one of their records is read.
//!
//! Does not know what a record says nor how records are packed (`pack`).

use protocol::compress;
use protocol::id::StoreId;
use tokio_postgres::Row;

use super::codec::{Fault, signed, unreadable, unsigned, value};
use super::days::Day;
use super::transaction::Transaction;
use crate::store::pack::{PAGE_BYTES_MAX, Packed};

/// So many new numbers of rows of a day, ascending.
pub(super) async fn new_rows(
    on: &Transaction<'_>,
    day: Day,
    count: usize,
) -> Result<Vec<i64>, Fault> {
    let query = "SELECT nextval('row_serial') FROM generate_series(1, $1::bigint)";
    let serials = on.rows(query, &[&signed(count)?]).await?;
    serials.iter().map(|row| Ok(day.row(value(row, 0)?))).collect()
}

/// Inserts the pages; their numbers.
pub(super) async fn insert(
    on: &Transaction<'_>,
    store: &StoreId,
    day: Day,
    packed: &Packed,
) -> Result<Vec<i64>, Fault> {
    let rows = new_rows(on, day, packed.pages.len()).await?;
    let pages: Vec<&[u8]> = packed.pages.iter().map(Vec::as_slice).collect();
    on.run(
        "INSERT INTO pages (store_id, page_row, packed)
         SELECT $1, page_row, packed FROM unnest($2::bigint[], $3::bytea[]) p(page_row, packed)",
        &[&store.as_str(), &rows, &pages],
    )
    .await?;
    Ok(rows)
}

/// Reads records; keeps the page that it unpacked last, because the next record mostly stands
/// there too.
#[derive(Debug, Default)]
pub(super) struct PageReader {
    last: Option<(i64, Vec<u8>)>,
}

impl PageReader {
    /// The record whose columns `page_row`, `page_offset`, `record_bytes` begin at `index`.
    pub(super) async fn record(
        &mut self,
        on: &Transaction<'_>,
        store: &StoreId,
        row: &Row,
        index: usize,
    ) -> Result<Vec<u8>, Fault> {
        let page_row: i64 = value(row, index)?;
        let (offset, length): (usize, usize) =
            (unsigned(row, index + 1)?, unsigned(row, index + 2)?);
        let page = self.page(on, store, page_row).await?;
        let outside = || unreadable(row, index + 1, "it points outside its page");
        let end = offset.checked_add(length).ok_or_else(outside)?;
        Ok(page.get(offset..end).ok_or_else(outside)?.to_vec())
    }

    async fn page(
        &mut self,
        on: &Transaction<'_>,
        store: &StoreId,
        page_row: i64,
    ) -> Result<&[u8], Fault> {
        let bytes = match self.last.take() {
            Some((row, bytes)) if row == page_row => bytes,
            _ => {
                let query = "SELECT packed FROM pages WHERE store_id = $1 AND page_row = $2";
                let found = on.row(query, &[&store.as_str(), &page_row]).await?;
                let found =
                    found.ok_or_else(|| Fault::Database("a page of records is missing".into()))?;
                compress::unpack(value(&found, 0)?, PAGE_BYTES_MAX)
                    .map_err(|error| unreadable(&found, 0, error))?
            }
        };
        Ok(&self.last.insert((page_row, bytes)).1)
    }
}

//! The rows that stand in one page of a SQLite file (its file format, sections 1.6 and 2).
//!
//! Reads leaves of tables, and leaves and inner pages of indexes, which hold rows too. A cell that
//! makes no sense is passed over: whoever asks wants whatever can be read. Does not know which table
//! a row belongs to.

use rusqlite::types::Value;

use super::page::USABLE_BYTES;

const TABLE_LEAF: u8 = 0x0d;
const INDEX_LEAF: u8 = 0x0a;
const INDEX_INNER: u8 = 0x02;

/// Bytes of the file's own header, in front of the first page's.
const FILE_HEADER_BYTES: usize = 100;

/// Bytes that a row may have: the largest record and its columns.
const PAYLOAD_BYTES_MAX: usize = 2 * crate::policy::RECORD_BYTES_MAX;

/// A row: of a table with its rowid, of an index without.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) rowid: Option<i64>,
    pub(super) columns: Vec<Value>,
}

/// Every row of a page. `overflow` reads what a row keeps on other pages: the first of them, and
/// how many bytes.
pub(super) fn rows(
    number: u32,
    page: &[u8],
    overflow: &dyn Fn(u32, usize) -> Option<Vec<u8>>,
) -> Vec<Row> {
    let start = if number == 1 { FILE_HEADER_BYTES } else { 0 };
    let Some(header) = page.get(start..) else { return Vec::new() };
    let (kind, pointers) = match header.first() {
        Some(&kind @ (TABLE_LEAF | INDEX_LEAF)) => (kind, 8),
        Some(&INDEX_INNER) => (INDEX_INNER, 12),
        _ => return Vec::new(),
    };
    let count =
        header.get(3..5).map_or(0, |bytes| usize::from(u16::from_be_bytes([bytes[0], bytes[1]])));
    let pointer = |index: usize| {
        let at = pointers + 2 * index;
        let bytes = header.get(at..at + 2)?;
        Some(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])))
    };
    (0..count).filter_map(|index| row(kind, page.get(pointer(index)?..)?, overflow)).collect()
}

fn row(kind: u8, cell: &[u8], overflow: &dyn Fn(u32, usize) -> Option<Vec<u8>>) -> Option<Row> {
    // An inner page's cell begins with the page to its left.
    let cell = if kind == INDEX_INNER { cell.get(4..)? } else { cell };
    let (bytes, cell) = varint(cell)?;
    let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes <= PAYLOAD_BYTES_MAX)?;
    let (rowid, cell) = match kind {
        TABLE_LEAF => {
            let (rowid, cell) = varint(cell)?;
            (Some(rowid.cast_signed()), cell)
        }
        _ => (None, cell),
    };
    let local = local_bytes(kind, bytes);
    let mut payload = cell.get(..local)?.to_vec();
    if local < bytes {
        let next = cell.get(local..local + 4)?;
        let next = u32::from_be_bytes(next.try_into().ok()?);
        payload.extend(overflow(next, bytes - local)?);
    }
    Some(Row { rowid, columns: columns(&payload)? })
}

/// Bytes of a row that stand in the page itself.
const fn local_bytes(kind: u8, payload: usize) -> usize {
    const LEAST: usize = (USABLE_BYTES - 12) * 32 / 255 - 23;
    let most = match kind {
        TABLE_LEAF => USABLE_BYTES - 35,
        _ => (USABLE_BYTES - 12) * 64 / 255 - 23,
    };
    if payload <= most {
        return payload;
    }
    let local = LEAST + (payload - LEAST) % (USABLE_BYTES - 4);
    if local <= most { local } else { LEAST }
}

fn columns(payload: &[u8]) -> Option<Vec<Value>> {
    let (header_bytes, rest) = varint(payload)?;
    let header_bytes = usize::try_from(header_bytes).ok()?;
    let mut header = payload.get(payload.len() - rest.len()..header_bytes)?;
    let mut body = payload.get(header_bytes..)?;
    let mut columns = Vec::new();
    while !header.is_empty() {
        let (kind, rest) = varint(header)?;
        header = rest;
        let (value, rest) = value(kind, body)?;
        body = rest;
        columns.push(value);
    }
    Some(columns)
}

fn value(kind: u64, body: &[u8]) -> Option<(Value, &[u8])> {
    let bytes = match kind {
        0 | 8 | 9 => 0,
        1..=4 => usize::try_from(kind).ok()?,
        5 => 6,
        6 | 7 => 8,
        10 | 11 => return None,
        _ => usize::try_from((kind - 12) / 2).ok()?,
    };
    let (bytes, rest) = body.split_at_checked(bytes)?;
    let value = match kind {
        0 => Value::Null,
        1..=6 => Value::Integer(integer(bytes)?),
        // No column of a journal holds a floating-point number.
        7 => return None,
        8 => Value::Integer(0),
        9 => Value::Integer(1),
        even if even % 2 == 0 => Value::Blob(bytes.to_vec()),
        _ => Value::Text(String::from_utf8(bytes.to_vec()).ok()?),
    };
    Some((value, rest))
}

/// A signed number of up to eight bytes, the highest first.
fn integer(bytes: &[u8]) -> Option<i64> {
    let fill = if *bytes.first()? >= 0x80 { 0xff } else { 0 };
    let mut full = [fill; 8];
    full.get_mut(8 - bytes.len()..)?.copy_from_slice(bytes);
    Some(i64::from_be_bytes(full))
}

/// SQLite's variable-length number: seven bits a byte, the highest first, the ninth whole.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number: u64 = 0;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        if index == 8 {
            return Some(((number << 8) | u64::from(*byte), bytes.get(9..)?));
        }
        number = (number << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(index + 1..)?));
        }
    }
    None
}

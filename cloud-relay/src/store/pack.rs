//! Records in pages: neighbouring records are compressed together, which is several times
//! smaller and faster than one by one, and dispatch reads them in the same order.
//!
//! Packing happens before a lock is taken. Does not know what a record says nor how a page is
//! kept.

use protocol::compress::Packer;

use super::model::BatchEntry;

/// Bytes of records in one page: enough for zstd to see the likeness of some fifty sales, and
/// little to unpack for one of them.
const PAGE_BYTES: usize = 64 * 1024;

/// Bytes of a page when it is unpacked: at least one record, whatever its size.
pub(in crate::store) const PAGE_BYTES_MAX: usize = protocol::limits::BATCH_BYTES_MAX + PAGE_BYTES;

/// Where a record stands within the pages of one batch.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Place {
    pub(in crate::store) page: usize,
    pub(in crate::store) offset: usize,
    pub(in crate::store) length: usize,
}

/// The packed records of some entries.
#[derive(Debug, Default)]
pub(in crate::store) struct Packed {
    pub(in crate::store) pages: Vec<Vec<u8>>,
    pub(in crate::store) places: Vec<Place>,
}

impl Packed {
    /// Packs the records of entries; the places are in their order.
    pub(in crate::store) fn of(entries: &[BatchEntry]) -> Self {
        let (mut packed, mut packer) = (Self::default(), Packer::new());
        let mut open: Vec<u8> = Vec::new();
        for entry in entries {
            if !open.is_empty() && open.len() + entry.record.len() > PAGE_BYTES {
                packed.pages.push(packer.pack(&open));
                open.clear();
            }
            let place =
                Place { page: packed.pages.len(), offset: open.len(), length: entry.record.len() };
            packed.places.push(place);
            open.extend_from_slice(&entry.record);
        }
        if !open.is_empty() {
            packed.pages.push(packer.pack(&open));
        }
        packed
    }
}

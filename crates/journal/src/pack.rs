//! A record as it is stored: one zstd frame.
//!
//! Each thread keeps its contexts: making one costs three times what packing a sale does. Does not
//! decide what is packed; the chain covers the record, never this form of it.

use std::cell::RefCell;
use std::io;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::get_frame_content_size;

use crate::policy;

/// The level: records of a kilobyte come out the same at 1 and at zstd's default of 3, and 1 takes a
/// fifth less of the till's CPU.
const LEVEL: i32 = 1;

thread_local! {
    static COMPRESSOR: RefCell<Compressor<'static>> =
        RefCell::new(Compressor::new(LEVEL).expect("a valid level and memory for a context"));
    static DECOMPRESSOR: RefCell<Decompressor<'static>> =
        RefCell::new(Decompressor::new().expect("memory for a context"));
}

/// Packs a record.
pub(crate) fn pack(record: &[u8]) -> Vec<u8> {
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.compress(record).expect("compressing into memory that is large enough")
    })
}

/// Unpacks a record.
///
/// # Errors
/// Not a frame that says how large its record is, larger than any record, or damaged.
pub(crate) fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let stated =
        get_frame_content_size(packed).map_err(|error| io::Error::other(error.to_string()))?;
    let bytes = stated.and_then(|bytes| usize::try_from(bytes).ok());
    match bytes {
        Some(bytes) if bytes <= policy::RECORD_BYTES_MAX => {
            DECOMPRESSOR.with_borrow_mut(|decompressor| decompressor.decompress(packed, bytes))
        }
        _ => Err(io::Error::other("the frame holds no record")),
    }
}

#[cfg(test)]
mod tests {
    //! Round trips and bounds.

    use super::*;

    #[test]
    fn what_is_packed_unpacks_to_the_same_bytes_time_after_time() {
        for length in [0, 1, 1_000, policy::RECORD_BYTES_MAX] {
            let record = b"{\"a\":1}".iter().copied().cycle().take(length).collect::<Vec<u8>>();
            let unpacked = unpack(&pack(&record)).unwrap();
            assert_eq!(unpacked, record);
            assert_eq!(unpacked.capacity(), length, "a page of records takes no more than they do");
            assert_eq!(protocol::compress::unpack(&pack(&record), length).unwrap(), record);
        }
    }

    #[test]
    fn what_is_no_record_is_refused_and_harms_no_later_one() {
        assert!(unpack(b"not zstd").is_err());
        assert!(unpack(&pack(&vec![0; policy::RECORD_BYTES_MAX + 1])).is_err());
        assert_eq!(unpack(&pack(b"{}")).unwrap(), b"{}");
    }
}

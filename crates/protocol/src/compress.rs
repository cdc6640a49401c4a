//! zstd for what is stored and sent: a record in the journal, a batch on the wire.
//!
//! Chain hashes and signatures cover the uncompressed bytes, so that a better compression never
//! changes what was promised. Does not decide what is compressed.

use std::io::Read;

/// The level: 3 is zstd's own default; higher levels cost the till's CPU for a few per cent.
const LEVEL: i32 = 3;

/// The largest window that data may ask the reader to keep, as a power of two: 8 MiB, which holds
/// the largest batch whole. zstd itself would take up to 128 MiB for a few bytes that say so.
const WINDOW_LOG_MAX: u32 = 23;

/// The HTTP content coding of a compressed body (RFC 8878).
pub const CONTENT_ENCODING: &str = "zstd";

/// Why bytes cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// Not zstd, or damaged.
    #[error("unpack zstd data")]
    Damaged(#[source] std::io::Error),
    /// More bytes come out than allowed.
    #[error("the data unpacks to more than {0} bytes")]
    TooLarge(usize),
}

/// Compresses bytes.
///
/// # Panics
/// Never: writing to memory cannot fail and the level is valid.
#[must_use]
pub fn pack(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, LEVEL).expect("compressing into memory at a valid level")
}

/// Unpacks bytes, reading no further than `bytes_max`.
///
/// # Errors
/// Not zstd data, or larger than `bytes_max` when unpacked.
pub fn unpack(packed: &[u8], bytes_max: usize) -> Result<Vec<u8>, UnpackError> {
    let mut decoder =
        zstd::stream::read::Decoder::with_buffer(packed).map_err(UnpackError::Damaged)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(UnpackError::Damaged)?;
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    decoder.take(limit).read_to_end(&mut bytes).map_err(UnpackError::Damaged)?;
    if bytes.len() > bytes_max {
        return Err(UnpackError::TooLarge(bytes_max));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    //! Round trips and bounds.

    use super::*;

    #[test]
    fn what_is_packed_unpacks_to_the_same_bytes() {
        let bytes = b"{\"a\":1}".repeat(1_000);
        let packed = pack(&bytes);
        assert!(packed.len() < bytes.len() / 10);
        assert_eq!(unpack(&packed, bytes.len()).unwrap(), bytes);
    }

    #[test]
    fn a_bomb_stops_at_the_bound() {
        let packed = pack(&vec![0; 10_000_000]);
        assert!(matches!(unpack(&packed, 1_000), Err(UnpackError::TooLarge(1_000))));
        assert!(matches!(unpack(b"not zstd", 1_000), Err(UnpackError::Damaged(_))));
    }

    #[test]
    fn a_frame_that_asks_for_much_memory_is_refused_and_the_largest_batch_is_not() {
        let bytes = vec![7; crate::limits::BATCH_BYTES_MAX];
        assert_eq!(unpack(&pack(&bytes), bytes.len()).unwrap(), bytes);
        let mut streamed = pack(b"a few bytes");
        // The same frame as one of unknown length with a window of 128 MiB (RFC 8878, 3.1.1.1).
        streamed.splice(4..6, [0, (27 - 10) << 3]);
        assert!(matches!(unpack(&streamed, 1_000), Err(UnpackError::Damaged(_))));
        streamed[5] = (23 - 10) << 3;
        assert_eq!(unpack(&streamed, 1_000).unwrap(), b"a few bytes");
    }
}

//! zstd for what is stored and sent: a record in the journal, a batch on the wire.
//!
//! A batch of a few sales repeats little of itself, so it is compressed with a dictionary that both
//! sides carry. Each frame names the dictionary that it needs, or none (RFC 8878, 3.1.1.1.3), and a
//! reader takes either. A dictionary that has been in use never changes: a better one is a further
//! file with a number of its own, and readers keep them all. How this one was made says
//! `tests/src/bin/dictionary.rs`, which judges another by the same measure.
//!
//! Chain hashes and signatures cover the uncompressed bytes, so that a better compression never
//! changes what was promised. Does not decide what is compressed.

#[cfg(test)]
mod tests;

use std::io::{BufRead, Read};
use std::num::NonZeroU32;
use std::sync::LazyLock;

use zstd::bulk::Compressor;
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::stream::read::Decoder;
use zstd::zstd_safe::{get_dict_id_from_frame, get_frame_content_size};

/// The level of what is kept: 3 is zstd's own default; higher levels cost CPU for a few per cent.
const LEVEL: i32 = 3;

/// The level of a batch in which many sales waited: a quarter smaller than at 3 for some 16 µs a
/// sale of the till's CPU. A level or two more cost half as much again for two per cent.
const BATCH_LEVEL: i32 = 8;

/// The level of a small batch, of which there are few a second: what counts is each byte.
const SMALL_BATCH_LEVEL: i32 = 12;

/// Bytes of JSON, some hundred sales, up to which the dictionary helps. Beyond, a batch is its own
/// best dictionary.
const SMALL_BATCH_BYTES_MAX: usize = 256 * 1024;

/// The dictionary of batches, and the number by which frames name it.
const DICTIONARY: &[u8] = include_bytes!("batch-1.dict");
const DICTIONARY_NUMBER: u32 = 1_379_787_835;

static PACKING: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, SMALL_BATCH_LEVEL));
static UNPACKING: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

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
    /// It was packed with a dictionary that this program does not carry: a later version's.
    #[error("the data needs the dictionary {0}")]
    Dictionary(NonZeroU32),
}

/// Packs one after another, for the price of one context.
pub struct Packer(Compressor<'static>);

impl Packer {
    /// A packer.
    ///
    /// # Panics
    /// Never: the level is valid.
    #[must_use]
    pub fn new() -> Self {
        Self(Compressor::new(LEVEL).expect("a valid level and memory for a context"))
    }

    /// Compresses bytes.
    ///
    /// # Panics
    /// Never: writing to memory cannot fail.
    #[must_use]
    pub fn pack(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.compress(bytes).expect("compressing into memory that is large enough")
    }
}

impl Default for Packer {
    fn default() -> Self {
        Self::new()
    }
}

/// Compresses bytes.
#[must_use]
pub fn pack(bytes: &[u8]) -> Vec<u8> {
    Packer::new().pack(bytes)
}

/// Compresses the JSON of a batch.
///
/// # Panics
/// Never: writing to memory cannot fail and the levels are valid.
#[must_use]
pub fn pack_batch(json: &[u8]) -> Vec<u8> {
    let packer = match json.len() {
        ..=SMALL_BATCH_BYTES_MAX => Compressor::with_prepared_dictionary(&PACKING),
        _ => Compressor::new(BATCH_LEVEL),
    };
    let mut packer = packer.expect("a valid level and memory for a context");
    packer.compress(json).expect("compressing into memory that is large enough")
}

/// Unpacks bytes, reading no further than `bytes_max`.
///
/// # Errors
/// Not zstd data, larger than `bytes_max` when unpacked, or packed with an unknown dictionary.
pub fn unpack(packed: &[u8], bytes_max: usize) -> Result<Vec<u8>, UnpackError> {
    // What a frame says of its size only tells how much room to make.
    let stated = get_frame_content_size(packed).ok().flatten();
    let stated = stated.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or_default();
    match get_dict_id_from_frame(packed) {
        None => read(Decoder::with_buffer(packed), stated, bytes_max),
        Some(number) if number.get() == DICTIONARY_NUMBER => {
            read(Decoder::with_prepared_dictionary(packed, &UNPACKING), stated, bytes_max)
        }
        Some(number) => Err(UnpackError::Dictionary(number)),
    }
}

fn read<'a>(
    decoder: std::io::Result<Decoder<'a, impl BufRead>>,
    stated: usize,
    bytes_max: usize,
) -> Result<Vec<u8>, UnpackError> {
    let mut decoder = decoder.map_err(UnpackError::Damaged)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(UnpackError::Damaged)?;
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::with_capacity(stated.min(bytes_max));
    decoder.take(limit).read_to_end(&mut bytes).map_err(UnpackError::Damaged)?;
    if bytes.len() > bytes_max {
        return Err(UnpackError::TooLarge(bytes_max));
    }
    Ok(bytes)
}

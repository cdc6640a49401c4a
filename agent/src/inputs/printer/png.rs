//! A picture as a PNG file (PNG specification, third edition): black dots on white, a bit a dot.
//!
//! Does not decide whether a picture is kept.

use std::io::{self, Write};

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

use super::escpos::slip::Picture;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The file; none if the picture's dots were not kept.
pub(super) fn file(picture: &Picture) -> Option<Vec<u8>> {
    let dots = picture.dots.as_ref().filter(|dots| !dots.is_empty())?;
    let width = u32::try_from(picture.row_bytes * 8).ok()?;
    let height = u32::try_from(dots.len() / picture.row_bytes).ok()?;
    let mut head = Vec::new();
    head.extend(width.to_be_bytes());
    head.extend(height.to_be_bytes());
    // One bit a dot, shades of grey, no interlacing.
    head.extend([1, 0, 0, 0, 0]);
    let mut file = SIGNATURE.to_vec();
    chunk(&mut file, b"IHDR", &head)?;
    chunk(&mut file, b"IDAT", &rows(dots, picture.row_bytes).ok()?)?;
    chunk(&mut file, b"IEND", &[])?;
    Some(file)
}

/// The rows, each behind its filter (none). A printer's 1 is black, a PNG's is white.
fn rows(dots: &[u8], row_bytes: usize) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    for row in dots.chunks_exact(row_bytes) {
        let row: Vec<u8> = std::iter::once(0).chain(row.iter().map(|byte| !byte)).collect();
        encoder.write_all(&row)?;
    }
    encoder.finish()
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) -> Option<()> {
    let mut sum = Crc::new();
    sum.update(kind);
    sum.update(data);
    file.extend(u32::try_from(data.len()).ok()?.to_be_bytes());
    file.extend(kind);
    file.extend(data);
    file.extend(sum.sum().to_be_bytes());
    Some(())
}

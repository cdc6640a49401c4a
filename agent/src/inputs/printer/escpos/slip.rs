//! What came out of the printer between two cuts: text lines and pictures.
//!
//! Everything here has a bound, because the bytes come from outside: what is beyond it is counted
//! and not kept. Does not know what a line means.

use ring::digest::{Context, SHA256};

/// Lines of one receipt: 2,000 articles with a line of price and one of discount each.
pub(in crate::inputs::printer) const LINES_MAX: usize = 6_000;

/// Characters of one line: the widest printers have 96 columns.
pub(in crate::inputs::printer) const LINE_CHARS_MAX: usize = 512;

/// Bytes of text of one receipt.
pub(in crate::inputs::printer) const TEXT_BYTES_MAX: usize = 384 * 1024;

/// Bytes of dots of one receipt: half a metre of paper printed as one picture is 350 KiB.
pub(in crate::inputs::printer) const DOTS_BYTES_MAX: usize = 512 * 1024;

/// Pictures of one receipt that are told apart.
pub(in crate::inputs::printer) const PICTURES_MAX: usize = 64;

/// Bytes of one row of a picture: eight times the widest print head.
pub(super) const ROW_BYTES_MAX: usize = 1024;

/// A receipt, or whatever else was printed up to a cut.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::inputs::printer) struct Slip {
    pub(in crate::inputs::printer) lines: Vec<String>,
    pub(in crate::inputs::printer) pictures: Vec<Picture>,
    /// Whether it was larger than the bounds, so that something of it is missing here.
    pub(in crate::inputs::printer) is_cut_short: bool,
    pub(in crate::inputs::printer) text_bytes: usize,
    pub(in crate::inputs::printer) dots_bytes: usize,
}

/// A picture.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::inputs::printer) struct Picture {
    pub(in crate::inputs::printer) row_bytes: usize,
    pub(in crate::inputs::printer) rows: usize,
    /// SHA-256 of its dots.
    pub(in crate::inputs::printer) hash: Vec<u8>,
    /// Its dots, row by row, a bit a dot; none if they are too many.
    pub(in crate::inputs::printer) dots: Option<Vec<u8>>,
}

impl Slip {
    /// Whether nothing was printed.
    pub(in crate::inputs::printer) fn is_empty(&self) -> bool {
        self.pictures.is_empty() && self.lines.iter().all(|line| line.is_empty())
    }

    /// What it takes in memory, about.
    pub(in crate::inputs::printer) const fn bytes(&self) -> usize {
        self.text_bytes + self.dots_bytes
    }

    pub(super) fn put_line(&mut self, line: &str) {
        if self.lines.len() >= LINES_MAX || self.text_bytes + line.len() > TEXT_BYTES_MAX {
            self.is_cut_short = true;
            return;
        }
        // A line costs its text and where it stands.
        self.text_bytes += line.len() + size_of::<String>();
        self.lines.push(line.to_owned());
    }

    pub(super) fn put_picture(&mut self, picture: PictureInWork) {
        if self.pictures.len() >= PICTURES_MAX {
            self.is_cut_short = true;
            return;
        }
        let PictureInWork { row_bytes, bytes, hash, dots } = picture;
        self.dots_bytes += dots.as_ref().map_or(0, Vec::len);
        self.pictures.push(Picture {
            row_bytes,
            rows: bytes / row_bytes.max(1),
            hash: hash.finish().as_ref().to_vec(),
            dots,
        });
    }

    /// How many dots may still be kept.
    pub(super) const fn room_for_dots(&self) -> usize {
        DOTS_BYTES_MAX.saturating_sub(self.dots_bytes)
    }
}

/// A picture that is being printed, band by band.
pub(super) struct PictureInWork {
    row_bytes: usize,
    bytes: usize,
    hash: Context,
    dots: Option<Vec<u8>>,
}

impl PictureInWork {
    pub(super) fn new(row_bytes: usize) -> Self {
        Self { row_bytes, bytes: 0, hash: Context::new(&SHA256), dots: Some(Vec::new()) }
    }

    /// Whether a band of this width goes on with it.
    pub(super) const fn goes_on_with(&self, row_bytes: usize) -> bool {
        self.row_bytes == row_bytes
    }

    /// Adds dots; `room` is how many may be kept in all.
    pub(super) fn put(&mut self, dots: &[u8], room: usize) {
        self.bytes = self.bytes.saturating_add(dots.len());
        self.hash.update(dots);
        if let Some(kept) = &mut self.dots {
            match kept.len() + dots.len() <= room {
                true => kept.extend_from_slice(dots),
                false => self.dots = None,
            }
        }
    }
}

impl std::fmt::Debug for PictureInWork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PictureInWork").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// Turns columns of dots (`ESC *`) into rows.
pub(super) fn rows(columns: &[u8], column_bytes: usize) -> (usize, Vec<u8>) {
    let width = columns.len() / column_bytes.max(1);
    let row_bytes = width.div_ceil(8);
    let mut rows = vec![0; row_bytes * column_bytes * 8];
    for (x, column) in columns.chunks_exact(column_bytes.max(1)).enumerate() {
        for (byte, dots) in column.iter().enumerate() {
            for bit in 0..8 {
                if dots >> (7 - bit) & 1 == 1 {
                    rows[(byte * 8 + bit) * row_bytes + x / 8] |= 0x80 >> (x % 8);
                }
            }
        }
    }
    (row_bytes, rows)
}

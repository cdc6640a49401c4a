//! Every readable version of every page that a file and its log hold.
//!
//! SQLite reads a log up to the first frame whose checksum does not fit; here each frame stands for
//! itself, and so does each page of the file. Oldest first: frames that an earlier round of the log
//! left behind its end, then the file, then the log. Does not look into a page.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::page::{Opener, PAGE_BYTES, USABLE_BYTES};
use crate::head::SALT_BYTES;
use crate::key::DataKey;

/// Bytes of the log's header, and of the header of each frame in it.
const LOG_HEADER_BYTES: u64 = 32;
const FRAME_HEADER_BYTES: u64 = 24;

const PAGE_BYTES_U64: u64 = 4_096;

/// Pages that tell whether a salt is the right one: they would all have to be damaged.
const SALT_PROBE_PAGES: u64 = 16;

/// Where a version of a page stands.
#[derive(Debug, Clone, Copy)]
struct Version {
    number: u32,
    is_in_log: bool,
    at: u64,
}

/// A file and its log.
pub(super) struct Image {
    opener: Opener,
    file: Option<Mutex<File>>,
    log: Option<Mutex<File>>,
    file_pages: u32,
    /// Frames of earlier rounds, then of the last one.
    stale: Vec<Version>,
    fresh: Vec<Version>,
    /// Where the newest frames of a page stand, oldest first.
    newest: HashMap<u32, Vec<Version>>,
}

impl Image {
    /// Looks at a file and its log, either of which may be missing.
    pub(super) fn new(
        file: &Path,
        log: &Path,
        key: &DataKey,
        kept_salt: Option<[u8; SALT_BYTES]>,
    ) -> io::Result<Self> {
        let mut opened = open(file)?;
        let bytes = opened.as_ref().map(|file| file.metadata()).transpose()?;
        let file_pages = bytes.map_or(0, |metadata| metadata.len() / PAGE_BYTES_U64);
        let mut log = open(log)?;
        let opener = opener(&mut opened, key, kept_salt)?;
        let (stale, fresh) = log.as_mut().map(frames).transpose()?.unwrap_or_default();
        let mut newest: HashMap<u32, Vec<Version>> = HashMap::new();
        for version in &fresh {
            newest.entry(version.number).or_default().push(*version);
        }
        Ok(Self {
            opener,
            file: opened.map(Mutex::new),
            log: log.map(Mutex::new),
            file_pages: u32::try_from(file_pages).unwrap_or(u32::MAX),
            stale,
            fresh,
            newest,
        })
    }

    /// Hands over every page that can be read, oldest version first.
    pub(super) fn each<E: From<io::Error>>(
        &self,
        mut take: impl FnMut(u32, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let of_file = (1..=self.file_pages).map(in_file);
        let versions = self.stale.iter().copied().chain(of_file).chain(self.fresh.iter().copied());
        for version in versions {
            if let Some(page) = self.read(version)? {
                take(version.number, &page)?;
            }
        }
        Ok(())
    }

    /// What a row keeps on other pages, from the newest version of each that can be read.
    pub(super) fn overflow(&self, first: u32, bytes: usize) -> Option<Vec<u8>> {
        let mut found = Vec::with_capacity(bytes);
        let mut next = first;
        while found.len() < bytes {
            let page = self.newest(next)?;
            let (link, content) = page.split_first_chunk::<4>()?;
            found.extend(content.get(..(bytes - found.len()).min(USABLE_BYTES - 4))?);
            next = u32::from_be_bytes(*link);
        }
        Some(found)
    }

    fn newest(&self, number: u32) -> Option<Vec<u8>> {
        let in_log = self.newest.get(&number).into_iter().flatten().rev().copied();
        in_log.chain([in_file(number)]).find_map(|version| self.read(version).ok().flatten())
    }

    /// The page, if it can be read. The end of a file that was cut is no failure.
    fn read(&self, version: Version) -> io::Result<Option<Vec<u8>>> {
        let file = if version.is_in_log { &self.log } else { &self.file };
        let Some(file) = file else { return Ok(None) };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut page = [0; PAGE_BYTES];
        file.seek(SeekFrom::Start(version.at))?;
        match file.read_exact(&mut page) {
            Ok(()) => Ok(self.opener.open(version.number, &page)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}

const fn in_file(number: u32) -> Version {
    Version { number, is_in_log: false, at: page_start(number) }
}

const fn page_start(number: u32) -> u64 {
    let [a, b, c, d] = number.to_be_bytes();
    u64::from_be_bytes([0, 0, 0, 0, a, b, c, d]).saturating_sub(1) * PAGE_BYTES_U64
}

/// The opener by the file's own salt, if that opens any of the first pages; else by the one that was
/// kept: the salt stands in the first page, which may be what is damaged.
fn opener(
    file: &mut Option<File>,
    key: &DataKey,
    kept: Option<[u8; SALT_BYTES]>,
) -> io::Result<Opener> {
    let mut first = Vec::new();
    if let Some(file) = file {
        file.take(SALT_PROBE_PAGES * PAGE_BYTES_U64).read_to_end(&mut first)?;
    }
    let own = first.first_chunk::<SALT_BYTES>().copied();
    let by_own = own.map(|salt| Opener::new(key, salt));
    let opens = |opener: &Opener| {
        let pages = (1_u32..).zip(first.chunks(PAGE_BYTES));
        pages.into_iter().any(|(number, page)| opener.open(number, page).is_some())
    };
    let salt = kept.or(own).unwrap_or_default();
    Ok(by_own.filter(opens).unwrap_or_else(|| Opener::new(key, salt)))
}

fn open(file: &Path) -> io::Result<Option<File>> {
    match File::open(file) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The frames of a log: those of earlier rounds, and those of the last.
fn frames(log: &mut File) -> io::Result<(Vec<Version>, Vec<Version>)> {
    let bytes = log.metadata()?.len();
    let round = round(log)?;
    let (mut stale, mut fresh) = (Vec::new(), Vec::new());
    let mut at = LOG_HEADER_BYTES;
    while at + FRAME_HEADER_BYTES + PAGE_BYTES_U64 <= bytes {
        let (number, salts) = frame(log, at)?;
        let version = Version { number, is_in_log: true, at: at + FRAME_HEADER_BYTES };
        match round == Some(salts) {
            true => fresh.push(version),
            false => stale.push(version),
        }
        at += FRAME_HEADER_BYTES + PAGE_BYTES_U64;
    }
    Ok((stale, fresh))
}

/// The two salts that each frame of the last round repeats: those on which two of the log's header
/// and its first two frames agree.
fn round(log: &mut File) -> io::Result<Option<[u8; 8]>> {
    let mut said = Vec::new();
    let mut header = [0; 24];
    log.seek(SeekFrom::Start(0))?;
    match log.read_exact(&mut header) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    said.extend(header.last_chunk::<8>().copied());
    for at in [LOG_HEADER_BYTES, LOG_HEADER_BYTES + FRAME_HEADER_BYTES + PAGE_BYTES_U64] {
        match frame(log, at) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
            read => said.push(read?.1),
        }
    }
    let agreed = |salts: &&[u8; 8]| said.iter().filter(|other| other == salts).count() > 1;
    Ok(said.iter().find(agreed).or(said.first()).copied())
}

/// What a frame's header says: the page's number and the round's salts.
fn frame(log: &mut File, at: u64) -> io::Result<(u32, [u8; 8])> {
    let mut header = [0; 16];
    log.seek(SeekFrom::Start(at))?;
    log.read_exact(&mut header)?;
    let [n0, n1, n2, n3, _, _, _, _, salts @ ..] = header;
    Ok((u32::from_be_bytes([n0, n1, n2, n3]), salts))
}

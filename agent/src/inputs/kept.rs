//! What an input has seen and could not read: kept for a person, within bounds.
//!
//! Stands in the journal's notes, so that it is encrypted like the rest and goes with the journal;
//! it is neither chained nor sent. Card data is masked before it comes here. The oldest make room
//! for the newest: this is what explains a gap, not a record of sales.

use jiff::Timestamp;
use journal::Journal;
use protocol::problem::{Code, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many are kept of one input: a till whose template does not fit is noticed sooner.
pub const KEPT_MAX: u64 = 100;

/// Bytes of one, as it is written; with [`KEPT_MAX`] 25 MiB of one input.
pub const KEPT_BYTES_MAX: usize = 256 * 1024;

/// Lines that are kept where not all have room.
const LINES_SHOWN_MAX: usize = 500;

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// Its number in this input, from 1.
    pub number: u64,
    /// When it was seen.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub printed_at: Timestamp,
    /// Why it could not be read, and what to do.
    pub problem: Problem,
    /// Its text, line by line.
    pub lines: Vec<String>,
    /// Whether card data was masked in it.
    pub is_masked: bool,
    /// Its pictures.
    pub pictures: Vec<KeptPicture>,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeptPicture {
    /// Dots in a row.
    pub width: u64,
    /// Rows.
    pub height: u64,
    /// SHA-256 of its dots, in hexadecimal.
    pub sha256: String,
    /// The picture as PNG, in hexadecimal; none if pictures are not kept or it was too large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub png: Option<String>,
}

/// One of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeptHead {
    /// Its number in this input.
    pub number: u64,
    /// When it was seen.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub printed_at: Timestamp,
    /// Why it could not be read.
    pub problem: Problem,
}

/// What is kept of an input, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptList {
    /// Those that are there.
    pub kept: Vec<KeptHead>,
}

fn list_note(input: &str) -> String {
    format!("inputs/{input}/kept")
}

fn slot_note(input: &str, number: u64) -> String {
    format!("inputs/{input}/kept/{}", number % KEPT_MAX)
}

/// Keeps one in place of the oldest; its number is given here.
///
/// # Errors
/// Nothing can be written at present.
pub async fn keep(journal: &Journal, input: &str, kept: Kept) -> Result<u64, Problem> {
    let mut list = list(journal, input).await?;
    let number = list.kept.last().map_or(1, |last| last.number.saturating_add(1));
    let bytes = bounded(Kept { number, ..kept.clone() });
    let head = KeptHead { number, printed_at: kept.printed_at, problem: kept.problem };
    list.kept.push(head);
    let count = u64::try_from(list.kept.len()).unwrap_or(u64::MAX);
    let oldest = usize::try_from(count.saturating_sub(KEPT_MAX)).unwrap_or(0);
    list.kept.drain(..oldest);
    // The content first: a crash in between leaves one that no list names.
    put(journal, &slot_note(input, number), &bytes).await?;
    put(journal, &list_note(input), &json(&list)).await?;
    Ok(number)
}

/// What is kept, oldest first.
///
/// # Errors
/// The journal cannot be read.
pub async fn list(journal: &Journal, input: &str) -> Result<KeptList, Problem> {
    match note(journal, &list_note(input)).await? {
        None => Ok(KeptList::default()),
        Some(bytes) => serde_json::from_slice(&bytes).map_err(|_| damaged()),
    }
}

/// One of them; none if it is not there, or made room for a newer one.
///
/// # Errors
/// The journal cannot be read.
pub async fn one(journal: &Journal, input: &str, number: u64) -> Result<Option<Kept>, Problem> {
    let Some(bytes) = note(journal, &slot_note(input, number)).await? else { return Ok(None) };
    let kept: Kept = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
    Ok((kept.number == number).then_some(kept))
}

/// What is written: without its pictures' dots, and then without its last lines, where it would be
/// too large.
fn bounded(mut kept: Kept) -> Vec<u8> {
    let mut bytes = json(&kept);
    if bytes.len() > KEPT_BYTES_MAX {
        kept.pictures.iter_mut().for_each(|picture| picture.png = None);
        bytes = json(&kept);
    }
    if bytes.len() > KEPT_BYTES_MAX {
        kept.lines.truncate(LINES_SHOWN_MAX);
        bytes = json(&kept);
    }
    if bytes.len() > KEPT_BYTES_MAX {
        kept.lines.clear();
        bytes = json(&kept);
    }
    bytes
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("it is plain data")
}

async fn note(journal: &Journal, name: &str) -> Result<Option<Vec<u8>>, Problem> {
    journal.note(name).await.map_err(|error| {
        let detail = format!("the journal cannot be read: {error}");
        Problem::new(Code::JournalDamaged, detail).next("run `storekeep-agent doctor`")
    })
}

async fn put(journal: &Journal, name: &str, bytes: &[u8]) -> Result<(), Problem> {
    journal.put_note(name, bytes).await.map_err(|error| {
        let detail = format!("the journal could not be written: {error}");
        Problem::new(Code::NotCommitted, detail).next("the agent tries again by itself")
    })
}

fn damaged() -> Problem {
    Problem::new(Code::JournalDamaged, "what was kept of an input is not readable")
        .next("run `storekeep-agent journal verify`")
}

#[cfg(test)]
mod tests {
    //! What is kept has bounds, and the newest of it is there.

    use journal::{DataKey, Options};
    use protocol::bytes::Bytes;

    use super::*;

    fn kept(lines: usize, png: Option<String>) -> Kept {
        let picture = KeptPicture { width: 8, height: 1, sha256: "00".to_owned(), png };
        Kept {
            number: 0,
            printed_at: Timestamp::UNIX_EPOCH,
            problem: Problem::new(Code::ReceiptUnreadable, "no total"),
            lines: vec!["x".repeat(100); lines],
            is_masked: false,
            pictures: vec![picture],
        }
    }

    #[tokio::test]
    async fn the_oldest_make_room_and_numbers_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Options {
            file: folder.path().join("journal.db"),
            key: DataKey::new([1; 32]),
            new_epoch: Bytes([7; 16]),
        });
        let journal = journal.unwrap();
        for _ in 0..=KEPT_MAX {
            keep(&journal, "till", kept(1, None)).await.unwrap();
        }
        let numbers: Vec<_> =
            list(&journal, "till").await.unwrap().kept.iter().map(|head| head.number).collect();
        assert_eq!(numbers, (2..=KEPT_MAX + 1).collect::<Vec<_>>());
        assert_eq!(one(&journal, "till", 1).await.unwrap(), None);
        assert_eq!(one(&journal, "till", 2).await.unwrap().unwrap().number, 2);
        assert_eq!(list(&journal, "other").await.unwrap(), KeptList::default());
    }

    #[test]
    fn what_is_too_large_loses_its_pictures_first_and_then_its_lines() {
        let read = |bytes: &[u8]| serde_json::from_slice::<Kept>(bytes).unwrap();
        let pictures = bounded(kept(10, Some("0".repeat(KEPT_BYTES_MAX))));
        let pictures = read(&pictures);
        assert_eq!((pictures.lines.len(), pictures.pictures[0].png.is_some()), (10, false));
        let lines = bounded(kept(5_000, None));
        assert!(lines.len() <= KEPT_BYTES_MAX);
        assert_eq!(read(&lines).lines.len(), LINES_SHOWN_MAX);
    }
}

//! What stands at a vendor: documents, drafts, stock, and the keys of requests that it remembers.
//!
//! It does what it is asked, as often as it is asked, and notes at once what must never happen: a
//! document that stands twice, a refund before its sale, a movement made twice. Loses no answer;
//! that is the way there.

use std::collections::BTreeMap;
use std::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::simulation::trace::Trace;

/// A document as it stands.
#[derive(Debug, Clone)]
struct Document {
    id: String,
    /// When look-ups show it.
    shows_at: Duration,
}

/// A document that is not posted yet.
#[derive(Debug, Clone)]
struct Draft {
    key: Uuid,
    shows_at: Duration,
    posted_as: Option<String>,
}

/// A change of one item's stock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// Where.
    pub location: String,
    /// What.
    pub item: String,
    /// So much more, or less.
    pub by: Decimal,
}

/// A level to be set, if it is still what was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Where.
    pub location: String,
    /// What.
    pub item: String,
    /// What was read.
    pub compare: Decimal,
    /// What it is to be.
    pub to: Decimal,
}

/// A request about stock, byte for byte the same when it is repeated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum StockRequest {
    /// Changes, by the document that calls for them.
    Move(Vec<(Uuid, Vec<Moved>)>),
    /// Levels.
    Set(Uuid, Vec<Level>),
}

/// What became of a request about stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StockAnswer {
    /// Done now, or before under this key.
    Done,
    /// The level is another one than was read.
    Stale,
    /// Nothing was done because of this one, whose item is not known.
    UnknownItem(usize),
}

/// A key that was seen.
#[derive(Debug, Clone)]
struct Remembered {
    until: Duration,
    body: String,
}

/// What stands at a vendor.
#[derive(Debug, Default)]
pub struct Ledger {
    documents: BTreeMap<Uuid, Vec<Document>>,
    drafts: BTreeMap<String, Draft>,
    moved: BTreeMap<Uuid, u32>,
    stock: BTreeMap<(String, String), Decimal>,
    requests: BTreeMap<Uuid, Remembered>,
    numbers: u64,
}

/// What look-ups show of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Nothing.
    Nothing,
    /// A draft.
    Draft(String),
    /// A document.
    Document(String),
}

impl Ledger {
    /// A ledger with what its stores have at first.
    #[must_use]
    pub fn with_stock(stock: BTreeMap<(String, String), Decimal>) -> Self {
        Self { stock, ..Self::default() }
    }

    /// What look-ups show now.
    #[must_use]
    pub fn shown(&self, key: Uuid, now: Duration) -> Shown {
        let documents = self.documents.get(&key).into_iter().flatten();
        if let Some(document) = documents.into_iter().find(|document| document.shows_at <= now) {
            return Shown::Document(document.id.clone());
        }
        let mut drafts = self.drafts.iter();
        let draft = drafts.find(|(_, draft)| {
            draft.key == key && draft.shows_at <= now && draft.posted_as.is_none()
        });
        draft.map_or(Shown::Nothing, |(id, _)| Shown::Draft(id.clone()))
    }

    /// Posts a document that refers to others.
    pub fn post(
        &mut self,
        key: Uuid,
        refers_to: &[String],
        shows_at: Duration,
        trace: &Trace,
        who: &str,
    ) -> String {
        for original in refers_to {
            if !self.documents.values().flatten().any(|document| document.id == *original) {
                trace.broken(who, &format!("{key} refers to {original}, which does not stand"));
            }
        }
        self.numbers += 1;
        let id = format!("{who}-{}", self.numbers);
        let documents = self.documents.entry(key).or_default();
        documents.push(Document { id: id.clone(), shows_at });
        if documents.len() > 1 {
            trace.broken(who, &format!("{key} stands {} times", documents.len()));
        }
        id
    }

    /// Keeps a draft.
    pub fn draft(&mut self, key: Uuid, shows_at: Duration, who: &str) -> String {
        self.numbers += 1;
        let id = format!("{who}-draft-{}", self.numbers);
        self.drafts.insert(id.clone(), Draft { key, shows_at, posted_as: None });
        id
    }

    /// Posts a draft; a draft becomes one document, however often it is told to. None if there is
    /// no such draft.
    pub fn post_draft(
        &mut self,
        id: &str,
        refers_to: &[String],
        shows_at: Duration,
        trace: &Trace,
        who: &str,
    ) -> Option<String> {
        let draft = self.drafts.get(id)?.clone();
        if let Some(posted) = draft.posted_as {
            return Some(posted);
        }
        let posted = self.post(draft.key, refers_to, shows_at, trace, who);
        self.drafts.get_mut(id)?.posted_as = Some(posted.clone());
        Some(posted)
    }

    /// Does a request about stock, unless its key is remembered: then it was done before.
    pub fn move_once(
        &mut self,
        (key, body): (Uuid, &str),
        unknown_item: Option<&str>,
        (now, until): (Duration, Duration),
        trace: &Trace,
        who: &str,
    ) -> StockAnswer {
        self.requests.retain(|_, request| request.until > now);
        if let Some(request) = self.requests.get(&key) {
            if request.body != body {
                trace.broken(who, &format!("the request {key} was repeated with another body"));
            }
            return StockAnswer::Done;
        }
        let request: StockRequest = serde_json::from_str(body).expect("our own body");
        let answer = match &request {
            StockRequest::Move(members) => self.change(members, unknown_item, trace, who),
            StockRequest::Set(document, levels) => self.set(*document, levels, trace, who),
        };
        if answer == StockAnswer::Done {
            self.requests.insert(key, Remembered { until, body: body.to_owned() });
        }
        answer
    }

    fn change(
        &mut self,
        members: &[(Uuid, Vec<Moved>)],
        unknown_item: Option<&str>,
        trace: &Trace,
        who: &str,
    ) -> StockAnswer {
        let is_unknown = |(_, moves): &(Uuid, Vec<Moved>)| {
            moves.iter().any(|moved| Some(moved.item.as_str()) == unknown_item)
        };
        if let Some(index) = members.iter().position(is_unknown) {
            return StockAnswer::UnknownItem(index);
        }
        for (document, moves) in members {
            self.note_moved(*document, trace, who);
            for Moved { location, item, by } in moves {
                *self.stock.entry((location.clone(), item.clone())).or_default() += by;
            }
        }
        StockAnswer::Done
    }

    fn set(&mut self, document: Uuid, levels: &[Level], trace: &Trace, who: &str) -> StockAnswer {
        let is_stale = |level: &Level| self.level(&level.location, &level.item) != level.compare;
        if levels.iter().any(is_stale) {
            return StockAnswer::Stale;
        }
        self.note_moved(document, trace, who);
        for Level { location, item, to, .. } in levels {
            self.stock.insert((location.clone(), item.clone()), *to);
        }
        StockAnswer::Done
    }

    fn note_moved(&mut self, document: Uuid, trace: &Trace, who: &str) {
        let times = self.moved.entry(document).or_default();
        *times += 1;
        if *times > 1 {
            trace.broken(who, &format!("{document} moved stock {times} times"));
        }
    }

    /// A level.
    #[must_use]
    pub fn level(&self, location: &str, item: &str) -> Decimal {
        self.stock.get(&(location.to_owned(), item.to_owned())).copied().unwrap_or_default()
    }

    /// How often the effect of a document stands here.
    #[must_use]
    pub fn effects(&self, key: Uuid) -> usize {
        let moved = self.moved.get(&key).copied().unwrap_or_default();
        let documents = self.documents.get(&key).map_or(0, Vec::len);
        documents + usize::try_from(moved).unwrap_or(usize::MAX)
    }

    /// The keys of everything that stands here.
    pub fn keys(&self) -> impl Iterator<Item = Uuid> {
        self.documents.keys().chain(self.moved.keys()).copied()
    }
}

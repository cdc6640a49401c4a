//! Which Shopify location a place of ours is: by the settings, else by the same name.
//!
//! The list of locations is read whole, page by page, and believed for a while; a name that is not
//! in it is looked for again at most once a minute.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{PAGES_MAX, Talk, list, next_page, text};
use crate::connectors::shopify::map::Unfit;
use crate::connectors::shopify::operations::LOCATIONS;
use crate::connectors::{ExceptionClass, Unanswered};

/// How the global identifier of a location begins.
const GID_PREFIX: &str = "gid://shopify/Location/";

/// How long the list is believed.
const AGE_MAX: SignedDuration = SignedDuration::from_mins(30);

/// How long an absence is believed.
const ABSENT_AGE_MAX: SignedDuration = SignedDuration::from_mins(1);

/// The locations of one shop.
pub(in crate::connectors::shopify) struct Places {
    /// By our identifier: a global identifier or a name there.
    configured: BTreeMap<String, String>,
    listed: Mutex<Option<Listed>>,
}

/// Global identifiers by name.
type ByName = Arc<BTreeMap<String, String>>;

struct Listed {
    at: Option<Timestamp>,
    by_name: ByName,
}

impl Places {
    pub(in crate::connectors::shopify) const fn new(configured: BTreeMap<String, String>) -> Self {
        Self { configured, listed: Mutex::new(None) }
    }

    /// The places that the settings name.
    pub(in crate::connectors::shopify) fn configured(&self) -> impl Iterator<Item = &str> {
        self.configured.keys().map(String::as_str)
    }

    /// The global identifier of a place of ours.
    pub(in crate::connectors::shopify) async fn resolve(
        &self,
        talk: &mut Talk<'_>,
        place: &str,
    ) -> Result<Result<String, Unfit>, Unanswered> {
        let wanted = self.configured.get(place).map_or(place, String::as_str);
        if wanted.starts_with(GID_PREFIX) {
            return Ok(Ok(wanted.to_owned()));
        }
        if let Some(known) = self.remembered(talk.now, AGE_MAX)
            && let Some(id) = known.get(wanted)
        {
            return Ok(Ok(id.clone()));
        }
        let by_name = match self.remembered(talk.now, ABSENT_AGE_MAX) {
            Some(known) => known,
            None => self.read(talk).await?,
        };
        Ok(by_name.get(wanted).cloned().ok_or_else(|| {
            let reason = format!(
                "Shopify has no location `{wanted}` for {place}: create it, or name its location \
                 under `locations` in the settings of the target"
            );
            (ExceptionClass::UnknownLocation, reason)
        }))
    }

    /// Forgets the list, because the shop refused one of its locations.
    pub(in crate::connectors::shopify) fn forget(&self) {
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn remembered(&self, now: Option<Timestamp>, age_max: SignedDuration) -> Option<ByName> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let Listed { at, by_name } = listed.as_ref()?;
        (now?.duration_since((*at)?) < age_max).then(|| Arc::clone(by_name))
    }

    async fn read(&self, talk: &mut Talk<'_>) -> Result<ByName, Unanswered> {
        let mut by_name = BTreeMap::new();
        let mut after = Value::Null;
        for _ in 0..PAGES_MAX {
            let data = talk.read(LOCATIONS, &json!({ "after": after })).await?;
            let connection = data.get("locations").unwrap_or(&Value::Null);
            for node in list(connection, "/nodes") {
                let (name, id) = (text(node, "/name").to_owned(), text(node, "/id").to_owned());
                let is_active = node.get("isActive").and_then(Value::as_bool).unwrap_or(true);
                // Only active locations have names of their own.
                if is_active || !by_name.contains_key(&name) {
                    by_name.insert(name, id);
                }
            }
            match next_page(connection) {
                Some(cursor) => after = json!(cursor),
                None => break,
            }
        }
        let by_name = Arc::new(by_name);
        let listed = Listed { at: talk.now, by_name: Arc::clone(&by_name) };
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(listed);
        Ok(by_name)
    }
}

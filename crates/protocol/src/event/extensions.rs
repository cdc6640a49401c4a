//! What a vendor adds beyond the canonical model: names with a prefix, values as text.
//!
//! Only here may a field stand that the model does not know. Does not decide which of them are
//! sent: the agent's configuration does.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::id::{Code, Text};
use crate::limits::{ENTRIES_PER_LIST_MAX, EXTENSION_CHARS_MAX};

/// Extensions by name, such as `acme:campaign`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Extensions(BTreeMap<Code, Text<EXTENSION_CHARS_MAX>>);

impl Extensions {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value under a name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let name = Code::new(name).ok()?;
        self.0.get(&name).map(Text::as_str)
    }

    /// Every extension, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Code, &str)> {
        self.0.iter().map(|(name, value)| (name, value.as_str()))
    }

    /// Takes out every extension for which `stays` says no, and returns those.
    #[must_use]
    pub fn split_off(&mut self, stays: impl Fn(&Code) -> bool) -> Self {
        let (stay, go) = std::mem::take(&mut self.0).into_iter().partition(|(name, _)| stays(name));
        self.0 = stay;
        Self(go)
    }
}

impl<'de> Deserialize<'de> for Extensions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Extensions;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of prefixed names, such as `acme:campaign`, with text values")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Extensions, A::Error> {
        let mut extensions = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<Code, Text<EXTENSION_CHARS_MAX>>()? {
            if !name.as_str().contains(':') {
                let name: String = name.as_str().chars().take(40).collect();
                return Err(de::Error::custom(format!(
                    "`{name}` has no prefix; extensions are named as in `acme:campaign`"
                )));
            }
            if extensions.len() == ENTRIES_PER_LIST_MAX {
                return Err(de::Error::custom(format!("more than {ENTRIES_PER_LIST_MAX} items")));
            }
            if extensions.insert(name, value).is_some() {
                return Err(de::Error::custom("an extension stands twice"));
            }
        }
        Ok(Extensions(extensions))
    }
}

impl JsonSchema for Extensions {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Extensions".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<Text<EXTENSION_CHARS_MAX>>();
        json_schema!({
            "type": "object", "propertyNames": { "pattern": ":" }, "additionalProperties": value,
            "maxProperties": ENTRIES_PER_LIST_MAX,
            "description": "vendor fields by prefixed name, such as `acme:campaign`"
        })
    }
}

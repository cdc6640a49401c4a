//! What goes wrong, steerable while the site runs.
//!
//! Each rule names what happens, to which operations, and how often: the next so many times, and
//! by chance from the site's seed. Rules are looked at in order and the first that fires is the
//! one. Maintenance and revoked keys apply to the whole site. Decides only; `http` does it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::chance::Chance;

/// Everything that goes wrong. The default is a calm day; setting faults replaces the former ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Faults {
    /// What happens to single requests.
    pub rules: Vec<Rule>,
    /// `maintenance_mode` for so many seconds of the site's clock: 503 `SessionStopped`.
    pub maintenance_seconds: Option<u32>,
    /// The user's API secret no longer admits anyone.
    pub keys_revoked: bool,
}

/// Something that happens to requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// What happens.
    pub disruption: Disruption,
    /// It happens to this many of the next requests that it applies to.
    #[serde(default)]
    pub next: u32,
    /// It happens to further requests so many times in a thousand.
    #[serde(default)]
    pub per_mille: u16,
    /// What it applies to: an action (`create`, `update`, `submit`, `cancel`, `delete`, `read`,
    /// `list`, `call`), a doctype, or both as `submit Sales Invoice`. Empty is everything.
    #[serde(default)]
    pub on: Vec<String>,
}

impl Rule {
    /// It happens to the next so many requests.
    #[must_use]
    pub fn next(next: u32, disruption: Disruption) -> Self {
        Self { disruption, next, per_mille: 0, on: Vec::new() }
    }

    /// It happens so many times in a thousand.
    #[must_use]
    pub fn per_mille(per_mille: u16, disruption: Disruption) -> Self {
        Self { disruption, next: 0, per_mille, on: Vec::new() }
    }

    /// Restricts it; repeat for several.
    #[must_use]
    pub fn on(mut self, operation: &str) -> Self {
        self.on.push(operation.to_owned());
        self
    }

    fn applies(&self, action: &str, doctype: &str) -> bool {
        self.on.is_empty()
            || self.on.iter().any(|on| {
                on == action || on == doctype || on.split_once(' ') == Some((action, doctype))
            })
    }
}

/// What can happen to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Disruption {
    /// The connection is closed before anything is applied.
    CloseBefore,
    /// It is applied, and the connection is closed without an answer.
    CloseAfter,
    /// It is applied and answered only after this many milliseconds of real time: longer than a
    /// client waits. It is applied even if the client has gone.
    ApplyLate {
        /// How long it is held.
        hold_ms: u64,
    },
    /// This status with a page of HTML, as a proxy answers, with nothing applied.
    ErrorBefore {
        /// The HTTP status, such as 502.
        status: u16,
    },
    /// It is applied, and this status is answered with a page of HTML.
    ErrorAfter {
        /// The HTTP status, such as 504.
        status: u16,
    },
    /// A page of HTML with status 200, with nothing applied.
    HtmlBefore,
    /// It is applied, and a page of HTML with status 200 is answered.
    HtmlAfter,
    /// Status 429 with `Retry-After`.
    TooManyRequests {
        /// The seconds in `Retry-After`.
        retry_after_seconds: u32,
    },
    /// Status 503 with `Retry-After`.
    Unavailable {
        /// The seconds in `Retry-After`.
        retry_after_seconds: u32,
    },
}

impl Disruption {
    /// Its name in the counters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CloseBefore => "closeBefore",
            Self::CloseAfter => "closeAfter",
            Self::ApplyLate { .. } => "applyLate",
            Self::ErrorBefore { .. } => "errorBefore",
            Self::ErrorAfter { .. } => "errorAfter",
            Self::HtmlBefore => "htmlBefore",
            Self::HtmlAfter => "htmlAfter",
            Self::TooManyRequests { .. } => "tooManyRequests",
            Self::Unavailable { .. } => "unavailable",
        }
    }
}

/// The faults that are set, with what is left of them.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    rules: Vec<Rule>,
    maintenance_until: Option<Timestamp>,
    pub(crate) keys_revoked: bool,
}

impl Plan {
    pub(crate) fn new(faults: Faults, now: Timestamp) -> Self {
        let until = |seconds: u32| {
            now.saturating_add(SignedDuration::from_secs(i64::from(seconds)))
                .unwrap_or(Timestamp::MAX)
        };
        Self {
            rules: faults.rules,
            maintenance_until: faults.maintenance_seconds.map(until),
            keys_revoked: faults.keys_revoked,
        }
    }

    /// What happens to a request.
    pub(crate) fn strike(
        &mut self,
        action: &str,
        doctype: &str,
        chance: &mut Chance,
    ) -> Option<Disruption> {
        for rule in self.rules.iter_mut().filter(|rule| rule.applies(action, doctype)) {
            if let Some(left) = rule.next.checked_sub(1) {
                rule.next = left;
                return Some(rule.disruption);
            }
            if chance.happens(rule.per_mille) {
                return Some(rule.disruption);
            }
        }
        None
    }

    /// Whether there is a maintenance.
    pub(crate) fn in_maintenance(&self, now: Timestamp) -> bool {
        self.maintenance_until.is_some_and(|until| now < until)
    }
}

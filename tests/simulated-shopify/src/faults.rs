//! What goes wrong, steerable while the shop runs.
//!
//! Each rule names what happens, to which root fields, and how often: the next so many times, and
//! by chance from the shop's seed. Rules are looked at in order and the first that fires is the
//! one. A storm, a maintenance and the end of all tokens apply to the whole shop. Decides only;
//! `http` does it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::chance::Chance;

/// Everything that goes wrong. The default is a calm day; setting faults replaces the former ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Faults {
    /// What happens to single requests.
    pub rules: Vec<Rule>,
    /// Nothing is served for a while.
    pub maintenance: Option<Maintenance>,
    /// The bucket is emptied and restores slowly for a while.
    pub storm: Option<Storm>,
    /// Every token issued so far becomes invalid at once.
    pub expire_tokens: bool,
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
    /// The root fields that it applies to; empty is all of them.
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

    /// Restricts it to a root field; repeat for several.
    #[must_use]
    pub fn on(mut self, root_field: &str) -> Self {
        self.on.push(root_field.to_owned());
        self
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
    /// This status, with nothing applied.
    ErrorBefore {
        /// The HTTP status, such as 502.
        status: u16,
    },
    /// It is applied, and this status is answered.
    ErrorAfter {
        /// The HTTP status, such as 500.
        status: u16,
    },
    /// A page of HTML with status 200, with nothing applied.
    HtmlBefore,
    /// It is applied, and a page of HTML with status 200 is answered.
    HtmlAfter,
    /// `THROTTLED` with status 200, whatever the bucket holds.
    Throttled,
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
    /// It is applied and answered; the orders that it creates stay out of searches this long.
    HiddenFor {
        /// The search lag, in seconds of the shop's clock.
        seconds: u32,
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
            Self::Throttled => "throttled",
            Self::TooManyRequests { .. } => "tooManyRequests",
            Self::Unavailable { .. } => "unavailable",
            Self::HiddenFor { .. } => "hiddenFor",
        }
    }
}

/// A maintenance: every request of the API is answered with this status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Maintenance {
    /// 423 or 503.
    pub status: u16,
    /// How long, by the shop's clock.
    pub seconds: u32,
}

/// A throttle storm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Storm {
    /// The restore rate meanwhile, in points per second.
    pub restore_per_second: u32,
    /// How long, by the shop's clock.
    pub seconds: u32,
}

/// The faults that are set, with what is left of them.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    rules: Vec<Rule>,
    maintenance: Option<(u16, Timestamp)>,
    storm: Option<(u32, Timestamp)>,
}

impl Plan {
    pub(crate) fn new(faults: Faults, now: Timestamp) -> Self {
        let until = |seconds: u32| {
            now.saturating_add(SignedDuration::from_secs(i64::from(seconds)))
                .unwrap_or(Timestamp::MAX)
        };
        Self {
            rules: faults.rules,
            maintenance: faults
                .maintenance
                .map(|maintenance| (maintenance.status, until(maintenance.seconds))),
            storm: faults.storm.map(|storm| (storm.restore_per_second, until(storm.seconds))),
        }
    }

    /// What happens to a request with these root fields.
    pub(crate) fn strike(&mut self, roots: &[&str], chance: &mut Chance) -> Option<Disruption> {
        for rule in &mut self.rules {
            let applies =
                rule.on.is_empty() || rule.on.iter().any(|field| roots.contains(&field.as_str()));
            if !applies {
                continue;
            }
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

    /// The status of the maintenance, if there is one.
    pub(crate) fn maintenance(&self, now: Timestamp) -> Option<u16> {
        self.maintenance.filter(|(_, until)| now < *until).map(|(status, _)| status)
    }

    /// The restore rate of the storm, if there is one.
    pub(crate) fn restore_rate(&self, now: Timestamp) -> Option<u32> {
        self.storm.filter(|(_, until)| now < *until).map(|(rate, _)| rate)
    }
}

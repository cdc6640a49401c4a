//! How the way up to the relay stands, for everyone who shows it.
//!
//! Sync writes it; status, the local page and the metrics read it. Decides nothing: capture goes
//! on whatever stands here.

#[cfg(test)]
mod tests;
mod uplinks;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use protocol::chain::{Epoch, Sequence};
use protocol::handshake::{HoldReason, InstanceId};
use protocol::problem::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::clock::{Reading, Reckoning, Skew};

pub use self::uplinks::{Level, MeteredState, UplinkStanding, UplinkState};

/// Why something does not work, in words, with the code whose page says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// The code's number, such as `SK0040`.
    #[serde(serialize_with = "number", deserialize_with = "of_number")]
    #[schemars(with = "String")]
    pub code: Code,
    /// What was tried and why it failed, in one line.
    pub text: String,
}

/// The way up to the relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Link {
    /// No relay is configured: everything stays on this host.
    NoRelay,
    /// The relay does not know this device yet.
    NotEnrolled {
        /// Why.
        reason: Reason,
    },
    /// The relay cannot be used at present; the agent tries again by itself.
    Offline {
        /// Since when, by the host's clock.
        #[schemars(with = "String", extend("format" = "date-time"))]
        since: Timestamp,
        /// Why.
        reason: Reason,
    },
    /// A session is open.
    Online {
        /// Since when, by the host's clock.
        #[schemars(with = "String", extend("format" = "date-time"))]
        since: Timestamp,
    },
    /// The relay keeps this device aside until it is released. Nothing is sent.
    Held {
        /// Why.
        reason: HoldReason,
        /// Since when, by the host's clock.
        #[schemars(with = "String", extend("format" = "date-time"))]
        since: Timestamp,
    },
}

/// This host was put back to an older state, and goes on under a new epoch. An input that can
/// rewind reads its source again once for each such epoch: the natural keys drop what was kept.
/// What came through one that cannot (HTTP, a printer) and was not relayed by then is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rewound {
    /// The epoch that began.
    pub epoch: Epoch,
    /// The one before.
    pub former: Epoch,
    /// The last entry of the former one that is still here.
    pub after: Sequence,
    /// How many entries after it the relay holds and this host does not.
    pub lost: u64,
    /// When it was noticed, by the host's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}

/// Everything that is known about the relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// The way up.
    pub link: Link,
    /// Every way up, in order of preference.
    #[serde(default)]
    pub uplinks: Vec<UplinkState>,
    /// The clock's difference now, once it was measured.
    pub skew: Option<Skew>,
    /// The last signed answer of the relay, by the host's clock.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last_contact: Option<Timestamp>,
    /// This start of the agent, by which the relay's people tell copies of a host apart; none
    /// before the first statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// That this host was put back to an older state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewound: Option<Rewound>,
    /// The measurement that the difference follows from.
    #[serde(skip)]
    reckoning: Option<Reckoning>,
    /// No earlier than this can it be, by what was kept of earlier starts.
    #[serde(skip)]
    known: Option<Timestamp>,
}

/// The state, shared. A clone shows and changes the same.
#[derive(Debug, Clone)]
pub struct Health(Arc<watch::Sender<State>>);

impl Health {
    /// Begins with a link, nothing measured.
    #[must_use]
    pub fn new(link: Link) -> Self {
        Self(Arc::new(watch::Sender::new(State::new(link))))
    }

    /// As it is at `now`.
    #[must_use]
    pub fn state(&self, now: Reading) -> State {
        let state = self.0.borrow().clone();
        let skew = state.reckoning.map(|reckoning| reckoning.skew(now));
        State { skew, ..state }
    }

    /// Every change from now on.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<State> {
        self.0.subscribe()
    }

    /// The link changed. Returns whether it is of another kind or has another reason than before;
    /// a state that goes on keeps the time at which it began.
    pub fn set_link(&self, link: Link) -> bool {
        self.0.send_if_modified(|state| {
            let goes_on = state.link.same_kind(&link);
            let next = if goes_on { link.since(state.link.began()) } else { link };
            let changed = state.link != next;
            state.link = next;
            changed
        })
    }

    /// The relay answered a statement of ours, and told its time.
    pub fn measured(&self, reckoning: Reckoning, now: Timestamp) {
        self.0.send_modify(|state| {
            state.reckoning = Some(reckoning);
            state.last_contact = Some(now);
        });
    }

    /// What this start of the agent calls itself.
    pub fn speaks_as(&self, instance: InstanceId) {
        self.0.send_if_modified(|state| state.instance.replace(instance) != Some(instance));
    }

    /// This host was put back to an older state.
    pub fn rewound(&self, rewound: Rewound) {
        self.0.send_if_modified(|state| {
            let changed = state.rewound.as_ref() != Some(&rewound);
            state.rewound = Some(rewound);
            changed
        });
    }

    /// The relay told its time in a page of news, which repeats no question of ours.
    pub fn sharpened(&self, page: Reckoning, now: Timestamp) {
        self.0.send_modify(|state| {
            state.reckoning = state.reckoning.map(|known| known.sharpened_by(page));
            state.last_contact = Some(now);
        });
    }

    /// It was this late already, by what an earlier start kept.
    pub fn it_was(&self, known: Timestamp) {
        self.0.send_modify(|state| state.known = state.known.max(Some(known)));
    }

    /// How the ways up stand.
    pub fn set_uplinks(&self, uplinks: Vec<UplinkState>) {
        self.0.send_if_modified(|state| {
            let changed = state.uplinks != uplinks;
            state.uplinks = uplinks;
            changed
        });
    }

    /// The relay's time, carried forward; none before this start's first session.
    #[must_use]
    pub fn relay_time(&self, now: Reading) -> Option<Timestamp> {
        let reckoning = self.0.borrow().reckoning;
        reckoning.map(|reckoning| reckoning.relay_time(now))
    }

    /// The time by which local data ages: the relay's, carried forward; before this start's first
    /// session the host's own.
    #[must_use]
    pub fn time(&self, now: Reading) -> Timestamp {
        self.relay_time(now).unwrap_or(now.host)
    }

    /// The latest that it can be by anything known: for a sale that only a clock that was put
    /// back would take for one of the future.
    #[must_use]
    pub fn latest(&self, now: Reading) -> Timestamp {
        let known = self.0.borrow().known;
        self.time(now).max(now.host).max(known.unwrap_or(Timestamp::MIN))
    }

    /// The relay answered at `now` in a signed body that tells no time.
    pub fn contact(&self, now: Timestamp) {
        self.0.send_modify(|state| state.last_contact = Some(now));
    }
}

impl Link {
    /// Whether entries go up.
    #[must_use]
    pub const fn is_online(&self) -> bool {
        matches!(self, Self::Online { .. })
    }

    /// When the state began, if it is one that has a beginning.
    #[must_use]
    pub const fn began(&self) -> Option<Timestamp> {
        match self {
            Self::NoRelay | Self::NotEnrolled { .. } => None,
            Self::Offline { since, .. } | Self::Online { since } | Self::Held { since, .. } => {
                Some(*since)
            }
        }
    }

    fn same_kind(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Held { reason, .. }, Self::Held { reason: now, .. }) => reason == now,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    fn since(self, began: Option<Timestamp>) -> Self {
        match (self, began) {
            (Self::Offline { reason, .. }, Some(since)) => Self::Offline { since, reason },
            (Self::Online { .. }, Some(since)) => Self::Online { since },
            (Self::Held { reason, .. }, Some(since)) => Self::Held { reason, since },
            (link, _) => link,
        }
    }
}

impl State {
    /// A link, and nothing measured.
    #[must_use]
    pub const fn new(link: Link) -> Self {
        Self {
            link,
            uplinks: Vec::new(),
            skew: None,
            last_contact: None,
            instance: None,
            rewound: None,
            reckoning: None,
            known: None,
        }
    }

    /// The one sentence that a store needs: what goes on, what is safe, what there is to do.
    #[must_use]
    pub fn sentence(&self, unsent: u64, now: Timestamp) -> String {
        let sentence = self.of_link(unsent, now);
        match &self.rewound {
            Some(Rewound { lost, .. }) if *lost > 0 => format!(
                "{sentence} This machine was put back to an older state: {lost} relayed entries \
                 are not on it; have your IT compare the receipts."
            ),
            _ => sentence,
        }
    }

    fn of_link(&self, unsent: u64, now: Timestamp) -> String {
        let safe = match unsent {
            1 => "1 sale safe on this machine".to_owned(),
            count => format!("{count} sales safe on this machine"),
        };
        let sentence = match &self.link {
            Link::NoRelay => format!("Selling without a relay; {safe}; nothing to do."),
            Link::NotEnrolled { reason } => {
                format!("Selling, not enrolled yet; {safe}; tell your IT: {}.", reason.text)
            }
            Link::Online { .. } if self.uplinks.iter().any(UplinkState::is_spared) => format!(
                "Selling online and sparing the metered line, whose budget is spent; {safe}; \
                 nothing to do."
            ),
            Link::Online { .. } if unsent == 0 => {
                "Selling online; everything is relayed; nothing to do.".to_owned()
            }
            Link::Online { .. } => format!("Selling online; {safe} and on the way; nothing to do."),
            Link::Offline { since, .. } => {
                format!("Selling offline for {}; {safe}; nothing to do.", Span(*since, now))
            }
            Link::Held { reason, since } => format!(
                "Selling, held by the relay for {} ({}); {safe}; tell your IT.",
                Span(*since, now),
                in_words(*reason)
            ),
        };
        match self.skew.and_then(|skew| skew.warning()) {
            Some(warning) => format!("{sentence} {warning}"),
            None => sentence,
        }
    }
}

/// Why a device is held, as a person reads it.
#[must_use]
pub const fn in_words(reason: HoldReason) -> &'static str {
    match reason {
        HoldReason::Behind => "this machine holds less than it once sent: a restored backup",
        HoldReason::Fork => "two histories under one identity",
        HoldReason::Clone => "two running copies of one identity",
        HoldReason::UnknownEpoch => "an empty journal under a known identity",
    }
}

impl Reason {
    /// A reason with its code.
    #[must_use]
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.code)
    }
}

/// The time from one instant to another in the two largest units that matter to a store.
struct Span(Timestamp, Timestamp);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.1.as_second().saturating_sub(self.0.as_second()).max(0) / 60;
        let (days, hours) = (minutes / (24 * 60), minutes / 60 % 24);
        match (days, hours) {
            (0, 0) => write!(f, "{minutes} m"),
            (0, hours) => write!(f, "{hours} h {} m", minutes % 60),
            (days, hours) => write!(f, "{days} d {hours} h"),
        }
    }
}

fn number<S: serde::Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.number())
}

fn of_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
    let number = String::deserialize(deserializer)?;
    Code::from_number(&number).ok_or_else(|| serde::de::Error::custom("not a code"))
}

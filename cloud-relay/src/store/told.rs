//! What a device is told of an event at a target, from where its deliveries stand.
//!
//! Pure: neither reads rows nor decides who is told.

use protocol::id::Text;
use protocol::progress::ProgressState;

use super::model::{DeliveryState, ResolutionKind};

/// Items kept for one device. They are news, not the record: a device that is dark for longer
/// misses the oldest and loses no sale by it.
pub(in crate::store) const ITEMS_MAX: i64 = 200_000;

/// What is told of an event at a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Told {
    pub(in crate::store) state: ProgressState,
    pub(in crate::store) reference: Option<Text<256>>,
    pub(in crate::store) detail: Option<Text<500>>,
}

/// An exception outweighs what is under way, which outweighs what is settled.
pub(in crate::store) fn told(states: &[DeliveryState]) -> Option<Told> {
    let mut overall: Option<Told> = None;
    for state in states {
        let next = told_of(state);
        overall = Some(match overall {
            Some(known) if rank(&known) >= rank(&next) => known,
            _ => next,
        });
    }
    overall
}

/// What waits for something named says more than what is merely due.
fn rank(told: &Told) -> (u8, bool) {
    let state = match told.state {
        ProgressState::Applied => 0,
        ProgressState::Resolved => 1,
        ProgressState::Waiting => 2,
        ProgressState::Exception => 3,
    };
    (state, told.detail.is_some())
}

fn told_of(state: &DeliveryState) -> Told {
    let plain = |state| Told { state, reference: None, detail: None };
    match state {
        DeliveryState::Due { .. }
        | DeliveryState::Unknown { .. }
        | DeliveryState::Draft { .. }
        | DeliveryState::Bundled { .. } => plain(ProgressState::Waiting),
        DeliveryState::Waiting { for_key, .. } => Told {
            detail: Some(clipped(&format!("waits for {for_key}"))),
            ..plain(ProgressState::Waiting)
        },
        DeliveryState::Done { reference } => Told {
            reference: (!reference.name.is_empty()).then(|| clipped(&reference.name)),
            ..plain(ProgressState::Applied)
        },
        DeliveryState::Exception { class, reason, .. } => Told {
            detail: Some(clipped(&format!("{}: {reason}", class.as_str()))),
            ..plain(ProgressState::Exception)
        },
        DeliveryState::Resolved { resolution } => Told {
            reference: resolution.reference.as_deref().map(clipped),
            detail: Some(clipped(&format!("{}: {}", word(resolution.kind), resolution.note))),
            ..plain(ProgressState::Resolved)
        },
    }
}

const fn word(kind: ResolutionKind) -> &'static str {
    match kind {
        ResolutionKind::PostedByHand => "posted by hand",
        ResolutionKind::NotToBePosted => "not to be posted",
        ResolutionKind::Duplicate => "a duplicate",
        ResolutionKind::SecondSale => "a sale of its own",
    }
}

fn clipped<const N: usize>(text: &str) -> Text<N> {
    let clean: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(N).collect();
    Text::new(clean).expect("cut to length and without control characters")
}

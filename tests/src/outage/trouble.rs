//! What goes wrong at the targets once the line is back: they commit and lose the answer, commit and
//! answer after the relay has given up, fail, and throttle.
//!
//! The first few writes of each kind lose their answer whatever chance says. Ends nothing: a story
//! ends with the trouble still on.

use anyhow::Result;
use simulated_erpnext as erpnext;
use simulated_shopify::{Disruption, Faults, Rule, Storm};

use super::Scale;
use crate::world::{LATE_SECONDS_MAX, World};

/// Begins it at every target.
pub(super) async fn begin(world: &World, scale: Scale) -> Result<()> {
    world.asking.shop_faults(&at_the_shop(world, scale)).await?;
    if world.plan.has_erp() {
        world.asking.erp_faults(&at_the_erp(world, scale)).await?;
    }
    Ok(())
}

/// How long an answer is held that is to come after the relay has given up, in milliseconds.
fn hold_ms(world: &World) -> u64 {
    let late = u64::from(LATE_SECONDS_MAX) * 1_000 - 500;
    u64::from(world.plan.call_timeout_seconds) * 1_000 + late
}

/// The shop besides restores its budget slowly for a while and revokes its tokens.
fn at_the_shop(world: &World, scale: Scale) -> Faults {
    let hold_ms = hold_ms(world);
    let lost = scale.answers_lost_per_mille;
    let writes = |rule: Rule| {
        let fields = ["orderCreate", "refundCreate", "inventoryAdjustQuantities"];
        fields.into_iter().fold(rule, Rule::on)
    };
    Faults {
        rules: vec![
            writes(Rule::next(5, Disruption::CloseAfter)),
            writes(Rule::per_mille(lost, Disruption::CloseAfter)),
            writes(Rule::per_mille(lost / 8, Disruption::ApplyLate { hold_ms })),
            Rule::per_mille(lost / 4, Disruption::ErrorBefore { status: 502 }),
            writes(Rule::per_mille(lost / 8, Disruption::HtmlAfter)),
            Rule::per_mille(lost / 4, Disruption::Throttled),
            Rule::per_mille(lost / 8, Disruption::Unavailable { retry_after_seconds: 1 }),
        ],
        maintenance: None,
        storm: Some(Storm { restore_per_second: world.plan.bucket.1 / 5, seconds: 10 }),
        expire_tokens: true,
    }
}

/// An invoice takes the ERP several calls, so each of them fails more rarely. Maintenance strikes
/// writes only: the relay's check at its start reads, and what it finds closed it leaves alone for
/// five minutes, which is longer than a story.
fn at_the_erp(world: &World, scale: Scale) -> erpnext::Faults {
    use erpnext::{Disruption, Rule};
    let hold_ms = hold_ms(world);
    let lost = scale.answers_lost_per_mille;
    let writes = |rule: Rule| ["create", "submit"].into_iter().fold(rule, |rule, on| rule.on(on));
    erpnext::Faults {
        rules: vec![
            Rule::next(3, Disruption::CloseAfter).on("create Sales Invoice"),
            Rule::next(3, Disruption::CloseAfter).on("submit Sales Invoice"),
            Rule::next(1, Disruption::ApplyLate { hold_ms }).on("submit Sales Invoice"),
            Rule::next(1, Disruption::ErrorBefore { status: 502 }).on("create Sales Invoice"),
            Rule::next(1, Disruption::TooManyRequests { retry_after_seconds: 1 }),
            writes(Rule::per_mille(lost / 2, Disruption::CloseAfter)),
            writes(Rule::per_mille(lost / 16, Disruption::ApplyLate { hold_ms })),
            writes(Rule::per_mille(lost / 16, Disruption::ErrorAfter { status: 504 })),
            writes(Rule::per_mille(lost / 16, Disruption::HtmlAfter)),
            Rule::per_mille(lost / 32, Disruption::ErrorBefore { status: 502 }),
            Rule::per_mille(lost / 32, Disruption::TooManyRequests { retry_after_seconds: 1 }),
            writes(Rule::per_mille(lost / 16, Disruption::Unavailable { retry_after_seconds: 1 })),
        ],
        maintenance_seconds: None,
        keys_revoked: false,
    }
}

//! The report of a store's business date, from the relay's figures and, if asked for, from what
//! each target says itself.
//!
//! Changes nothing. A store that was not heard of is unknown, never complete.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use protocol::id::{RegisterId, StoreId, TargetId, TenantId};
use protocol::money::{Currency, Money};
use protocol::time::BusinessDate;

use super::compare::{Compared, Side};
use super::figures::{Counter, Covered, Gap, GapState, Measure, RegisterDay, Totals};
use super::findings;
use super::readback::Asking;
use super::receipts::{self, Receipt};
use super::report::{
    AgentColumn, Closed, Column, DayReport, Finding, FindingKind, ReadBack, RegisterReport,
    TargetReport, ZReport,
};
use crate::api::status::{Hearing, StoreStatus, of_store};
use crate::connectors::{ExceptionClass, Targets};
use crate::seams::Clock;
use crate::store::books::Books;
use crate::store::model::DeliveryFilter;
use crate::store::{Store, StoreError};

/// Open conflicts of one store that are looked at.
const CONFLICTS_MAX: usize = 1_000;

/// What a report is made from.
pub struct Sources<'a> {
    /// The relay's store.
    pub store: &'a dyn Store,
    /// The configured targets.
    pub targets: &'a Targets,
    /// The retailer.
    pub tenant: &'a TenantId,
    /// The clock.
    pub clock: &'a Clock,
    /// How long after its beginning (0:00 UTC) a business date is over without a Z.
    pub cut_off: SignedDuration,
}

/// Whether targets are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Targeting {
    /// Every target reads back what it holds.
    Ask,
    /// None is asked.
    Spare,
}

/// What is known of a store's business date; nothing if nothing is.
///
/// # Errors
/// The store failed. A target that gives no answer is part of the report.
pub async fn gather(
    sources: &Sources<'_>,
    store: &StoreId,
    date: BusinessDate,
    targeting: Targeting,
) -> Result<Option<DayReport>, StoreError> {
    let Sources { tenant, clock, .. } = *sources;
    let now = clock();
    let days = Books::register_days(sources.store, store, date).await?;
    if days.is_empty() {
        return Ok(None);
    }
    let devices = sources.store.devices().await?.into_iter();
    let devices = devices.filter(|device| device.store == *store).collect();
    let agent = agent(&of_store(store.clone(), devices, now));
    let closed = closed(&days, date, now, sources.cut_off);
    let may_come = closed == Closed::Open || !agent.is_level;
    let mut report = DayReport {
        tenant: tenant.clone(),
        store: store.clone(),
        business_date: date,
        made_at: now,
        closed,
        agent,
        journals: Vec::new(),
        registers: Vec::new(),
        targets: Vec::new(),
        findings: Vec::new(),
    };
    for (register, day) in &days {
        let before = Books::register_day_before(sources.store, store, register, date).await?;
        let before = before.map(|(_, day)| day);
        report.registers.push(of_register(register, day, before.as_ref(), may_come));
    }
    let receipts = receipts::read_day(sources.store, store, days.keys(), date).await?;
    report.journals = receipts::journals(sources.store, &receipts).await?;
    report.findings = findings::of_report(&report);
    report.findings.extend(findings::inexact(&report.registers, &receipts));
    report.findings.extend(conflicts(sources.store, store, date).await?);
    targets(sources, &mut report, &days, &receipts, targeting).await?;
    report.findings.sort_by_key(|finding| finding.kind);
    Ok(Some(report))
}

fn agent(status: &StoreStatus) -> AgentColumn {
    let words = match (status.hearing, status.heard_at) {
        (Hearing::Level, Some(at)) => format!("everything is here, as of {}", minutes(at)),
        (Hearing::Level, None) => "everything is here".to_owned(),
        (Hearing::Sending, _) => "still sending".to_owned(),
        (Hearing::Held, _) => "a device has to be released: unknown".to_owned(),
        (Hearing::Never, _) => "never heard of: unknown".to_owned(),
        (Hearing::Unknown, Some(at)) => format!("unknown since {}", minutes(at)),
        (Hearing::Unknown, None) => "unknown: a device was never heard of".to_owned(),
    };
    AgentColumn { is_level: status.hearing == Hearing::Level, words }
}

/// A moment as people read it, in UTC.
pub(super) fn minutes(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn closed(
    days: &BTreeMap<RegisterId, RegisterDay>,
    date: BusinessDate,
    now: Timestamp,
    cut_off: SignedDuration,
) -> Closed {
    if days.values().all(RegisterDay::is_closed) {
        return Closed::ByZ;
    }
    let begins = date.0.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp());
    match begins.map(|begins| now.duration_since(begins)) {
        Ok(age) if age >= cut_off => Closed::ByCutOff,
        Ok(_) | Err(_) => Closed::Open,
    }
}

fn columns(totals: &Totals) -> Vec<Column> {
    let column = |currency| Column { count: totals.receipts, amount: totals.brought_in(currency) };
    totals.currencies().map(column).collect()
}

fn of_register(
    register: &RegisterId,
    day: &RegisterDay,
    before: Option<&RegisterDay>,
    may_come: bool,
) -> RegisterReport {
    let zs = day.zs();
    let mut gaps: Vec<Gap> = day.numbers.gaps(may_come);
    let counter = before.map_or(Counter::Unknown, |it| day.numbers.after(&it.numbers, may_come));
    if let Counter::Leaves(gap) = &counter {
        gaps.insert(0, gap.clone());
    }
    let (twice, twice_count) = day.numbers.twice();
    let totals = day.totals();
    let supplement = if day.is_closed() { day.supplement() } else { Totals::default() };
    RegisterReport {
        register: register.clone(),
        is_closed: day.is_closed(),
        pos: declared(&zs, day),
        zs: zs.iter().map(of_z).collect(),
        relay: columns(&totals),
        figures: totals.listed(),
        targets: BTreeMap::new(),
        supplement: columns(&supplement),
        suspended: day.suspended().map(|basket| basket.0).collect(),
        gaps,
        twice: (twice.to_vec(), twice_count),
        counter,
    }
}

fn of_z(covered: &Covered<'_>) -> ZReport {
    let money = |minor: i64| covered.close.currency.map(|currency| Money::new(minor, currency));
    ZReport {
        number: covered.z.number,
        at: covered.close.at,
        over_short: covered.z.over_short.and_then(|amount| money(amount.minor())),
        figures: covered.figures(),
    }
}

/// What the POS declares by its Zs: the sum of what each says was brought in. A figure that a Z
/// leaves out is taken from its receipts; without the sales there is none.
fn declared(zs: &[Covered<'_>], day: &RegisterDay) -> Vec<Column> {
    let mut sums: BTreeMap<Currency, Column> = BTreeMap::new();
    for covered in zs {
        let (z, totals) = (covered.z, &covered.totals);
        let (Some(currency), Some(gross)) = (covered.close.currency, z.gross) else { continue };
        let own = |measure| totals.minor(currency, &measure);
        let returns = z.returns.map_or_else(|| own(Measure::Returns), |it| it.minor());
        let paid_in = z.paid_in.map_or_else(|| own(Measure::PaidIn), |it| it.minor());
        let paid_out = z.paid_out.map_or_else(|| own(Measure::PaidOut), |it| it.minor());
        let column = sums
            .entry(currency)
            .or_insert_with(|| Column { count: 0, amount: Money::new(0, currency) });
        column.amount.minor += gross.minor() - returns + paid_in - paid_out;
        column.count += receipts_stated(covered);
    }
    let is_whole = day.closes().all(|close| close.z.as_ref().is_some_and(|z| z.gross.is_some()));
    if is_whole { sums.into_values().collect() } else { Vec::new() }
}

/// How many receipts a Z says that count; what it does not count by kind, its receipts do.
fn receipts_stated(covered: &Covered<'_>) -> u64 {
    const OTHER: [&str; 13] = [
        "void", "suspend", "resume", "open", "close", "paid_in", "paid_out", "pickup", "loan",
        "no_sale", "count", "sign_on", "sign_off",
    ];
    let kinds = covered.totals.counts.keys().map(String::as_str);
    let stated = covered.z.counts.keys().map(|kind| kind.as_str());
    let kinds: std::collections::BTreeSet<&str> = kinds.chain(stated).collect();
    let counted = kinds.into_iter().filter(|kind| !OTHER.contains(kind)).map(|kind| {
        let stated = covered.z.counts.iter().find(|(own, _)| own.as_str() == kind);
        stated.map_or_else(|| covered.totals.count(kind), |(_, count)| *count)
    });
    counted.sum()
}

/// Events of the day that wait for a person because another one has their number.
async fn conflicts(
    store: &dyn Store,
    of: &StoreId,
    date: BusinessDate,
) -> Result<Vec<Finding>, StoreError> {
    let filter = DeliveryFilter {
        store: Some(of.clone()),
        class: Some(ExceptionClass::Conflict),
        count_max: CONFLICTS_MAX,
        ..DeliveryFilter::default()
    };
    let mut found = BTreeMap::new();
    for view in store.deliveries(&filter).await? {
        let mut parts = view.natural_key.split('/');
        let (Some(_), Some(own), Some(register), Some(day), Some(receipt)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        if own != of.as_str() || day != date.to_string() {
            continue;
        }
        let text = format!(
            "receipt {receipt} of register {register} came twice with other content; the second \
             one counts only once a person decides (delivery {})",
            view.id
        );
        found.entry(view.event_id).or_insert_with(|| Finding {
            kind: FindingKind::NeedsPerson,
            register: RegisterId::new(register).ok(),
            receipt: Some(receipt.to_owned()),
            target: None,
            amount: view.amount,
            text,
        });
    }
    Ok(found.into_values().collect())
}

async fn targets(
    sources: &Sources<'_>,
    report: &mut DayReport,
    days: &BTreeMap<RegisterId, RegisterDay>,
    receipts: &[Receipt],
    targeting: Targeting,
) -> Result<(), StoreError> {
    let from = days.values().filter_map(|day| day.first_at).min().unwrap_or(report.made_at);
    let until = days.values().filter_map(|day| day.last_at).max().unwrap_or(report.made_at);
    for (target, connector) in sources.targets {
        let mut of_target =
            TargetReport { target: target.clone(), read: ReadBack::NotAsked, note: None };
        if targeting == Targeting::Ask {
            let expected = receipts::expected(receipts, sources.tenant, target, connector.as_ref());
            let side = Side { store: sources.store, target, receipts, expected: &expected };
            let asking = Asking {
                connector: connector.as_ref(),
                store: &report.store,
                business_date: report.business_date,
                from,
                until,
                clock: sources.clock,
            };
            match side.compare(&asking).await? {
                Ok(compared) => {
                    of_target.read = ReadBack::At((sources.clock)());
                    put(report, target, compared, &mut of_target);
                }
                Err(reason) => {
                    report.findings.push(findings::unread(target, &reason));
                    of_target.read = ReadBack::Failed(reason);
                }
            }
        }
        report.targets.push(of_target);
    }
    Ok(())
}

fn put(
    report: &mut DayReport,
    target: &TargetId,
    compared: Compared,
    of_target: &mut TargetReport,
) {
    of_target.note = compared.note;
    report.findings.extend(compared.findings);
    let mut columns = compared.columns;
    for register in &mut report.registers {
        let own = columns.remove(&register.register).unwrap_or_default();
        register.targets.insert(target.clone(), own.into_values().collect());
    }
}

/// Whether a gap is one that stays.
pub(super) const fn is_missing(gap: &Gap) -> bool {
    matches!(gap.state, GapState::Missing)
}

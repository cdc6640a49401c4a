//! `/metrics` in the text form of Prometheus, written by hand because it is a dozen lines.
//!
//! Labels are targets, classes and words, never stores or receipts: their number stays small.
//! Reads the store at each scrape and keeps no counter of its own.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use jiff::Timestamp;
use protocol::id::TargetId;

use super::Api;
use super::answer::Bad;
use crate::connectors::Class;
use crate::store::model::{Device, DeviceState, LaneView};

const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Result<impl IntoResponse, Bad> {
    let (lanes, devices) = (api.store.lanes().await?, api.store.devices().await?);
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], text(&lanes, &devices, api.now())))
}

/// One target's lanes of a class.
#[derive(Default)]
struct Sum {
    waiting: u64,
    exceptions: u64,
    done: u64,
    oldest_seconds: i64,
}

pub(super) fn text(lanes: &[LaneView], devices: &[Device], now: Timestamp) -> String {
    let mut sums: BTreeMap<(&TargetId, Class), Sum> = BTreeMap::new();
    for view in lanes {
        let sum = sums.entry((&view.lane.target, view.lane.class)).or_default();
        sum.waiting += view.waiting;
        sum.exceptions += view.exceptions;
        sum.done += view.done;
        let age = view.oldest_at.map_or(0, |at| now.duration_since(at).as_secs());
        sum.oldest_seconds = sum.oldest_seconds.max(age);
    }
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, value: &dyn Fn(&Sum) -> String| {
        head(&mut text, name, kind, help);
        for ((target, class), sum) in &sums {
            let class = class.as_str();
            line(
                &mut text,
                &format!("{name}{{target=\"{target}\",class=\"{class}\"}}"),
                &value(sum),
            );
        }
    };
    let prefix = "storekeep_relay_deliveries";
    let waiting = |sum: &Sum| sum.waiting.to_string();
    family(&format!("{prefix}_waiting"), "gauge", "Documents on their way.", &waiting);
    let exceptions = |sum: &Sum| sum.exceptions.to_string();
    family(&format!("{prefix}_exceptions"), "gauge", "Documents for a person.", &exceptions);
    let done = |sum: &Sum| sum.done.to_string();
    family(&format!("{prefix}_done_total"), "counter", "Documents that stand.", &done);
    let oldest = |sum: &Sum| sum.oldest_seconds.to_string();
    let help = "Age of the oldest document on its way.";
    family("storekeep_relay_oldest_waiting_seconds", "gauge", help, &oldest);
    let name = "storekeep_relay_devices";
    head(&mut text, name, "gauge", "Devices by state.");
    for state in ["active", "held", "revoked"] {
        let count = devices.iter().filter(|device| word(device.state) == state).count();
        line(&mut text, &format!("{name}{{state=\"{state}\"}}"), &count.to_string());
    }
    let name = "storekeep_relay_entries_total";
    head(&mut text, name, "counter", "Entries of journals that are held.");
    let entries: u64 = devices.iter().map(|device| device.entries).sum();
    line(&mut text, name, &entries.to_string());
    text
}

const fn word(state: DeviceState) -> &'static str {
    match state {
        DeviceState::Active => "active",
        DeviceState::Held { .. } => "held",
        DeviceState::Revoked { .. } => "revoked",
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a text can be written");
}

fn line(text: &mut String, name: &str, value: &str) {
    writeln!(text, "{name} {value}").expect("a text can be written");
}

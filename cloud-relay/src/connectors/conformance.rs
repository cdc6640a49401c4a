//! What every connector has to do right, whatever its vendor: one suite against a fake of the
//! vendor that misbehaves on demand and keeps its own books.
//!
//! A connector's tests hand in a [`Bench`] and call [`conforms`]; the first claim that does not
//! hold panics with its name. Does not check what a document looks like: that is the connector's
//! goldens.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use protocol::event::Body;
use uuid::Uuid;

use super::{
    BundleVerdict, Call, Connector, ControlAsk, ControlDocument, ControlPage, ControlQuery, Found,
    Mode, Unanswered, Verdict,
};

/// How the fake treats the next call that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Answers with this HTTP status and changes nothing. The body repeats what was sent.
    Status(u16),
    /// Changes it, and closes the connection without an answer.
    AnswerLost,
    /// Closes the connection without doing anything.
    NothingDone,
    /// Answers 200 with a page of HTML, as a gateway does, and changes nothing.
    Html,
    /// Changes it, answers, and hides it from look-ups for as long as the vendor ever does.
    Hidden,
}

/// A connector before a fake of its vendor.
pub(crate) trait Bench {
    /// The connector, configured for the fake.
    fn connector(&self) -> Arc<dyn Connector>;
    /// The modes that the connector plans.
    fn modes(&self) -> Vec<Mode>;
    /// A call that the fake takes, the same for the same number.
    fn call(&self, number: u32, mode: Mode) -> Call;
    /// Makes the fake misbehave at the next call that changes something.
    fn fault(&self, fault: Fault);
    /// How often the effect of a call stands in the fake's own books.
    fn effects(&self, call: &Call) -> usize;
    /// Lets time pass for the fake.
    fn pass(&self, time: Duration);
    /// Texts that no reason may hold: tokens, and customer data in the calls.
    fn secrets(&self) -> Vec<String>;
}

/// Checks every claim, each on a bench of its own.
pub(crate) async fn conforms(bench: impl Fn() -> Box<dyn Bench>) {
    for mode in bench().modes() {
        delivered_twice_is_one_effect(&*bench(), mode).await;
        a_lost_answer_is_one_effect(&*bench(), mode).await;
        for fault in [429, 500, 502, 503, 504].map(Fault::Status) {
            trouble_on_the_way_needs_nobody(&*bench(), mode, fault).await;
        }
        for fault in [Fault::NothingDone, Fault::Html] {
            trouble_on_the_way_needs_nobody(&*bench(), mode, fault).await;
        }
        for status in [401, 403] {
            refused_credentials_pause_the_target(&*bench(), mode, status).await;
        }
        for status in [400, 404, 422] {
            a_definite_refusal_is_an_exception(&*bench(), mode, status).await;
        }
    }
    if bench().modes().contains(&Mode::Document) {
        what_shows_late_shows_within_the_settle_time(&*bench()).await;
        what_stands_is_read_back_under_its_key(&*bench()).await;
    }
}

const KEY: Uuid = Uuid::from_u128(0x5eed);

/// Sends one call once, by the means of its mode.
async fn send(bench: &dyn Bench, call: &Call) -> Verdict {
    let connector = bench.connector();
    if call.planned.mode == Mode::Document {
        return match connector.create(call).await.outcome {
            Verdict::Resume(draft) => connector.commit(call, &draft).await.outcome,
            verdict => verdict,
        };
    }
    let prepared = connector.prepare(KEY, std::slice::from_ref(call)).await.outcome;
    let body = prepared.expect("the fake answers look-ups").bundle.expect("it moves something");
    send_bundle(bench, &body.body, call.deadline).await
}

async fn send_bundle(bench: &dyn Bench, body: &str, deadline: Timestamp) -> Verdict {
    match bench.connector().send(KEY, body, deadline).await.outcome {
        BundleVerdict::Done(reference) => Verdict::Done(reference),
        BundleVerdict::Wait(verdict) => verdict,
        BundleVerdict::Refused { culprits, reason } => match culprits.into_iter().next() {
            Some((_, class, reason)) => Verdict::Exception { class, reason },
            None => Verdict::Retry { after: None, reason },
        },
    }
}

/// Delivers as the relay does after an unknown outcome: documents are looked for, bundles repeated.
async fn deliver_again(bench: &dyn Bench, call: &Call) -> Verdict {
    let connector = bench.connector();
    bench.pass(connector.profile().settle_time);
    if call.planned.mode != Mode::Document {
        return send(bench, call).await;
    }
    match connector.find(call).await.outcome.expect("the fake answers look-ups") {
        Found::None => send(bench, call).await,
        Found::Draft(draft) => connector.commit(call, &draft).await.outcome,
        Found::Posted(found) => connector.verify(call, &found).await.outcome,
    }
}

fn stands(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Done(_) | Verdict::AlreadyDone(_))
}

fn says_no_secret(bench: &dyn Bench, verdict: &Verdict) {
    let text = format!("{verdict:?}");
    for secret in bench.secrets() {
        assert!(!text.contains(&secret), "a reason holds a secret or customer data: {text}");
    }
}

async fn delivered_twice_is_one_effect(bench: &dyn Bench, mode: Mode) {
    let call = bench.call(1, mode);
    for verdict in [send(bench, &call).await, deliver_again(bench, &call).await] {
        assert!(stands(&verdict), "delivered twice is one effect ({mode:?}): {verdict:?}");
    }
    assert_eq!(bench.effects(&call), 1, "delivered twice is one effect ({mode:?})");
}

async fn a_lost_answer_is_one_effect(bench: &dyn Bench, mode: Mode) {
    let call = bench.call(1, mode);
    bench.fault(Fault::AnswerLost);
    let verdict = send(bench, &call).await;
    let is_unknown = matches!(verdict, Verdict::Unknown { .. });
    assert!(is_unknown, "a lost answer is an unknown outcome ({mode:?}): {verdict:?}");
    says_no_secret(bench, &verdict);
    let verdict = deliver_again(bench, &call).await;
    assert!(stands(&verdict), "a lost answer is found or repeated ({mode:?}): {verdict:?}");
    assert_eq!(bench.effects(&call), 1, "a lost answer is one effect ({mode:?})");
}

async fn trouble_on_the_way_needs_nobody(bench: &dyn Bench, mode: Mode, fault: Fault) {
    let call = bench.call(1, mode);
    bench.fault(fault);
    let verdict = send(bench, &call).await;
    let goes_on = match verdict {
        Verdict::Retry { .. } | Verdict::Throttled { .. } => bench.effects(&call) == 0,
        Verdict::Unknown { .. } => true,
        _ => false,
    };
    assert!(goes_on, "trouble on the way needs nobody ({mode:?}, {fault:?}): {verdict:?}");
    says_no_secret(bench, &verdict);
    let verdict = deliver_again(bench, &call).await;
    assert!(stands(&verdict), "it goes on after trouble ({mode:?}, {fault:?}): {verdict:?}");
    assert_eq!(bench.effects(&call), 1, "trouble leads to one effect ({mode:?}, {fault:?})");
}

async fn refused_credentials_pause_the_target(bench: &dyn Bench, mode: Mode, status: u16) {
    let call = bench.call(1, mode);
    bench.fault(Fault::Status(status));
    let verdict = send(bench, &call).await;
    let is_paused = matches!(verdict, Verdict::Paused { .. });
    assert!(is_paused, "refused credentials pause the target ({mode:?}, {status}): {verdict:?}");
    says_no_secret(bench, &verdict);
    assert_eq!(bench.effects(&call), 0, "a paused target applied nothing ({mode:?}, {status})");
}

async fn a_definite_refusal_is_an_exception(bench: &dyn Bench, mode: Mode, status: u16) {
    let call = bench.call(1, mode);
    bench.fault(Fault::Status(status));
    let verdict = send(bench, &call).await;
    let is_exception = matches!(verdict, Verdict::Exception { .. });
    assert!(is_exception, "a definite refusal is an exception ({mode:?}, {status}): {verdict:?}");
    says_no_secret(bench, &verdict);
    assert_eq!(bench.effects(&call), 0, "what was refused was not applied ({mode:?}, {status})");
}

async fn what_shows_late_shows_within_the_settle_time(bench: &dyn Bench) {
    let connector = bench.connector();
    let call = bench.call(1, Mode::Document);
    let before = connector.find(&call).await.outcome.expect("the fake answers look-ups");
    assert_eq!(before, Found::None, "what was never sent is not found");
    bench.fault(Fault::Hidden);
    let verdict = send(bench, &call).await;
    assert!(stands(&verdict), "it stands: {verdict:?}");
    bench.pass(connector.profile().settle_time);
    let after = connector.find(&call).await.outcome.expect("the fake answers look-ups");
    let is_found = matches!(after, Found::Posted(_));
    assert!(is_found, "what shows late shows within the settle time: {after:?}");
}

/// What a target says of a call's day; nothing if its kind cannot be read back.
async fn read_back(bench: &dyn Bench, call: &Call, ask: ControlAsk) -> Option<ControlPage> {
    let Body::Transaction(transaction) = &call.event.body else { return None };
    let query = ControlQuery {
        store: transaction.store.clone(),
        business_date: transaction.business_date,
        from: call.event.occurred_at(),
        until: call.event.occurred_at(),
        ask,
        deadline: call.deadline,
    };
    match bench.connector().control(&query).await.outcome {
        Ok(page) => Some(page),
        Err(Unanswered::Paused { .. }) => None,
        Err(unanswered) => panic!("the fake answers: {unanswered:?}"),
    }
}

async fn what_stands_is_read_back_under_its_key(bench: &dyn Bench) {
    let call = bench.call(1, Mode::Document);
    let Some(before) = read_back(bench, &call, ControlAsk::Page(None)).await else { return };
    let own = |page: &ControlPage| -> Vec<ControlDocument> {
        let documents = page.documents.iter();
        documents.filter(|it| it.key == Some(call.key)).cloned().collect()
    };
    assert_eq!(own(&before), [], "what was never sent does not stand");
    let verdict = send(bench, &call).await;
    bench.pass(bench.connector().profile().settle_time);
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = read_back(bench, &call, ControlAsk::Page(after)).await;
        let page = page.expect("it was read back before");
        found.extend(own(&page));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let (Verdict::Done(reference) | Verdict::AlreadyDone(reference)) = verdict else {
        panic!("it stands: {verdict:?}")
    };
    let action = call.planned.action.clone();
    let one = read_back(bench, &call, ControlAsk::One { action, reference }).await;
    let one = one.expect("it was read back before").documents;
    let [document] = one.as_slice() else { panic!("it is found by its name: {one:?}") };
    let amount = Some(document.amount.minor.abs());
    let planned = call.planned.amount.map(|money| money.minor);
    assert_eq!((document.key, document.void), (Some(call.key), None), "it stands under its key");
    assert_eq!(amount, planned, "it stands with its amount");
    // What belongs to another day's document, such as a refund, is found by its name alone.
    assert!(found.len() <= 1, "it stands once: {found:?}");
    assert!(found.iter().all(|shown| shown == document), "it says the same twice: {found:?}");
}

//! The handle of a shop: its clock, its faults, its books, and the request that it runs.
//!
//! One lock guards the whole state, so that a mutation is applied as one; nothing is awaited while
//! it is held. Speaks no HTTP: `http` and `control` do.

use std::sync::{Arc, Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::books::{Books, Summary};
use crate::cost;
use crate::execute::{self, Answer, Request};
use crate::faults::{Disruption, Faults, Plan};
use crate::idempotency::Holder;
use crate::limits::OPERATION_COST_MAX;
use crate::schema::{Documents, Prepared, variables};
use crate::setup::Setup;
use crate::state::State;

/// Where the shop's time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A shop. Clones are handles of the same one.
#[derive(Clone)]
pub struct Shop(Arc<Inner>);

struct Inner {
    clock: Clock,
    documents: Documents,
    locked: Mutex<Locked>,
}

struct Locked {
    state: State,
    /// How far the shop's clock was moved forward.
    ahead: SignedDuration,
    requests: Holder,
}

impl std::fmt::Debug for Shop {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Shop").field("now", &self.now()).finish_non_exhaustive()
    }
}

/// A request that was parsed, with what holds for it alone.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) operation_name: Option<String>,
    pub(crate) variables: Map<String, Value>,
    /// Who holds the idempotency keys that the request claims.
    pub(crate) holder: Holder,
    pub(crate) hidden_for_seconds: Option<u32>,
}

impl Shop {
    /// Opens a shop.
    #[must_use]
    pub fn new(setup: Setup, clock: Clock) -> Self {
        let state = State::new(setup, clock());
        let locked = Locked { state, ahead: SignedDuration::ZERO, requests: 0 };
        let documents = Documents::default();
        Self(Arc::new(Inner { clock, documents, locked: Mutex::new(locked) }))
    }

    /// Replaces the faults.
    pub fn set_faults(&self, faults: Faults) {
        let mut locked = self.lock();
        let now = locked.now(&self.0.clock);
        let state = &mut locked.state;
        let rate = state.plan.restore_rate(now);
        state.bucket.restore(now, rate);
        if faults.storm.is_some() {
            state.bucket.empty();
        }
        if faults.expire_tokens {
            state.tokens.expire();
        }
        state.plan = Plan::new(faults, now);
    }

    /// Moves the shop's own clock forward.
    pub fn advance(&self, by: SignedDuration) {
        let mut locked = self.lock();
        locked.ahead = locked.ahead.saturating_add(by.max(SignedDuration::ZERO));
    }

    /// Deletes the orders of this name, as somebody in the admin does; false if there is none. The
    /// books still tell of them: they hold everything that was ever applied.
    pub fn delete_order(&self, name: &str) -> bool {
        let mut locked = self.lock();
        let orders = locked.state.ledger.orders().iter().filter(|order| order.name == name);
        let named: Vec<_> = orders.map(|order| order.id).collect();
        locked.state.deleted.extend(&named);
        !named.is_empty()
    }

    /// The time by the shop's own clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.lock().now(&self.0.clock)
    }

    /// The vendor's own bookkeeping.
    #[must_use]
    pub fn books(&self) -> Books {
        Books::of(&self.lock().state)
    }

    /// Counts and sums of the books.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::of(&self.lock().state)
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        self.0.locked.lock().expect("no holder of this lock panics")
    }

    /// Looks at the state, with the time.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let mut locked = self.lock();
        let now = locked.now(&self.0.clock);
        look(&mut locked.state, now)
    }

    /// Parses and validates an operation text.
    pub(crate) fn prepare(&self, text: &str) -> Result<Arc<Prepared>, Vec<Value>> {
        self.0.documents.prepare(text)
    }

    /// The number of a new request.
    pub(crate) fn next_holder(&self) -> Holder {
        let mut locked = self.lock();
        locked.requests += 1;
        locked.requests
    }

    /// What goes wrong with a request.
    pub(crate) fn strike(&self, prepared: &Prepared) -> Option<Disruption> {
        let roots = prepared.root_fields();
        self.with(|state, _| {
            let struck = state.plan.strike(&roots, &mut state.chance)?;
            state.counters.struck(struck.name());
            Some(struck)
        })
    }

    /// Claims the idempotency keys of a request that will be run later.
    pub(crate) fn claim_keys(&self, incoming: &Incoming) {
        self.with(|state, now| {
            if let Ok((operation, variables)) = incoming.check() {
                let request = incoming.request(operation, &variables, now);
                execute::claim_keys(state, &request);
            }
        });
    }

    /// Lets go of what a request claimed and did not use.
    pub(crate) fn release_keys(&self, incoming: &Incoming) {
        self.with(|state, _| state.keys.release(incoming.holder));
    }

    /// Runs a request to its answer: a GraphQL body for status 200.
    pub(crate) fn run(&self, incoming: &Incoming) -> Value {
        self.with(|state, now| match incoming.check() {
            Err(errors) => {
                state.counters.invalid += 1;
                json!({ "errors": errors })
            }
            Ok((operation, variables)) => {
                answer(state, &incoming.request(operation, &variables, now))
            }
        })
    }

    /// The answer to a request that is throttled whatever the bucket holds.
    pub(crate) fn throttle(&self, incoming: &Incoming) -> Value {
        self.with(|state, now| match incoming.check() {
            Err(errors) => json!({ "errors": errors }),
            Ok((operation, variables)) => {
                let request = incoming.request(operation, &variables, now);
                throttled(state, cost::requested(&request), now)
            }
        })
    }
}

impl Locked {
    fn now(&self, clock: &Clock) -> Timestamp {
        clock().saturating_add(self.ahead).unwrap_or(Timestamp::MAX)
    }
}

type Checked<'a> =
    (&'a apollo_compiler::Node<apollo_compiler::executable::Operation>, Map<String, Value>);

impl Incoming {
    fn check(&self) -> Result<Checked<'_>, Vec<Value>> {
        let operation = self.prepared.operation(self.operation_name.as_deref())?;
        let variables = variables(&self.prepared, operation, &self.variables)?;
        Ok((operation, variables))
    }

    fn request<'a>(
        &'a self,
        operation: &'a apollo_compiler::Node<apollo_compiler::executable::Operation>,
        variables: &'a Map<String, Value>,
        now: Timestamp,
    ) -> Request<'a> {
        Request {
            prepared: &self.prepared,
            operation,
            variables,
            holder: self.holder,
            now,
            hidden_for_seconds: self.hidden_for_seconds,
        }
    }
}

/// Executes what the bucket allows, and charges what it cost.
fn answer(state: &mut State, request: &Request<'_>) -> Value {
    let now = request.now;
    let requested = cost::requested(request);
    if requested > OPERATION_COST_MAX {
        return json!({ "errors": [{
            "message": format!(
                "Query cost is {requested}, which exceeds the single query max cost limit ({OPERATION_COST_MAX})."
            ),
            "extensions": {
                "code": "MAX_COST_EXCEEDED",
                "cost": requested,
                "maxCost": OPERATION_COST_MAX,
                "documentation": "https://shopify.dev/api/usage/rate-limits",
            },
        }] });
    }
    let rate = state.plan.restore_rate(now);
    state.bucket.restore(now, rate);
    if !state.bucket.holds(requested) {
        state.counters.throttled += 1;
        return throttled(state, requested, now);
    }
    let Answer { data, errors, search } = execute::execute(state, request);
    let Some(data) = data else {
        state.counters.invalid += 1;
        return json!({ "errors": errors });
    };
    let actual = cost::actual(request, &data).min(requested);
    state.bucket.take(actual);
    state.counters.points += actual;
    let mut body = json!({
        "data": data,
        "extensions": { "cost": {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": state.bucket.status(rate),
        } },
    });
    if !errors.is_empty() {
        body["errors"] = Value::Array(errors);
    }
    if !search.is_empty() {
        body["extensions"]["search"] = Value::Array(search);
    }
    body
}

/// HTTP 200 without `data` (README, R15).
fn throttled(state: &mut State, requested: u64, now: Timestamp) -> Value {
    let rate = state.plan.restore_rate(now);
    state.bucket.restore(now, rate);
    json!({
        "errors": [{
            "message": "Throttled",
            "extensions": {
                "code": "THROTTLED",
                "documentation": "https://shopify.dev/api/usage/rate-limits",
            },
        }],
        "extensions": { "cost": {
            "requestedQueryCost": requested,
            "actualQueryCost": null,
            "throttleStatus": state.bucket.status(rate),
        } },
    })
}

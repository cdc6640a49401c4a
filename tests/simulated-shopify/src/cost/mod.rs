//! What an operation costs, in points.
//!
//! Derived from recorded `extensions.cost` (README, R13): a query object costs 1; an amount, a user
//! error, page info and a mutation's own payload cost nothing; a mutation costs 10, `refundCreate`
//! 20 and a count 10; a connection costs 2 and, for each of a weight of its page, what a node costs.
//! The weight is `floor(2 ln n)` and 1 at least, which fits every recorded page (1, 5, 10, 20, 50,
//! 100, 200 and 250). An estimate wherever nothing was recorded. Charges nothing.

#[cfg(test)]
mod tests;

use apollo_compiler::executable::{Field, Selection};
use serde_json::{Map, Value};

use crate::execute::Request;
use crate::schema::{Prepared, arguments};

/// The smallest page of each weight from 2 on: `e` to the power of half the weight, rounded up.
const WEIGHTS: [u64; 10] = [3, 5, 8, 13, 21, 34, 55, 91, 149, 245];

/// A page whose size is not stated, as in a list with a bound of its own.
const PAGE_SIZE_UNSTATED: u64 = 10;

/// The most that the request may cost.
pub(crate) fn requested(request: &Request<'_>) -> u64 {
    operation(request, None)
}

/// What it cost, given what was answered.
pub(crate) fn actual(request: &Request<'_>, data: &Value) -> u64 {
    operation(request, Some(data))
}

fn operation(request: &Request<'_>, data: Option<&Value>) -> u64 {
    let meter = Meter { prepared: request.prepared, variables: request.variables };
    let operation = request.operation;
    meter.selections(&operation.selection_set.ty, &operation.selection_set.selections, data).max(1)
}

fn weight(page: u64) -> u64 {
    let steps = WEIGHTS.iter().filter(|least| page >= **least).count();
    if page == 0 { 0 } else { 1 + u64::try_from(steps).unwrap_or(0) }
}

struct Meter<'a> {
    prepared: &'a Prepared,
    variables: &'a Map<String, Value>,
}

impl Meter<'_> {
    /// What is selected on a type itself is added up; of what is selected on narrower types only
    /// the dearest counts, because an object has one of them.
    fn selections(&self, on: &str, selections: &[Selection], data: Option<&Value>) -> u64 {
        let (mut own, mut narrower) = (0, 0);
        for selection in selections {
            if let Selection::Field(field) = selection {
                own += self.field(on, field, data);
            } else if let Some(spread) = self.prepared.spread(selection) {
                let condition = spread.condition.unwrap_or(on);
                let cost = self.selections(condition, spread.selections, data);
                if condition == on {
                    own += cost;
                } else {
                    narrower = cost.max(narrower);
                }
            }
        }
        own + narrower
    }

    fn field(&self, on: &str, field: &Field, data: Option<&Value>) -> u64 {
        if field.selection_set.is_empty() {
            return 0;
        }
        let value =
            data.map(|data| data.get(field.response_key().as_str()).unwrap_or(&Value::Null));
        let base = match (on, field.name.as_str()) {
            ("Mutation", "refundCreate") => 20,
            ("Mutation", _) | (_, "ordersCount") => 10,
            _ => own_cost(on, field),
        };
        if value.is_some_and(Value::is_null) {
            return if on == "Mutation" { base } else { 0 };
        }
        let ty = field.definition.ty.inner_named_type().as_str();
        if ty.ends_with("Connection") {
            return self.connection(field, value);
        }
        let selections = &field.selection_set.selections;
        base + match value {
            // The elements of a list are not counted one by one; the dearest stands for all.
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| self.selections(ty, selections, Some(item)))
                .max()
                .unwrap_or(0),
            other => self.selections(ty, selections, other),
        }
    }

    fn connection(&self, field: &Field, value: Option<&Value>) -> u64 {
        let mut each = 0;
        let mut answered = None;
        for inner in field.selection_set.root_fields(&self.prepared.document) {
            if !matches!(inner.name.as_str(), "nodes" | "edges") {
                continue;
            }
            let items = value.and_then(|value| value.get(inner.response_key().as_str()));
            let items = items.and_then(Value::as_array);
            answered = items.map(|items| u64::try_from(items.len()).unwrap_or(u64::MAX));
            let ty = inner.definition.ty.inner_named_type().as_str();
            let selections = &inner.selection_set.selections;
            let below = match items {
                Some(items) => items
                    .iter()
                    .map(|item| self.selections(ty, selections, Some(item)))
                    .max()
                    .unwrap_or(0),
                None => self.selections(ty, selections, None),
            };
            // An edge's node is counted by its own field.
            each += if inner.name == "nodes" { 1 + below } else { below.max(1) };
        }
        let page = answered.unwrap_or_else(|| self.page_size(field));
        2 + weight(page) * each
    }

    fn page_size(&self, field: &Field) -> u64 {
        let Ok(arguments) = arguments(field, self.variables) else {
            return PAGE_SIZE_UNSTATED;
        };
        let size = |name: &str| arguments.get(name).and_then(Value::as_u64);
        size("first").or_else(|| size("last")).unwrap_or(PAGE_SIZE_UNSTATED)
    }
}

fn own_cost(on: &str, field: &Field) -> u64 {
    let ty = field.definition.ty.inner_named_type().as_str();
    let free = matches!(ty, "MoneyBag" | "MoneyV2" | "PageInfo")
        || ty.ends_with("UserError")
        || on.ends_with("Payload");
    u64::from(!free)
}

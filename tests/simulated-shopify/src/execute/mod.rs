//! Executes a validated operation: resolves its selection set over the shop's records.
//!
//! Generic: it knows fields, aliases, fragments, `@skip`, `@include`, variables and `__typename`,
//! but no field by name. What a field means stands in `view` and `operations`. An error below a
//! root field makes the whole root field `null` (README, R12).

mod select;

use apollo_compiler::Node as Spanned;
use apollo_compiler::ast::{DirectiveList, Value as Literal};
use apollo_compiler::executable::{Field, Operation, Selection};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::select::Select;
use crate::access;
use crate::idempotency::Holder;
use crate::limits::INPUT_ARRAY_MAX;
use crate::operations::{self, Call, Refusal};
use crate::schema::{Prepared, arguments, schema};
use crate::state::State;
use crate::view::{Node, Resolved, View};

/// A request, ready to be executed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) prepared: &'a Prepared,
    pub(crate) operation: &'a Spanned<Operation>,
    pub(crate) variables: &'a Map<String, Value>,
    pub(crate) holder: Holder,
    pub(crate) now: Timestamp,
    pub(crate) hidden_for_seconds: Option<u32>,
}

/// What is answered, apart from the cost.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// Absent if the request was refused as a whole.
    pub(crate) data: Option<Value>,
    pub(crate) errors: Vec<Value>,
    /// `extensions.search`.
    pub(crate) search: Vec<Value>,
}

/// The fields of one response key, which may be selected several times.
type Selected<'d> = Vec<&'d Spanned<Field>>;

/// A root field with its arguments.
struct Root<'d> {
    key: String,
    fields: Selected<'d>,
    arguments: Map<String, Value>,
}

impl Root<'_> {
    fn name(&self) -> &str {
        self.fields.first().map_or("", |field| field.name.as_str())
    }
}

/// Executes a request, one root field after the other.
pub(crate) fn execute(state: &mut State, request: &Request<'_>) -> Answer {
    let roots = match roots(request) {
        Ok(roots) => roots,
        Err(error) => return Answer { errors: vec![error], ..Answer::default() },
    };
    let mut answer = Answer::default();
    let mut data = Map::new();
    let mut data_is_null = false;
    for root in &roots {
        match root_field(state, request, root, &mut answer.search) {
            Ok(value) => {
                data.insert(root.key.clone(), value);
            }
            Err(refusal) => {
                answer.errors.push(error(request, root, &refusal));
                data_is_null |=
                    root.fields.first().is_some_and(|field| field.definition.ty.is_non_null());
                data.insert(root.key.clone(), Value::Null);
            }
        }
    }
    answer.data = Some(if data_is_null { Value::Null } else { Value::Object(data) });
    answer
}

/// Claims the idempotency keys of a request that will be executed later.
pub(crate) fn claim_keys(state: &mut State, request: &Request<'_>) {
    let Ok(roots) = roots(request) else {
        return;
    };
    for root in &roots {
        let key = idempotency_key(root, request.variables);
        operations::claim(state, &call(request, root, key.as_deref()));
    }
}

fn roots<'d>(request: &Request<'d>) -> Result<Vec<Root<'d>>, Value> {
    let mut collected = Vec::new();
    let selections = &request.operation.selection_set;
    collect(request, &selections.ty, &selections.selections, &mut collected);
    let mut roots = Vec::new();
    for (key, fields) in collected {
        let Some(field) = fields.first() else {
            continue;
        };
        let arguments = arguments(field, request.variables).map_err(|message| {
            json!({
                "message": message,
                "locations": request.prepared.locations(field),
                "path": [key],
                "extensions": { "code": "argumentLiteralsIncompatible" },
            })
        })?;
        let root = Root { key, fields, arguments };
        refuse_large_input(request, &root)?;
        roots.push(root);
    }
    Ok(roots)
}

/// An array of more than 250 refuses the whole request, without `data` (README, R10).
fn refuse_large_input(request: &Request<'_>, root: &Root<'_>) -> Result<(), Value> {
    fn largest(value: &Value, path: &mut Vec<Value>) -> Option<usize> {
        let steps: Vec<(Value, &Value)> = match value {
            Value::Array(items) if items.len() > INPUT_ARRAY_MAX => return Some(items.len()),
            Value::Array(items) => {
                items.iter().enumerate().map(|(at, item)| (json!(at), item)).collect()
            }
            Value::Object(fields) => {
                fields.iter().map(|(name, field)| (json!(name), field)).collect()
            }
            _ => return None,
        };
        steps.into_iter().find_map(|(step, part)| {
            path.push(step);
            let found = largest(part, path);
            if found.is_none() {
                path.pop();
            }
            found
        })
    }
    let Some(field) = root.fields.first() else {
        return Ok(());
    };
    let mut path = vec![json!(root.key)];
    for (name, argument) in &root.arguments {
        path.truncate(1);
        path.push(json!(name));
        if let Some(size) = largest(argument, &mut path) {
            return Err(json!({
                "message": format!(
                    "The input array size of {size} is greater than the maximum allowed of {INPUT_ARRAY_MAX}."
                ),
                "locations": request.prepared.locations(field),
                "path": path,
                "extensions": { "code": "MAX_INPUT_SIZE_EXCEEDED" },
            }));
        }
    }
    Ok(())
}

fn call<'a>(request: &Request<'_>, root: &'a Root<'_>, key: Option<&'a str>) -> Call<'a> {
    Call {
        root_field: root.name(),
        arguments: &root.arguments,
        key,
        holder: request.holder,
        now: request.now,
        hidden_for_seconds: request.hidden_for_seconds,
    }
}

fn root_field(
    state: &mut State,
    request: &Request<'_>,
    root: &Root<'_>,
    search: &mut Vec<Value>,
) -> Result<Value, Refusal> {
    let name = root.name();
    if name == "__typename" {
        return Ok(json!(request.operation.object_type().as_str()));
    }
    refuse_without_scope(state, root)?;
    state.counters.executed(name);
    if request.operation.is_mutation() {
        let key = idempotency_key(root, request.variables);
        let payload = operations::mutate(state, &call(request, root, key.as_deref()))?;
        let view = View::new(state, request.now);
        let select = Select { request, view: &view };
        return select.complete(Resolved::Object(Node::Payload(&payload)), &root.fields);
    }
    let view = View::new(state, request.now);
    let resolved = view.root_field(name, &root.arguments)?;
    let value = Select { request, view: &view }.complete(resolved, &root.fields);
    search.extend(view.into_search_warnings());
    value
}

/// A field without its scope is denied (README, R4).
fn refuse_without_scope(state: &State, root: &Root<'_>) -> Result<(), Refusal> {
    let owner = root.arguments.get("ownerType").or_else(|| {
        root.arguments.get("definition").and_then(|definition| definition.get("ownerType"))
    });
    let Some(scope) = access::scope_of(root.name(), owner.and_then(Value::as_str)) else {
        return Ok(());
    };
    if access::granted(&state.setup.scopes, &scope) {
        return Ok(());
    }
    Err(Refusal {
        message: format!(
            "Access denied for {} field. Required access: `{scope}` access scope.",
            root.name()
        ),
        code: "ACCESS_DENIED",
    })
}

fn error(request: &Request<'_>, root: &Root<'_>, refusal: &Refusal) -> Value {
    let mut extensions = json!({ "code": refusal.code });
    if refusal.code == "ACCESS_DENIED" {
        let required = refusal.message.split_once("Required access: ").map(|(_, access)| access);
        extensions["documentation"] = json!("https://shopify.dev/api/usage/access-scopes");
        extensions["requiredAccess"] = json!(required);
    }
    json!({
        "message": refusal.message,
        "locations": root.fields.first().map(|field| request.prepared.locations(field)),
        "path": [root.key],
        "extensions": extensions,
    })
}

fn idempotency_key(root: &Root<'_>, variables: &Map<String, Value>) -> Option<String> {
    let directive = root.fields.first()?.directives.get("idempotent")?;
    match &**directive.specified_argument_by_name("key")? {
        Literal::Variable(name) => Some(variables.get(name.as_str())?.as_str()?.to_owned()),
        Literal::String(key) => Some(key.clone()),
        _ => None,
    }
}

/// Adds the fields that a selection set selects on a type, in order, merged by response key.
fn collect<'d>(
    request: &Request<'d>,
    on: &str,
    selections: &'d [Selection],
    into: &mut Vec<(String, Selected<'d>)>,
) {
    for selection in selections {
        if !is_included(selection.directives(), request.variables) {
            continue;
        }
        if let Selection::Field(field) = selection {
            let key = field.response_key().as_str();
            match into.iter_mut().find(|(known, _)| known == key) {
                Some((_, fields)) => fields.push(field),
                None => into.push((key.to_owned(), vec![field])),
            }
        } else if let Some(spread) = request.prepared.spread(selection) {
            let applies = spread
                .condition
                .is_none_or(|condition| condition == on || schema().is_subtype(condition, on));
            if applies {
                collect(request, on, spread.selections, into);
            }
        }
    }
}

fn is_included(directives: &DirectiveList, variables: &Map<String, Value>) -> bool {
    let condition = |name: &str| {
        let directive = directives.get(name)?;
        match &**directive.specified_argument_by_name("if")? {
            Literal::Variable(name) => variables.get(name.as_str())?.as_bool(),
            Literal::Boolean(value) => Some(*value),
            _ => None,
        }
    };
    condition("skip") != Some(true) && condition("include") != Some(false)
}

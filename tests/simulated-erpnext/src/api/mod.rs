//! The REST interface, version 1: `/api/resource` and the few `/api/method` calls that a connector
//! needs.
//!
//! Sources: frappe/api/v1.py and frappe/client.py. Answers of resources stand under `data`, of
//! methods under `message`. Knows nothing of HTTP but its verbs. A doctype or method that is not
//! simulated is refused with 501 `NotSimulated`.

mod list;

use std::borrow::Cow;

use jiff::civil::DateTime;
use serde_json::{Value, json};

use crate::document::{Document, docstatus, text};
use crate::lifecycle::{self, Reading};
use crate::meta::{Doctype, Use, doctype as doctype_of};
use crate::refusal::Refusal;
use crate::state::State;

/// A request that was read.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    operation: Operation,
    doctype: String,
    name: String,
    /// What was sent: the body of a resource, or the arguments of a list or a method.
    payload: Document,
    /// Under which key the answer stands.
    key: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Create,
    Update,
    Submit,
    SubmitWhole,
    Cancel,
    Delete,
    Read,
    List,
    Count,
    Ping,
    WhoAmI,
}

/// What is answered: a status and a body.
pub(crate) type Answer = (u16, Value);

impl Call {
    /// Reads a request to `/api/resource`.
    pub(crate) fn resource(
        verb: &str,
        doctype: &str,
        name: Option<&str>,
        query: Document,
        body: &[u8],
    ) -> Result<Self, Refusal> {
        let name = name.map(|name| name.trim_end_matches('/'));
        let call = |operation, payload| Self {
            operation,
            doctype: doctype.to_owned(),
            name: name.unwrap_or_default().to_owned(),
            payload,
            key: "data",
        };
        Ok(match (verb, name) {
            ("GET", None) => call(Operation::List, query),
            ("GET", Some(_)) => call(Operation::Read, query),
            ("POST", None) => call(Operation::Create, object(body)?),
            ("PUT", Some(_)) => {
                let payload = object(body)?;
                let operation = match payload.get("docstatus").and_then(Value::as_u64) {
                    Some(1) => Operation::Submit,
                    Some(2) => Operation::Cancel,
                    _ => Operation::Update,
                };
                call(operation, payload)
            }
            ("DELETE", Some(_)) => call(Operation::Delete, query),
            ("POST", Some(_)) => {
                let sent = if body.is_empty() { Document::new() } else { object(body)? };
                let method = [&sent, &query].map(|from| text(from, "run_method"));
                let payload = Document::new();
                match method {
                    ["submit", _] | ["", "submit"] => call(Operation::Submit, payload),
                    ["cancel", _] | ["", "cancel"] => call(Operation::Cancel, payload),
                    other => {
                        return Err(Refusal::not_simulated(format!(
                            "run_method {}",
                            other.concat()
                        )));
                    }
                }
            }
            _ => return Err(Refusal::not_simulated(format!("{verb} of a resource"))),
        })
    }

    /// Reads a request to `/api/method`.
    pub(crate) fn method(method: &str, query: Document, body: &[u8]) -> Result<Self, Refusal> {
        let mut arguments = query;
        if !body.is_empty() {
            arguments.extend(object(body)?);
        }
        let operation = match method {
            "ping" | "frappe.ping" => Operation::Ping,
            "frappe.auth.get_logged_user" => Operation::WhoAmI,
            "frappe.client.get_list" => Operation::List,
            "frappe.client.get_count" => Operation::Count,
            "frappe.client.get" => Operation::Read,
            "frappe.client.insert" => Operation::Create,
            "frappe.client.submit" => Operation::SubmitWhole,
            "frappe.client.cancel" => Operation::Cancel,
            "frappe.client.delete" => Operation::Delete,
            other => return Err(Refusal::not_simulated(format!("method {other}"))),
        };
        let payload = match operation {
            Operation::Create | Operation::SubmitWhole => document_argument(&arguments)?,
            _ => arguments.clone(),
        };
        Ok(Self {
            doctype: text(&payload, "doctype").to_owned(),
            name: text(&payload, "name").to_owned(),
            operation,
            payload,
            key: "message",
        })
    }

    /// The action and the doctype, as faults and permissions name them.
    pub(crate) fn label(&self) -> (&'static str, &str) {
        let action = match self.operation {
            Operation::Create => "create",
            Operation::Update => "update",
            Operation::Submit | Operation::SubmitWhole => "submit",
            Operation::Cancel => "cancel",
            Operation::Delete => "delete",
            Operation::Read => "read",
            Operation::List | Operation::Count => "list",
            Operation::Ping | Operation::WhoAmI => "call",
        };
        (action, &self.doctype)
    }

    /// Whether it needs no user.
    pub(crate) fn is_open(&self) -> bool {
        self.operation == Operation::Ping
    }

    /// Runs it.
    pub(crate) fn run(&self, state: &mut State, now: DateTime) -> Result<Answer, Refusal> {
        let value = match self.operation {
            Operation::Ping => json!("pong"),
            Operation::WhoAmI => json!(state.setup.credentials.user),
            _ => return self.run_on_doctype(state, now),
        };
        Ok((200, json!({ self.key: value })))
    }

    fn run_on_doctype(&self, state: &mut State, now: DateTime) -> Result<Answer, Refusal> {
        let doctype = doctype_of(&self.doctype)
            .filter(|doctype| doctype.usage != Use::Rows)
            .ok_or_else(|| Refusal::not_simulated(format!("doctype {}", self.doctype)))?;
        let (action, name) = self.label();
        if state.setup.forbidden.contains(&format!("{action} {name}")) {
            return Err(Refusal::forbidden(name));
        }
        self.allowed(doctype)?;
        let payload = &self.payload;
        let value = match self.operation {
            Operation::Create => Value::Object(lifecycle::create(state, doctype, payload, now)?),
            Operation::Update | Operation::Submit => {
                let mut payload = payload.clone();
                if self.operation == Operation::Submit {
                    payload.insert("docstatus".to_owned(), json!(1));
                }
                let reading = Reading::Changes;
                let saved = lifecycle::update(state, doctype, &self.name, &payload, reading, now)?;
                Value::Object(saved)
            }
            Operation::SubmitWhole => {
                let mut payload = payload.clone();
                payload.insert("docstatus".to_owned(), json!(1));
                let reading = Reading::Whole;
                let saved = lifecycle::update(state, doctype, &self.name, &payload, reading, now)?;
                Value::Object(saved)
            }
            Operation::Cancel => Value::Object(lifecycle::cancel(state, doctype, &self.name, now)?),
            Operation::Delete => {
                lifecycle::delete(state, doctype, &self.name)?;
                // The method returns nothing (frappe/client.py), the resource "ok".
                return Ok(match self.key {
                    "message" => (200, json!({})),
                    key => (202, json!({ key: "ok" })),
                });
            }
            Operation::Read => self.read(state, doctype)?,
            Operation::Count => json!(list::matching(state, doctype, payload)?.len()),
            _ => list::list(state, doctype, payload)?,
        };
        if let Some(saved) = value.as_object().filter(|_| action != "read") {
            state.counters.saved(action, name, docstatus(saved));
        }
        Ok((200, json!({ self.key: value })))
    }

    /// Which operations a doctype takes here.
    fn allowed(&self, doctype: &'static Doctype) -> Result<(), Refusal> {
        let reads = matches!(self.operation, Operation::Read | Operation::List | Operation::Count);
        let keeps = matches!(self.operation, Operation::Create | Operation::Update);
        let custom = doctype.name == "Custom Field" && self.operation != Operation::Create;
        let fits = match doctype.usage {
            Use::Submitted => true,
            Use::Kept => reads || (keeps && !custom),
            Use::Read | Use::Rows => reads,
        };
        if fits {
            return Ok(());
        }
        let (action, name) = self.label();
        Err(Refusal::not_simulated(format!("{action} {name}")))
    }

    fn read(&self, state: &State, doctype: &'static Doctype) -> Result<Value, Refusal> {
        let found = match state.store.find(doctype.name, &self.name) {
            Some(found) => Some(Cow::Borrowed(found)),
            None => {
                state.listed(doctype.name).into_iter().find(|row| text(row, "name") == self.name)
            }
        };
        let found = found.ok_or_else(|| Refusal::not_found(doctype.name, &self.name))?;
        let mut found = found.into_owned();
        found.insert("doctype".to_owned(), json!(doctype.name));
        Ok(Value::Object(found))
    }
}

/// The document that a method is given, as an object or as JSON in a text.
fn document_argument(arguments: &Document) -> Result<Document, Refusal> {
    match arguments.get("doc") {
        Some(Value::Object(document)) => Ok(document.clone()),
        Some(Value::String(text)) => object(text.as_bytes()),
        _ => Err(Refusal::not_simulated("a method without `doc`")),
    }
}

/// The JSON object of a body; form bodies are not simulated.
fn object(body: &[u8]) -> Result<Document, Refusal> {
    serde_json::from_slice(body)
        .map_err(|_| Refusal::not_simulated("a body that is no JSON object"))
}

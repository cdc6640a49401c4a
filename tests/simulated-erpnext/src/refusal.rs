//! A refused request, and the body in which Frappe sends it.
//!
//! Sources: frappe/exceptions.py (statuses), frappe/utils/response.py (`report_error`, `make_logs`:
//! `exc`, `exception`, `exc_type`, and `_server_messages` as JSON in JSON in JSON). Knows of no
//! rule; each rule names itself where it refuses.

use serde_json::{Value, json};

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The module of the exception, such as `frappe.exceptions`.
    module: &'static str,
    pub(crate) kind: &'static str,
    /// What the exception says.
    detail: String,
    /// What the user is shown; often the same.
    messages: Vec<String>,
}

const FRAPPE: &str = "frappe.exceptions";

impl Refusal {
    /// An exception that a document's own code throws: the message is shown and raised.
    pub(crate) fn thrown(
        status: u16,
        module: &'static str,
        kind: &'static str,
        message: impl Into<String>,
    ) -> Self {
        let detail = message.into();
        Self { status, module, kind, messages: vec![detail.clone()], detail }
    }

    /// An exception that is raised without a message for the user.
    pub(crate) fn raised(status: u16, kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status, module: FRAPPE, kind, detail: detail.into(), messages: Vec::new() }
    }

    /// The ordinary refusal: 417 `ValidationError`.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::thrown(417, FRAPPE, "ValidationError", message)
    }

    /// 417 of another kind of Frappe's own.
    pub(crate) fn of_kind(kind: &'static str, message: impl Into<String>) -> Self {
        Self::thrown(417, FRAPPE, kind, message)
    }

    /// 404 for a document that is not there.
    pub(crate) fn not_found(doctype: &str, name: &str) -> Self {
        Self::thrown(404, FRAPPE, "DoesNotExistError", format!("{doctype} {name} not found"))
    }

    /// 403.
    pub(crate) fn forbidden(doctype: &str) -> Self {
        let message =
            format!("User does not have doctype access via role permission for document {doctype}");
        Self::thrown(403, FRAPPE, "PermissionError", message)
    }

    /// 417 for a value that another document has in a unique field. The message names the label,
    /// the exception the database's words (frappe/model/base_document.py,
    /// `show_unique_validation_message`).
    pub(crate) fn unique(doctype: &str, name: &str, field: &str, label: &str, value: &str) -> Self {
        let detail = format!(
            "('{doctype}', '{name}', IntegrityError(1062, \"Duplicate entry '{value}' for key '{field}'\"))"
        );
        let messages = vec![format!("{label} must be unique")];
        Self { status: 417, module: FRAPPE, kind: "UniqueValidationError", detail, messages }
    }

    /// 409 for a name that is taken (frappe/model/base_document.py, `db_insert`).
    pub(crate) fn duplicate_name(doctype: &str, name: &str) -> Self {
        let detail = format!(
            "('{doctype}', '{name}', IntegrityError(1062, \"Duplicate entry '{name}' for key 'PRIMARY'\"))"
        );
        let messages = vec![format!("{doctype} {name} already exists")];
        Self { status: 409, module: FRAPPE, kind: "DuplicateEntryError", detail, messages }
    }

    /// 417 for fields that hold nothing (frappe/model/document.py, `_validate_mandatory`): a message
    /// for each, and their names in the exception.
    pub(crate) fn mandatory(doctype: &str, name: &str, missing: &[(&str, String)]) -> Self {
        let fields: Vec<&str> = missing.iter().map(|(field, _)| *field).collect();
        let detail = format!("[{doctype}, {name}]: {}", fields.join(", "));
        let messages = missing.iter().map(|(_, message)| message.clone()).collect();
        Self { status: 417, module: FRAPPE, kind: "MandatoryError", detail, messages }
    }

    /// An exception of the database that nobody expected: 500.
    pub(crate) fn database(detail: impl Into<String>) -> Self {
        Self {
            status: 500,
            module: "pymysql.err",
            kind: "OperationalError",
            detail: detail.into(),
            messages: Vec::new(),
        }
    }

    /// Something that the real system does and this one does not. Never the answer of a real one,
    /// so that nobody takes it for one.
    pub(crate) fn not_simulated(what: impl std::fmt::Display) -> Self {
        Self::thrown(501, "simulated_erpnext", "NotSimulated", format!("not simulated: {what}"))
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> Value {
        let separator = if self.detail.is_empty() { "" } else { ": " };
        let exception = format!("{}.{}{separator}{}", self.module, self.kind, self.detail);
        let traceback = format!("Traceback (most recent call last):\n{exception}\n");
        let mut body = json!({
            "exception": exception,
            "exc_type": self.kind,
            "exc": json!([traceback]).to_string(),
        });
        if !self.messages.is_empty() {
            let messages: Vec<String> = self.messages.iter().map(|text| shown(text)).collect();
            body["_server_messages"] = Value::from(json!(messages).to_string());
        }
        body
    }
}

fn shown(message: &str) -> String {
    json!({ "message": message, "title": "Message", "indicator": "red", "raise_exception": 1 })
        .to_string()
}

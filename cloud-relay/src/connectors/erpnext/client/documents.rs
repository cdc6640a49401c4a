//! Documents: drafted, compared, submitted, found again, read back.
//!
//! A draft alone moves nothing, and ERPNext computes payments in drafts only, so a document is
//! created as a draft, compared with the receipt, then submitted. The delivery key stands in a
//! unique field: of two drafts under one key the database refuses the second, also one that
//! arrives late.

use serde_json::{Value, json};

use super::{done, exception};
use crate::connectors::erpnext::Erpnext;
use crate::connectors::erpnext::map::{self, Action, Document, key_text};
use crate::connectors::{Call, ExceptionClass, Found, TargetRef, Unanswered, Verdict};

/// `docstatus` of a draft, of what is submitted, and of what was cancelled.
pub(super) const DRAFT: u64 = 0;
const SUBMITTED: u64 = 1;
pub(super) const CANCELLED: u64 = 2;

/// The name of a count that changed nothing: ERPNext keeps no document of it.
const NO_CHANGE: &str = "no change";

impl Erpnext {
    /// Looks for a document under its key.
    pub(in crate::connectors::erpnext) async fn find_document(
        &self,
        call: &Call,
    ) -> Result<Found, Unanswered> {
        let Some(action) = Action::of(&call.planned) else { return Ok(Found::None) };
        let filters = json!([[self.settings.key_field, "=", key_text(call.key)]]);
        let fields = json!(["name", "docstatus"]);
        let rows = self.client.list(action.doctype(), &filters, &fields).await?;
        Ok(match rows.first() {
            None => Found::None,
            Some(row) if docstatus(row) == DRAFT => Found::Draft(reference(row)),
            // What was cancelled is found as well: reading it back is the exception.
            Some(row) => Found::Posted(reference(row)),
        })
    }

    /// Creates the draft of a call and compares it.
    pub(in crate::connectors::erpnext) async fn create_draft(
        &self,
        call: &Call,
    ) -> Result<Verdict, Verdict> {
        let document = self.document(call)?;
        match done(self.client.post(document.doctype, &document.body).await)? {
            Ok(draft) => {
                document.expected.compare(&draft).map_err(|unfit| left_as_draft(unfit, &draft))?;
                Ok(Verdict::Resume(reference(&draft)))
            }
            Err(refusal) if refusal.is_taken() => match self.find_document(call).await? {
                Found::Draft(draft) => Ok(Verdict::Resume(draft)),
                Found::Posted(posted) => Ok(Verdict::AlreadyDone(posted)),
                Found::None => Err(Verdict::Retry {
                    after: None,
                    reason: "the document that held the key is gone".to_owned(),
                }),
            },
            Err(refusal) if refusal.is_no_change() => Ok(Verdict::Done(no_change())),
            Err(refusal) => {
                Err(exception((refusal.class(), format!("ERPNext refuses: {refusal}"))))
            }
        }
    }

    /// Submits a draft that says what the receipt says.
    pub(in crate::connectors::erpnext) async fn submit_draft(
        &self,
        call: &Call,
        draft: &TargetRef,
    ) -> Result<Verdict, Verdict> {
        let document = self.document(call)?;
        let Some(standing) = self.client.read(document.doctype, &draft.id).await? else {
            // Somebody deleted it; looking for the key finds nothing, and it is made anew.
            return Err(Verdict::Unknown { reason: format!("draft {} is gone", draft.name) });
        };
        if docstatus(&standing) != DRAFT {
            return Ok(Verdict::AlreadyDone(reference(&standing)));
        }
        document.expected.compare(&standing).map_err(|unfit| left_as_draft(unfit, &standing))?;
        let submit = json!({ "docstatus": SUBMITTED });
        match done(self.client.put(document.doctype, &draft.id, &submit).await)? {
            Ok(shown) if docstatus(&shown) == SUBMITTED => posted(&document, &shown),
            Ok(_) => {
                let reason = format!("{} was not submitted at once", draft.name);
                Err(Verdict::Unknown { reason })
            }
            Err(refusal) if refusal.is_no_change() => Ok(Verdict::Done(no_change())),
            Err(refusal) => {
                let reason = format!("ERPNext does not submit {}: {refusal}", draft.name);
                Err(exception((refusal.class(), reason)))
            }
        }
    }

    /// Reads a document back and compares it.
    pub(in crate::connectors::erpnext) async fn read_back(
        &self,
        call: &Call,
        found: &TargetRef,
    ) -> Result<Verdict, Verdict> {
        if *found == no_change() {
            return Ok(Verdict::Done(no_change()));
        }
        let document = self.document(call)?;
        match self.client.read(document.doctype, &found.id).await? {
            None => Err(Verdict::Unknown {
                reason: format!("{} was found and cannot be read", found.name),
            }),
            Some(shown) if docstatus(&shown) == DRAFT => Ok(Verdict::Resume(reference(&shown))),
            Some(shown) if docstatus(&shown) == CANCELLED => {
                let reason = format!(
                    "{} was cancelled in ERPNext; it is not posted again: resolve it, or delete \
                     the cancelled document and retry",
                    found.name
                );
                Err(exception((ExceptionClass::Rejected, reason)))
            }
            Some(shown) => posted(&document, &shown),
        }
    }

    fn document(&self, call: &Call) -> Result<Document, Verdict> {
        map::document(call, &self.settings).map_err(exception)
    }
}

/// A submitted document as it was read back.
fn posted(document: &Document, shown: &Value) -> Result<Verdict, Verdict> {
    document.expected.compare(shown).map_err(exception)?;
    Ok(Verdict::Done(TargetRef { detail: document.expected.detail(shown), ..reference(shown) }))
}

/// A draft that does not say what the receipt says is not submitted, and stays for a look.
fn left_as_draft((class, reason): map::Unfit, draft: &Value) -> Verdict {
    let name = draft["name"].as_str().unwrap_or_default();
    let reason = format!(
        "{reason}. It is a draft and nothing was posted: mend the cause, delete {name}, then retry"
    );
    exception((class, reason))
}

fn no_change() -> TargetRef {
    TargetRef { id: String::new(), name: NO_CHANGE.to_owned(), detail: Value::Null }
}

pub(super) fn docstatus(shown: &Value) -> u64 {
    shown["docstatus"].as_u64().unwrap_or_default()
}

fn reference(shown: &Value) -> TargetRef {
    let name = shown["name"].as_str().unwrap_or_default().to_owned();
    TargetRef { id: name.clone(), name, detail: Value::Null }
}

//! Masks card data in an event that an input has read from a source which cannot be asked.
//!
//! Goes over the whole event as JSON, so that no field is forgotten, and reads it back: a masked
//! field is still a field. Does not decide what card data is: the guard does.

use protocol::envelope::Draft;
use protocol::id::{EventId, Text};
use protocol::problem::{Code, Problem};
use protocol::record::Scrubbed;
use uuid::Uuid;

use super::guard::{CardData, Guard};

/// Masks a draft in place; returns the places.
pub(super) fn scrub(guard: &Guard, draft: &mut Draft) -> Result<Vec<Scrubbed>, Problem> {
    let stated = draft.id;
    // An identity that stands for none while the event is looked through.
    let event = draft.clone().into_event(stated.unwrap_or(EventId(Uuid::nil())));
    let json = event.to_json();
    let (masked, found) = guard.mask(&json).map_err(|refusal| refusal.problem())?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let clean = Draft::parse(masked.as_bytes()).map_err(|_| {
        let places: Vec<_> = found.iter().map(|found| found.path.as_str()).collect();
        let detail = format!(
            "card data stands in {}, where no masked number can stand in its place",
            places.join(", ")
        );
        Problem::new(Code::CardData, detail)
            .next("correct the mapping of this source so that the field is left out")
    })?;
    let unbalanced = std::mem::take(&mut draft.unbalanced);
    *draft = Draft { id: stated, unbalanced, ..clean };
    Ok(found.iter().map(scrubbed).collect())
}

fn scrubbed(found: &CardData) -> Scrubbed {
    let at = Text::new(found.path.chars().take(256).collect::<String>());
    let masked = Text::new(found.masked.chars().take(64).collect::<String>());
    Scrubbed {
        at: at.expect("a path of at most 256 characters"),
        masked: masked.expect("a masked number of at most 64 characters"),
    }
}

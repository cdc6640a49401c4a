//! From one document to one event, by a profile: pure.
//!
//! The POS's word stands: figures are carried as they are, and what does not add up is flagged.
//! Does not read files and knows no vendor.

mod basket;
mod head;
mod leftover;
mod line;
mod look;
mod retail;
mod tax;
mod tender;
mod till;

use protocol::envelope::Draft;
use protocol::event::Body;
use protocol::problem::Code;

use self::head::Head;
pub(super) use self::look::Fault;
use self::look::Look;
use super::Site;
use super::profile::names::DocumentKind;
use super::profile::{DocumentRule, Profile};
use super::xml::tree::{NodeId, Tree};

/// Parts of a document of an unknown kind that are named.
const PARTS_MAX: usize = 3;

/// What a document becomes.
pub(super) enum Mapped {
    /// An event.
    Event(Box<Draft>),
    /// Nothing, by the profile's word.
    Skipped(String),
}

/// Maps a document.
pub(super) fn map(tree: &Tree, profile: &Profile, site: &Site) -> Result<Mapped, Fault> {
    let look = Look { tree, profile, site };
    let rule = rule(look)?;
    let because = || rule.because.clone().unwrap_or_else(|| "the profile says so".to_owned());
    let draft = match rule.kind {
        DocumentKind::Skip => return Ok(Mapped::Skipped(because())),
        DocumentKind::Refuse => {
            let next = "have the POS export the document that it belongs to, or let a profile \
                        skip it (`[[documents]]`)";
            return Err(Fault::new(Tree::ROOT, because(), next));
        }
        DocumentKind::ByLines => retail::transaction(look, &Head::read(look)?, None)?,
        DocumentKind::Transaction(kind) => {
            retail::transaction(look, &Head::read(look)?, Some(kind))?
        }
        DocumentKind::Till(kind) => till::movement(look, &Head::read(look)?, kind)?,
    };
    Ok(Mapped::Event(Box::new(leftover::flagged(look, draft))))
}

/// What of a document nobody asked for, as places; at most `most`.
pub(super) fn not_understood(tree: &Tree, most: usize) -> Vec<String> {
    leftover::not_understood(tree, most)
}

fn rule<'a>(look: Look<'a>) -> Result<&'a DocumentRule, Fault> {
    let mut rules = look.profile.documents.iter();
    rules.find(|rule| look.leads_by(&rule.when, Tree::ROOT)).ok_or_else(|| {
        // What says something of the kind has parts of its own; the others are its head.
        let has_parts = |child: &NodeId| look.tree.children(*child).next().is_some();
        let held = look.tree.children(Tree::ROOT).filter(has_parts);
        let held: Vec<_> = held.map(|child| look.tree.name(child)).take(PARTS_MAX).collect();
        let held = look::shown(&held.join(", "));
        let detail = format!("the profile does not say what a document with `{held}` is");
        Fault::new(Tree::ROOT, detail, "add a rule for it to the profile (`[[documents]]`)")
    })
}

/// The event of a body.
fn draft(body: Body) -> Result<Draft, Fault> {
    Draft::of(body).map_err(|error| {
        let problem = error.problem();
        let at = problem.path.map(|path| format!("{path}: ")).unwrap_or_default();
        let next = "correct the document or the profile; `input test` shows what it makes of it";
        Fault::of(Code::UnreadableDocument, Tree::ROOT, format!("{at}{}", problem.detail), next)
    })
}

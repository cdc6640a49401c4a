//! Pages of a connection: `first` and `after`, `last` and `before`, `reverse`.
//!
//! One of `first` and `last` must be given, and a page has 250 objects at most (README, R64). Sorts
//! nothing: the list arrives in its order.

use serde_json::{Map, Value, json};

use super::Node;
use crate::limits::PAGE_MAX;
use crate::operations::Refusal;

/// A page.
#[derive(Debug)]
pub(crate) struct Page<'s> {
    pub(crate) nodes: Vec<Node<'s>>,
    has_next: bool,
    has_previous: bool,
}

impl<'s> Page<'s> {
    /// The page of a list that the arguments ask for.
    pub(crate) fn of(
        mut nodes: Vec<Node<'s>>,
        arguments: &Map<String, Value>,
    ) -> Result<Self, Refusal> {
        if arguments.get("reverse").and_then(Value::as_bool) == Some(true) {
            nodes.reverse();
        }
        let (first, last) = (size(arguments, "first")?, size(arguments, "last")?);
        let after = position(&nodes, arguments, "after")?;
        let before = position(&nodes, arguments, "before")?;
        let mut start = after.map_or(0, |after| after + 1);
        let mut end = before.unwrap_or(nodes.len()).max(start);
        match (first, last) {
            (None, None) => {
                return Err(Refusal {
                    message: "you must provide one of first or last".to_owned(),
                    code: "BAD_REQUEST",
                });
            }
            (Some(first), _) => end = end.min(start.saturating_add(first)),
            (None, Some(last)) => start = start.max(end.saturating_sub(last)),
        }
        let (has_next, has_previous) = (end < nodes.len(), start > 0);
        nodes.truncate(end);
        Ok(Self { nodes: nodes.split_off(start.min(end)), has_next, has_previous })
    }

    /// `PageInfo`.
    pub(crate) fn info(&self) -> Value {
        json!({
            "hasNextPage": self.has_next,
            "hasPreviousPage": self.has_previous,
            "startCursor": self.nodes.first().map(Node::cursor),
            "endCursor": self.nodes.last().map(Node::cursor),
        })
    }
}

fn size(arguments: &Map<String, Value>, name: &str) -> Result<Option<usize>, Refusal> {
    let Some(stated) = arguments.get(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let size = stated.as_u64().filter(|size| (1..=PAGE_MAX).contains(size));
    match size.and_then(|size| usize::try_from(size).ok()) {
        Some(size) => Ok(Some(size)),
        None => Err(Refusal {
            message: format!("{name} must be between 1 and {PAGE_MAX}"),
            code: "BAD_REQUEST",
        }),
    }
}

fn position(
    nodes: &[Node<'_>],
    arguments: &Map<String, Value>,
    name: &str,
) -> Result<Option<usize>, Refusal> {
    let Some(cursor) = arguments.get(name).and_then(Value::as_str) else {
        return Ok(None);
    };
    match nodes.iter().position(|node| node.cursor() == cursor) {
        Some(position) => Ok(Some(position)),
        None => Err(Refusal {
            message: "Invalid cursor for current pagination sort.".to_owned(),
            code: "BAD_REQUEST",
        }),
    }
}

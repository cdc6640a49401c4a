//! Selects fields from what a view resolved: objects, lists, pages and plain data.

use serde_json::{Map, Value, json};

use super::{Request, Selected, collect};
use crate::operations::{Refusal, not_simulated};
use crate::schema::arguments;
use crate::view::{Node, Page, Resolved, View};

/// The selection of fields from what a view resolved.
pub(super) struct Select<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) view: &'a View<'a>,
}

impl<'a> Select<'a> {
    pub(super) fn complete(
        &self,
        resolved: Resolved<'a>,
        fields: &Selected<'a>,
    ) -> Result<Value, Refusal> {
        match resolved {
            Resolved::Leaf(value) => Ok(value),
            Resolved::Json(value) => self.json(&value, fields),
            Resolved::Object(node) => self.object(&node, fields),
            Resolved::List(nodes) => self.list(&nodes, fields),
            Resolved::Page(page) => self.page(&page, fields),
        }
    }

    fn list(&self, nodes: &[Node<'a>], fields: &Selected<'a>) -> Result<Value, Refusal> {
        nodes.iter().map(|node| self.object(node, fields)).collect()
    }

    /// The fields selected on a type, by all the selections of its parent's field.
    fn below(&self, on: &str, fields: &Selected<'a>) -> Vec<(String, Selected<'a>)> {
        let mut collected = Vec::new();
        for field in fields {
            collect(self.request, on, &field.selection_set.selections, &mut collected);
        }
        collected
    }

    fn object(&self, node: &Node<'a>, fields: &Selected<'a>) -> Result<Value, Refusal> {
        let on = node.type_name();
        let mut object = Map::new();
        for (key, fields) in self.below(on, fields) {
            let Some(field) = fields.first() else {
                continue;
            };
            let value = if field.name == "__typename" {
                json!(on)
            } else {
                let arguments = arguments(field, self.request.variables)
                    .map_err(|message| Refusal { message, code: "argumentLiteralsIncompatible" })?;
                let resolved = node.field(self.view, &field.name, &arguments)?;
                self.complete(resolved, &fields)?
            };
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }

    /// A connection: `nodes`, `edges` and `pageInfo`.
    fn page(&self, page: &Page<'a>, fields: &Selected<'a>) -> Result<Value, Refusal> {
        let on = declared_type(fields);
        let mut object = Map::new();
        for (key, fields) in self.below(on, fields) {
            let name = fields.first().map_or("", |field| field.name.as_str());
            let value = match name {
                "__typename" => json!(on),
                "nodes" => self.list(&page.nodes, &fields)?,
                "edges" => self.edges(page, &fields)?,
                "pageInfo" => self.json(&page.info(), &fields)?,
                other => return Err(not_simulated(&format!("{on}.{other}"))),
            };
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }

    fn edges(&self, page: &Page<'a>, fields: &Selected<'a>) -> Result<Value, Refusal> {
        let on = declared_type(fields);
        let mut edges = Vec::new();
        for node in &page.nodes {
            let mut edge = Map::new();
            for (key, fields) in self.below(on, fields) {
                let value = match fields.first().map_or("", |field| field.name.as_str()) {
                    "cursor" => json!(node.cursor()),
                    "node" => self.object(node, &fields)?,
                    _ => json!(on),
                };
                edge.insert(key, value);
            }
            edges.push(Value::Object(edge));
        }
        Ok(Value::Array(edges))
    }

    /// Plain data: objects without arguments, such as amounts and user errors.
    fn json(&self, value: &Value, fields: &Selected<'a>) -> Result<Value, Refusal> {
        let whole = match value {
            Value::Array(items) => {
                return items.iter().map(|item| self.json(item, fields)).collect();
            }
            Value::Object(whole) => whole,
            leaf => return Ok(leaf.clone()),
        };
        let on = declared_type(fields);
        let below = self.below(on, fields);
        if below.is_empty() {
            // A scalar that is an object, such as `JSON`.
            return Ok(value.clone());
        }
        let mut object = Map::new();
        for (key, fields) in below {
            let name = fields.first().map_or("", |field| field.name.as_str());
            let selected = match (name, whole.get(name)) {
                ("__typename", _) => json!(on),
                (_, Some(part)) => self.json(part, &fields)?,
                (_, None) => return Err(not_simulated(&format!("{on}.{name}"))),
            };
            object.insert(key, selected);
        }
        Ok(Value::Object(object))
    }
}

/// The type that the schema gives the field.
fn declared_type<'d>(fields: &Selected<'d>) -> &'d str {
    fields.first().map_or("", |field| field.definition.ty.inner_named_type().as_str())
}

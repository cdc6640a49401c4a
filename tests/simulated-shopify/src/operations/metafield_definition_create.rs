//! `metafieldDefinitionCreate`: a definition with a name of its own per owner type.
//!
//! README, R40, R41. Deliberately without access settings, validations and pinning, which change nothing here.

use serde_json::Value;

use super::{Call, Payload, UserError};
use crate::ids::Kind;
use crate::records::MetafieldDefinition;
use crate::state::{State, namespace};

pub(super) fn apply(state: &mut State, call: &Call<'_>) -> Payload {
    let input = call.input("definition");
    let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (key, owner_type, kind) = (text("key"), text("ownerType"), text("type"));
    let namespace = namespace(input.get("namespace").and_then(Value::as_str));
    let refuse =
        |error: UserError| Payload::DefinitionCreate { definition: None, errors: vec![error] };
    // README, R40.
    if namespace.chars().count() < 3 {
        let message = "Namespace is too short (minimum is 3 characters)";
        return refuse(UserError::at(&["definition", "namespace"], message).with_code("TOO_SHORT"));
    }
    if key.chars().count() < 2 {
        let message = "Key is too short (minimum is 2 characters)";
        return refuse(UserError::at(&["definition", "key"], message).with_code("TOO_SHORT"));
    }
    if state.definition(&owner_type, &namespace, &key).is_some() {
        let message = format!(
            "Key is in use for {} metafields on the '{namespace}' namespace.",
            title_case(&owner_type)
        );
        return refuse(UserError::at(&["definition", "key"], message).with_code("TAKEN"));
    }
    state.definitions.push(MetafieldDefinition {
        id: state.numbers.next(Kind::MetafieldDefinition),
        name: text("name"),
        namespace,
        key,
        owner_type,
        kind,
        description: input.get("description").and_then(Value::as_str).map(str::to_owned),
    });
    Payload::DefinitionCreate { definition: state.definitions.len().checked_sub(1), errors: vec![] }
}

fn title_case(owner_type: &str) -> String {
    let mut text = owner_type.to_lowercase();
    if let Some(first) = text.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    text
}

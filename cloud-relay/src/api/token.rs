//! The operators' token: made at the first start, shown as `Authorization: Bearer …`.
//!
//! Knows one token for all operators; who did what is stated in each change. Does not log it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use protocol::problem::{Code, Problem};
use ring::rand::SecureRandom;
use subtle::ConstantTimeEq;

use super::{Api, answer};
use crate::files;
use crate::secret::Secret;

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;

/// Reads the token's file, or makes it.
///
/// # Errors
/// The file holds no token, or cannot be read or written.
pub fn read_or_make(file: &Path, random: &dyn SecureRandom) -> anyhow::Result<Secret> {
    let path = file.display();
    match std::fs::metadata(file) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut bytes = [0; TOKEN_BYTES];
            let drawn = random.fill(&mut bytes);
            drawn.map_err(|_| anyhow::anyhow!("draw random bytes for the operators' token"))?;
            files::write_private(file, format!("{}\n", hex::encode(bytes)).as_bytes())
                .with_context(|| format!("write the operators' token to `{path}`"))?;
        }
        Err(error) => {
            return Err(error).with_context(|| format!("look at the operators' token `{path}`"));
        }
    }
    Secret::from_file(file).context("read the operators' token (next: delete the file and restart)")
}

/// Lets a request through that shows the token.
pub(super) async fn require(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    if is_shown(&api.token, request.headers()) {
        return next.run(request).await;
    }
    let problem = Problem::new(Code::Unauthorised, "the operators' token is missing or wrong")
        .next("send `Authorization: Bearer` with the content of `operator.token`");
    let mut response = answer::refused(&problem);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn is_shown(token: &Secret, headers: &HeaderMap) -> bool {
    let stated = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let stated = stated.and_then(|value| value.split_once(' '));
    stated.is_some_and(|(scheme, shown)| {
        let is_same = bool::from(shown.trim().as_bytes().ct_eq(token.expose().as_bytes()));
        scheme.eq_ignore_ascii_case("bearer") && is_same
    })
}

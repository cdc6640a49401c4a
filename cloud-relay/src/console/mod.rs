//! The console: one page that says what is relayed, what waits and what needs a person.
//!
//! The page itself holds nothing: it is served to anyone who reaches the address, and its figures
//! come from the operators' API with the token that it asks for once and keeps until the tab is
//! closed. Everything it needs comes from here; no other host is spoken to.

use askama::Template;
use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::IntoResponse;
use axum::routing::get;
use protocol::id::TenantId;

/// What the page may do: its own script and style, and calls to the host it came from.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    tenant: &'a str,
    version: &'static str,
}

/// The routes.
pub fn router(tenant: &TenantId) -> Router {
    let page = Page { tenant: tenant.as_str(), version: env!("CARGO_PKG_VERSION") };
    let page = page.render().expect("the page has plain fields only");
    let script = include_str!("console.js");
    let style = include_str!("console.css");
    Router::new()
        .route("/", get(async move || served("text/html; charset=utf-8", page.clone())))
        .route("/console.js", get(async move || served("text/javascript; charset=utf-8", script)))
        .route("/console.css", get(async move || served("text/css; charset=utf-8", style)))
}

fn served(media_type: &'static str, body: impl IntoResponse) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A page of one version with the script of another would be wrong in silence.
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, body)
}

#[cfg(test)]
mod tests {
    //! The page is whole, and strict about where it comes from.

    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn fetched(path: &str) -> (String, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let router = router(&TenantId::new("acme").unwrap());
        let response = router.oneshot(request).await.unwrap();
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (policy, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_page_names_the_retailer_and_loads_from_its_own_host_only() {
        let (policy, page) = fetched("/").await;
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(page.contains("acme"));
        for path in ["/console.js", "/console.css"] {
            assert!(page.contains(&format!("\"{path}\"")), "{path}");
            let (policy, asset) = fetched(path).await;
            assert!(policy.starts_with("default-src 'none'") && !asset.is_empty());
            assert!(!asset.contains("http://") && !asset.contains("https://"), "{path}");
        }
        assert!(!page.contains("http://") && !page.contains("https://"));
        assert!(!page.contains(" style=") && !page.contains("onclick"), "the policy forbids both");
    }

    #[tokio::test]
    async fn every_element_that_the_script_fills_is_in_the_page() {
        let (_, page) = fetched("/").await;
        let script = include_str!("console.js");
        let names: Vec<_> = script
            .split("byId(\"")
            .skip(1)
            .filter_map(|rest| rest.split_once('"').map(|(name, _)| name))
            .collect();
        assert!(names.len() > 5, "{names:?}");
        for name in names {
            assert!(page.contains(&format!("id=\"{name}\"")), "{name}");
        }
    }
}

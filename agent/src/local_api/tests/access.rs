//! Who may ask what.

use super::*;

fn bare(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "localhost:7710")
}

fn empty(builder: axum::http::request::Builder) -> Request<Body> {
    builder.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn nothing_of_the_journal_is_shown_or_taken_without_the_token() {
    let agent = Agent::new();
    for (method, path) in [
        (Method::POST, "/v1/events"),
        (Method::GET, "/v1/status"),
        (Method::GET, "/metrics"),
        (Method::GET, "/v1/receipts/2/2026-11-23/1"),
        (Method::GET, "/v1/events/00000000-0000-0000-0000-000000000000"),
        (Method::GET, "/nowhere"),
    ] {
        for token in ["", "Bearer ", "Bearer a-token-of-the-test", "Basic a-token-of-the-tests"] {
            let request = bare(method.clone(), path)
                .extension(Peer::Local)
                .header(header::AUTHORIZATION, token);
            let answer = agent.answer(empty(request)).await;
            assert_eq!(answer.code(), "SK0008", "{method} {path} with `{token}`");
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
        }
    }
}

#[tokio::test]
async fn the_page_and_the_pulse_need_no_token_on_this_host_only() {
    let agent = Agent::new();
    for path in ["/", "/page.css", "/page.js", "/healthz", "/openapi.json"] {
        let here = bare(Method::GET, path).extension(Peer::Local);
        assert_eq!(agent.answer(empty(here)).await.status, StatusCode::OK, "{path}");
        let beyond = bare(Method::GET, path).extension(Peer::Beyond);
        assert_eq!(agent.answer(empty(beyond)).await.code(), "SK0008", "{path}");
        let unknown = bare(Method::GET, path);
        assert_eq!(agent.answer(empty(unknown)).await.code(), "SK0008", "{path}");
    }
    let beyond = request(Method::GET, "/healthz").extension(Peer::Beyond);
    assert_eq!(agent.answer(empty(beyond)).await.status, StatusCode::OK, "with the token it may");
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_refused_before_the_token_is_looked_at() {
    let agent = Agent::new();
    let with_host =
        |host: &str| Request::builder().uri("/").extension(Peer::Local).header(header::HOST, host);
    for host in ["evil.example.com", "127.0.0.1.evil.example", "localhost@evil.example", ""] {
        let answer = agent.answer(empty(with_host(host))).await;
        assert_eq!(answer.code(), "SK0009", "`{host}`");
    }
    for host in ["localhost", "LOCALHOST:7710", "127.0.0.1:7710", "[::1]:7710"] {
        assert_eq!(agent.answer(empty(with_host(host))).await.status, StatusCode::OK, "{host}");
    }
    let none = Request::builder().uri("/").extension(Peer::Local);
    assert_eq!(agent.answer(empty(none)).await.code(), "SK0009");
    let absolute = bare(Method::GET, "http://evil.example/").extension(Peer::Local);
    assert_eq!(agent.answer(empty(absolute)).await.code(), "SK0009");
}

#[tokio::test]
async fn a_page_of_another_site_may_not_call() {
    let agent = Agent::new();
    for origin in ["https://evil.example", "null", "http://localhost:1"] {
        let call = request(Method::GET, "/v1/status").header(header::ORIGIN, origin);
        assert_eq!(agent.answer(empty(call)).await.code(), "SK0009", "{origin}");
    }
    let own = request(Method::GET, "/v1/status").header(header::ORIGIN, "http://127.0.0.1:7710");
    assert_eq!(agent.answer(empty(own)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_pos_in_a_browser_may_call_from_its_allowed_origin() {
    let origin = "https://pos.example.com";
    let agent = Agent::with(|config| {
        config.local_api.allowed_origins.insert(origin.parse().unwrap());
    });
    let ask = bare(Method::OPTIONS, "/v1/events").header(header::ORIGIN, origin);
    let answer = agent.answer(empty(ask)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
    assert!(answer.headers.contains_key("access-control-allow-private-network"));
    let call = request(Method::GET, "/v1/status").header(header::ORIGIN, origin);
    let answer = agent.answer(empty(call)).await;
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn every_answer_forbids_guessing_and_keeping() {
    let agent = Agent::new();
    for path in ["/", "/v1/status", "/nowhere"] {
        let answer = agent.read(path).await;
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    }
}

#[tokio::test]
async fn problem_documents_of_access_look_as_they_are_documented() {
    let agent = Agent::new();
    let stranger = empty(bare(Method::GET, "/v1/status").extension(Peer::Local));
    insta::assert_json_snapshot!("unauthorised", agent.answer(stranger).await.problem());
    let foreign = request(Method::GET, "/").header(header::ORIGIN, "https://evil.example");
    insta::assert_json_snapshot!("foreign-origin", agent.answer(empty(foreign)).await.problem());
    insta::assert_json_snapshot!("not-found", agent.read("/v2/events").await.problem());
    let form = request(Method::POST, "/v1/events").header(header::CONTENT_TYPE, "text/plain");
    let answer = agent.answer(empty(form)).await;
    insta::assert_json_snapshot!("unsupported-media-type", answer.problem());
    let large = vec![b' '; protocol::limits::REQUEST_BYTES_MAX + 1];
    insta::assert_json_snapshot!("too-large", agent.post(large).await.problem());
}

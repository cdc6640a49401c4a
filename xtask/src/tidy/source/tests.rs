//! What is seen in a Rust file, and what is not mistaken for code.

use super::*;

fn read(path: &str, text: &str) -> Source {
    Source::parse(path, text).unwrap()
}

fn named(path: &str, text: &str) -> Vec<String> {
    read(path, text).names.iter().map(|name| name.segments.join("::")).collect()
}

#[test]
fn a_function_reaches_from_its_keyword_to_its_closing_brace() {
    let source = read(
        "agent/src/run.rs",
        "/// Doc.\npub async fn go<T>(x: [u8; { 1 }])\nwhere\n    T: Copy,\n{\n    inner();\n}\n\
         trait T { fn absent(&self); }\ntype F = fn(u8) -> u8;\n",
    );
    assert_eq!(source.functions, [Function { name: "go".to_owned(), lines: 2..=7 }]);
}

#[test]
fn paths_are_told_from_the_root_of_the_crate() {
    let path = "cloud-relay/src/connectors/shopify/map.rs";
    assert_eq!(named(path, "use crate::store::model::Row;"), ["store::model::Row"]);
    assert_eq!(
        named(path, "fn f() { super::client::call(); }"),
        ["connectors::shopify::client::call"]
    );
    assert_eq!(named(path, "use super::super::erp::X;"), ["connectors::erp::X"]);
    assert_eq!(named(path, "use self::inner::X;"), ["connectors::shopify::map::inner::X"]);
    assert_eq!(named("cloud-relay/src/lib.rs", "use crate::a;"), ["a"]);
}

#[test]
fn the_braces_of_an_import_are_several_paths() {
    let text = "use crate::{\n    dispatch::{self, lane::Step as S},\n    store::*,\n};";
    let source = read("cloud-relay/src/ingest/mod.rs", text);
    let told: Vec<_> =
        source.names.iter().map(|name| (name.segments.join("::"), name.line)).collect();
    assert_eq!(
        told,
        [
            ("dispatch".to_owned(), 2),
            ("dispatch::lane::Step".to_owned(), 2),
            ("store".to_owned(), 3)
        ]
    );
}

#[test]
fn an_inner_module_counts_for_super() {
    let text = "mod tests {\n    use super::X;\n    use super::super::Y;\n}";
    assert_eq!(named("agent/src/sync/batch.rs", text), ["sync::batch::X", "sync::Y"]);
}

#[test]
fn self_as_a_receiver_and_pub_crate_are_no_paths() {
    let text = "pub(crate) fn f(&self) { self.x(); }\npub(super) struct A;";
    assert_eq!(named("agent/src/run.rs", text), Vec::<String>::new());
}

#[test]
fn code_in_a_macro_call_is_seen() {
    let text = "fn f() { select! { x = crate::sync::go() => todo!() } }";
    assert_eq!(named("agent/src/run.rs", text), ["sync::go"]);
    let calls: Vec<_> =
        read("agent/src/run.rs", text).calls.into_iter().map(|call| call.text).collect();
    assert_eq!(calls, ["select", "todo"]);
}

#[test]
fn comments_and_texts_are_not_code() {
    let text = "// todo!() crate::sync::x\nconst A: &str = \"todo!() crate::sync::x\";";
    let source = read("agent/src/run.rs", text);
    assert!(source.calls.is_empty());
    assert!(source.names.is_empty());
    assert_eq!(source.literals[0].line, 2);
}

#[test]
fn lines_under_cfg_test_are_tests() {
    let text = "fn a() {}\n#[cfg(test)]\nuse crate::{b, c};\n#[cfg(test)]\nmod tests {\n    fn d() \
                {}\n}\nfn e() {}\n";
    let source = read("agent/src/run.rs", text);
    assert_eq!(source.tests, [2..=3, 4..=7]);
    assert_eq!(source.lines_without_tests(), 2);
}

#[test]
fn a_const_function_under_cfg_test_ends_at_its_brace() {
    let source = read("agent/src/run.rs", "#[cfg(test)]\nconst fn a() {\n}\nconst B: u8 = 1;\n");
    assert_eq!(source.tests, [1..=3]);
}

#[test]
fn a_test_module_in_its_own_file_is_named() {
    let source = read("agent/src/sync/mod.rs", "#[cfg(test)]\npub(crate) mod conformance;");
    assert_eq!(source.test_modules, [["sync", "conformance"]]);
    let after = read("agent/src/sync/mod.rs", "#[cfg(test)]\nuse crate::a;\nmod policy;");
    assert!(after.test_modules.is_empty());
}

#[test]
fn what_is_only_perhaps_a_test_is_none() {
    for condition in ["not(test)", "any(test, windows)"] {
        let text = format!("#[cfg({condition})]\nmod a;");
        assert!(read("agent/src/lib.rs", &text).tests.is_empty(), "{condition}");
    }
}

#[test]
fn what_is_not_rust_says_so() {
    assert!(Source::parse("agent/src/run.rs", "fn f( {").is_err());
}

//! Claims about files with an event a line.

use super::*;

const SALE: &str = include_str!("../../../../docs/examples/sale.json");

fn read(text: &str) -> (Vec<Document>, Result<(), Unreadable>) {
    let mut documents = Vec::new();
    let mut deliver = |document| {
        documents.push(document);
        ControlFlow::Continue(())
    };
    let decoded = Events.decode(&mut text.as_bytes(), &mut deliver);
    (documents, decoded)
}

fn sale() -> String {
    let value: serde_json::Value = serde_json::from_str(SALE).unwrap();
    value.to_string()
}

#[test]
fn each_line_is_an_event_and_empty_lines_are_none() {
    let (documents, decoded) = read(&format!("{}\r\n\n{}", sale(), sale()));
    assert!(decoded.is_ok());
    let lines: Vec<_> = documents.iter().map(|document| document.place.line).collect();
    assert_eq!(lines, [1, 3]);
    assert!(documents.iter().all(|document| matches!(document.content, Content::Event(_))));
}

#[test]
fn a_line_that_is_no_event_is_refused_and_the_next_one_is_read() {
    let (documents, decoded) = read(&format!("{{\"type\":1}}\n{}\n", sale()));
    assert!(decoded.is_ok());
    assert!(matches!(&documents[0].content, Content::Refused(problem) if problem.code == "SK0002"));
    assert!(matches!(documents[1].content, Content::Event(_)));
}

#[test]
fn a_line_without_end_is_not_kept_in_memory() {
    let (documents, decoded) = read(&"x".repeat(2 * EVENT_BYTES_MAX));
    let problem = decoded.unwrap_err().problem;
    assert_eq!((documents.len(), problem.code.as_str()), (0, "SK0005"));
}

//! The person at the terminal, or whoever reads the output.
//!
//! Does not decide what is asked.

use std::io::{BufRead, IsTerminal, Write};

/// Where a command speaks and asks.
pub trait Console {
    /// Says a line to whoever reads the output.
    fn say(&mut self, line: &str);
    /// Says a line that is no output.
    fn warn(&mut self, line: &str);
    /// Whether somebody is there to answer.
    fn has_person(&self) -> bool;
    /// Asks; an empty answer means the default. None at the end of the input.
    fn ask(&mut self, question: &str) -> Option<String>;
}

/// Standard input, output and error.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terminal;

impl Console for Terminal {
    fn say(&mut self, line: &str) {
        // Nobody reads it any more: the exit code says it too.
        drop(writeln!(std::io::stdout(), "{line}"));
    }

    fn warn(&mut self, line: &str) {
        drop(writeln!(std::io::stderr(), "{line}"));
    }

    fn has_person(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    fn ask(&mut self, question: &str) -> Option<String> {
        let mut error = std::io::stderr();
        let mut line = String::new();
        let asked = write!(error, "{question} ").and_then(|()| error.flush());
        let read = asked.and_then(|()| std::io::stdin().lock().read_line(&mut line));
        match read {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim().to_owned()),
        }
    }
}

/// A question that is answered with yes or no.
pub(super) fn agrees(console: &mut dyn Console, question: &str, default: bool) -> bool {
    let choice = if default { "[Y/n]" } else { "[y/N]" };
    match console.ask(&format!("{question} {choice}")).unwrap_or_default().to_lowercase().as_str() {
        "y" | "yes" => true,
        "" => default,
        _ => false,
    }
}

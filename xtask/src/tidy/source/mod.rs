//! What the rules ask of one Rust file, found in its tokens.
//!
//! Tokens and not lines, so that a comment or a text is never taken for code; tokens and not a
//! syntax tree, so that what stands inside a macro call is seen like everything else. Does not
//! resolve names beyond `crate`, `self` and `super`.

mod names;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;
use std::str::FromStr;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A function that has a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// From the line of `fn` to that of the closing brace.
    pub(crate) lines: RangeInclusive<usize>,
}

/// A path into the same crate, such as `crate::store::model`, from the crate's root.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

/// An attribute: its identifiers in order, such as `cfg test`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) words: Vec<String>,
    pub(crate) line: usize,
}

/// A word or a literal of the code, with its line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// One Rust file.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// How many lines it has.
    pub(crate) lines: usize,
    pub(crate) functions: Vec<Function>,
    pub(crate) names: Vec<Name>,
    pub(crate) attributes: Vec<Attribute>,
    /// The macros that are called, by their last name.
    pub(crate) calls: Vec<Word>,
    /// Literals as they are written, with their quotes.
    pub(crate) literals: Vec<Word>,
    /// The lines of what stands under `#[cfg(test)]`.
    pub(crate) tests: Vec<RangeInclusive<usize>>,
    /// Modules under `#[cfg(test)]` that stand in files of their own, from the crate's root.
    pub(crate) test_modules: Vec<Vec<String>>,
}

impl Source {
    /// Reads a file. `path` tells the module that it is.
    ///
    /// # Errors
    /// The text is not made of Rust's tokens; the reason is for a person.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, String> {
        let tokens = TokenStream::from_str(text).map_err(|error| error.to_string())?;
        let mut source = Self { lines: text.lines().count(), ..Self::default() };
        source.walk(tokens, &names::module_of(path));
        Ok(source)
    }

    /// The lines that are no tests.
    pub(crate) fn lines_without_tests(&self) -> usize {
        let of_tests = |line: &usize| self.tests.iter().any(|lines| lines.contains(line));
        (1..=self.lines).filter(|line| !of_tests(line)).count()
    }

    fn walk(&mut self, tokens: TokenStream, module: &[String]) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = self.step(&tokens, at, module);
        }
    }

    /// Notes what begins at one token and says where to go on.
    fn step(&mut self, tokens: &[TokenTree], at: usize, module: &[String]) -> usize {
        match &tokens[at] {
            TokenTree::Punct(punct) if punct.as_char() == '#' => self.attribute(tokens, at, module),
            TokenTree::Ident(word) => {
                let word = word.to_string();
                match word.as_str() {
                    "fn" => self.function(tokens, at),
                    "mod" => {
                        if let Some((name, body)) = inline_module(tokens, at) {
                            let inner: Vec<_> = module.iter().cloned().chain([name]).collect();
                            self.walk(body.stream(), &inner);
                            return at + 3;
                        }
                    }
                    "crate" | "self" | "super" if !after_colon(tokens, at) => {
                        self.names.extend(names::read(tokens, at, module));
                    }
                    _ if is_punct(tokens.get(at + 1), '!')
                        && matches!(tokens.get(at + 2), Some(TokenTree::Group(_))) =>
                    {
                        self.calls.push(Word { text: word, line: line_of(&tokens[at]) });
                    }
                    _ => {}
                }
                at + 1
            }
            TokenTree::Literal(literal) => {
                self.literals.push(Word { text: literal.to_string(), line: line_of(&tokens[at]) });
                at + 1
            }
            TokenTree::Group(group) => {
                self.walk(group.stream(), module);
                at + 1
            }
            TokenTree::Punct(_) => at + 1,
        }
    }

    fn function(&mut self, tokens: &[TokenTree], at: usize) {
        // Without a name it is the type of a function pointer.
        let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else { return };
        let end = tokens[at..].iter().find(|token| ends_item(token));
        let Some(TokenTree::Group(body)) = end else { return };
        let lines = line_of(&tokens[at])..=body.span_close().end().line;
        self.functions.push(Function { name: name.to_string(), lines });
    }

    fn attribute(&mut self, tokens: &[TokenTree], at: usize, module: &[String]) -> usize {
        let inner = is_punct(tokens.get(at + 1), '!');
        let after = if inner { at + 2 } else { at + 1 };
        let Some(TokenTree::Group(group)) = tokens.get(after) else { return at + 1 };
        if group.delimiter() != Delimiter::Bracket {
            return at + 1;
        }
        let words = identifiers(group.stream());
        if is_cfg_test(&words) {
            if inner {
                self.tests.push(1..=self.lines);
            } else {
                self.test_item(tokens, after + 1, module, line_of(&tokens[at]));
            }
        }
        self.attributes.push(Attribute { words, line: line_of(&tokens[at]) });
        after + 1
    }

    /// Notes the lines of the item that begins at `at`, which stands under `#[cfg(test)]`.
    fn test_item(&mut self, tokens: &[TokenTree], at: usize, module: &[String], first: usize) {
        let rest = &tokens[at..];
        let to_semicolon = holds_braces(rest);
        let ends = |token: &TokenTree| {
            if to_semicolon { is_punct(Some(token), ';') } else { ends_item(token) }
        };
        let Some(end) = rest.iter().position(ends) else { return };
        self.tests.push(first..=rest[end].span().end().line);
        // `mod name;` at the end of what may begin with `pub(crate)`.
        if let [.., keyword, TokenTree::Ident(name), semicolon] = &rest[..=end]
            && is_word(Some(keyword), "mod")
            && is_punct(Some(semicolon), ';')
        {
            self.test_modules.push(module.iter().cloned().chain([name.to_string()]).collect());
        }
    }
}

/// Whether the item that begins here ends at a semicolon and may hold braces before it.
fn holds_braces(item: &[TokenTree]) -> bool {
    const KEYWORDS: [&str; 5] = ["use", "static", "const", "type", "let"];
    let head = item.iter().take_while(|token| !ends_item(token));
    let words: Vec<_> = head.filter(|token| matches!(token, TokenTree::Ident(_))).collect();
    let keyword = words.iter().find(|word| !is_word(Some(word), "pub"));
    KEYWORDS.iter().any(|wanted| is_word(keyword.copied(), wanted))
        && !words.iter().any(|word| is_word(Some(word), "fn"))
}

/// `mod name { ... }` at this place.
fn inline_module(tokens: &[TokenTree], at: usize) -> Option<(String, &Group)> {
    match (tokens.get(at + 1)?, tokens.get(at + 2)?) {
        (TokenTree::Ident(name), TokenTree::Group(body))
            if body.delimiter() == Delimiter::Brace =>
        {
            Some((name.to_string(), body))
        }
        _ => None,
    }
}

/// Only for tests: not where it is one of several conditions, nor where it is turned round.
fn is_cfg_test(words: &[String]) -> bool {
    let has = |word: &str| words.iter().any(|other| other == word);
    words.first().is_some_and(|word| word == "cfg") && has("test") && !has("not") && !has("any")
}

/// Every identifier, in order, at any depth.
fn identifiers(tokens: TokenStream) -> Vec<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(word) => vec![word.to_string()],
            TokenTree::Group(group) => identifiers(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => Vec::new(),
        })
        .collect()
}

fn ends_item(token: &TokenTree) -> bool {
    is_punct(Some(token), ';')
        || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

fn after_colon(tokens: &[TokenTree], at: usize) -> bool {
    at.checked_sub(1).is_some_and(|before| is_punct(tokens.get(before), ':'))
        && at.checked_sub(2).is_some_and(|before| is_punct(tokens.get(before), ':'))
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_word(token: Option<&TokenTree>, wanted: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(word)) if word == wanted)
}

fn line_of(token: &TokenTree) -> usize {
    token.span().start().line
}

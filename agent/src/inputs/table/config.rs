//! How a table is written, as the section `[file]` of its mapping says it.

use std::sync::Arc;

use serde::Deserialize;

use super::encoding::Encoding;
use crate::inputs::mapping::{ColumnName, Columns};

/// Rows that may stand behind the last receipt: a footer is short.
const FOOTER_ROWS_MAX: usize = 1_000;

/// Columns of one row.
const COLUMNS_MAX: usize = 2_000;

/// The section `[file]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSettings {
    format: FormatName,
    #[serde(default = "utf_8")]
    encoding: String,
    #[serde(default = "comma")]
    delimiter: String,
    #[serde(default = "double_quote")]
    quote: String,
    #[serde(default)]
    header: bool,
    #[serde(default)]
    skip_first: usize,
    #[serde(default)]
    skip_last: usize,
    #[serde(default)]
    line_breaks: bool,
    #[serde(default)]
    columns: Vec<ColumnSetting>,
    /// Columns of single kinds of row, where rows differ, by how they begin.
    #[serde(default)]
    layouts: Vec<LayoutSetting>,
    #[serde(default)]
    receipt: Vec<ColumnName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FormatName {
    Csv,
    Fixed,
}

/// A column: its name, and of a fixed width where it stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum ColumnSetting {
    Name(String),
    Cut(Cut),
}

/// A column of fixed width.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cut {
    name: String,
    /// Its first character, from 1.
    pub(super) from: usize,
    /// Its length.
    pub(super) length: usize,
}

/// The columns of rows that begin with a certain text.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct LayoutSetting {
    starts_with: String,
    columns: Vec<ColumnSetting>,
}

/// How a table is written.
#[derive(Debug)]
pub(super) struct File {
    pub(super) encoding: Encoding,
    pub(super) format: Format,
    /// Whether its first line names the columns.
    pub(super) header: bool,
    /// Lines before the header.
    pub(super) skip_first: usize,
    /// Rows after the last receipt.
    pub(super) skip_last: usize,
    /// Whether a cell in quotes may go on in the next line.
    pub(super) line_breaks: bool,
    /// The columns of all rows; none if the header names them.
    pub(super) layout: Option<Layout>,
    /// The columns of rows that begin with a certain text.
    pub(super) layouts: Vec<(String, Layout)>,
    /// The columns that are the same in all rows of one receipt.
    pub(super) receipt: Vec<ColumnName>,
}

/// What separates the cells of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// A delimiter.
    Csv {
        /// Between cells.
        delimiter: u8,
        /// Around a cell that may hold the delimiter; none if no sign does.
        quote: Option<u8>,
    },
    /// Their places.
    Fixed,
}

/// The columns of a row.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) columns: Arc<Columns>,
    /// Where they stand, if they have a fixed width.
    pub(super) cuts: Vec<Cut>,
}

/// What is wrong with the section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileError {
    pub(super) reason: String,
    pub(super) next: &'static str,
}

fn refuse(reason: impl Into<String>, next: &'static str) -> FileError {
    FileError { reason: reason.into(), next }
}

impl File {
    pub(super) fn new(settings: FileSettings) -> Result<Self, FileError> {
        let encoding = Encoding::named(&settings.encoding).ok_or_else(|| {
            refuse(
                format!("`{}` is no encoding that is known", settings.encoding),
                "use a name such as `utf-8`, `windows-1252`, `iso-8859-15`, `cp437` or `cp850`",
            )
        })?;
        let format = match settings.format {
            FormatName::Fixed => Format::Fixed,
            FormatName::Csv => Format::Csv {
                delimiter: sign(&settings.delimiter)?
                    .ok_or_else(|| refuse("`delimiter` is empty", "use `,`, `;`, `|` or `tab`"))?,
                quote: sign(&settings.quote)?,
            },
        };
        if settings.skip_last > FOOTER_ROWS_MAX {
            let reason = format!("`skip_last` is at most {FOOTER_ROWS_MAX}");
            return Err(refuse(reason, "give the rows of the footer a `[[row]]` with `skip`"));
        }
        let is_named =
            settings.header || !settings.columns.is_empty() || !settings.layouts.is_empty();
        if format == Format::Fixed && (settings.header || !is_named) {
            let next = "list `columns` with name, from and length; a header goes into `skip_first`";
            return Err(refuse("a file of fixed width needs its columns", next));
        }
        let common = match (settings.columns.is_empty(), settings.header) {
            (false, _) => Some(layout(settings.columns, format)?),
            (true, true) => None,
            (true, false) => {
                Some(Layout { columns: Arc::new(Columns::unnamed()), cuts: Vec::new() })
            }
        };
        let layouts = settings.layouts.into_iter();
        let layouts = layouts.map(|one| Ok((one.starts_with, layout(one.columns, format)?)));
        Ok(Self {
            encoding,
            format,
            header: settings.header,
            skip_first: settings.skip_first,
            skip_last: settings.skip_last,
            line_breaks: settings.line_breaks,
            layout: common,
            layouts: layouts.collect::<Result<_, FileError>>()?,
            receipt: settings.receipt,
        })
    }
}

fn layout(settings: Vec<ColumnSetting>, format: Format) -> Result<Layout, FileError> {
    if settings.len() > COLUMNS_MAX {
        return Err(refuse(format!("a row has at most {COLUMNS_MAX} columns"), "leave some out"));
    }
    let (mut names, mut cuts) = (Vec::new(), Vec::new());
    for column in settings {
        match (column, format) {
            (ColumnSetting::Name(name), Format::Csv { .. }) => names.push(name),
            (ColumnSetting::Cut(cut), Format::Fixed) if cut.from > 0 => {
                names.push(cut.name.clone());
                cuts.push(cut);
            }
            (ColumnSetting::Cut(_), Format::Fixed) => {
                return Err(refuse("`from` counts from 1", "use 1 for the first character"));
            }
            (ColumnSetting::Name(name), Format::Fixed) => {
                let next = "write it as `{ name = \"…\", from = 1, length = 8 }`";
                return Err(refuse(format!("column `{name}` has no place"), next));
            }
            (ColumnSetting::Cut(cut), Format::Csv { .. }) => {
                let reason = format!("column `{}` has a place, and the format is `csv`", cut.name);
                return Err(refuse(reason, "list the names alone, or use `format = \"fixed\"`"));
            }
        }
    }
    Ok(Layout { columns: Arc::new(Columns::new(names)), cuts })
}

/// A sign of ASCII; none for an empty text.
fn sign(text: &str) -> Result<Option<u8>, FileError> {
    match text.as_bytes() {
        [] => Ok(None),
        b"tab" => Ok(Some(b'\t')),
        [sign] if sign.is_ascii() => Ok(Some(*sign)),
        _ => Err(refuse(format!("`{text}` is no single sign"), "use one sign, or `tab`")),
    }
}

fn utf_8() -> String {
    "utf-8".to_owned()
}

fn comma() -> String {
    ",".to_owned()
}

fn double_quote() -> String {
    "\"".to_owned()
}

//! Which line of which file each row of a table comes from, and how that file was read.

use std::sync::Arc;

use super::Place;
use super::csv::{Csv, Format, Kind};

/// The file, and the lines of its rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    source: Option<Arc<Source>>,
    lines: Lines,
}

/// A file, and what its reader was told.
#[derive(Debug)]
struct Source {
    name: String,
    format: Format,
    texts: Texts,
}

/// The columns that hold text because somebody said so.
#[derive(Debug)]
enum Texts {
    /// The file says it of each.
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    All,
    Named(Vec<String>),
}

/// The line of each row.
#[derive(Debug, Clone, Default)]
enum Lines {
    /// Rows that are from no file.
    #[default]
    None,
    /// Row 0 is in this line, and each row in the line after the last one's.
    From(u64),
    /// One for each row.
    Listed(Vec<u64>),
}

impl Origin {
    /// Rows that are to come from a file.
    pub(super) fn file(name: &str, reader: &Csv<'_>) -> Self {
        let texts = reader.kinds.iter().filter(|(_, kind, _)| *kind == Kind::Text).map(|(name, ..)| name.clone());
        let source =
            Source { name: name.to_owned(), format: reader.format.clone(), texts: Texts::Named(texts.collect()) };
        Self { source: Some(Arc::new(source)), lines: Lines::None }
    }

    /// Rows from a file that says the types of its columns.
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(super) fn typed(name: &str) -> Self {
        let source = Source { name: name.to_owned(), format: Format::default(), texts: Texts::All };
        Self { source: Some(Arc::new(source)), lines: Lines::None }
    }

    /// How values stand in the file; none without a file.
    pub(super) fn format(&self) -> Option<&Format> {
        self.source.as_deref().map(|source| &source.format)
    }

    /// Whether a column of text is text because the reader found it so, not because it was told.
    pub(super) fn inferred(&self, name: &str) -> bool {
        self.source.as_deref().is_some_and(|source| match &source.texts {
            #[cfg(any(feature = "arrow", feature = "parquet"))]
            Texts::All => false,
            Texts::Named(texts) => !texts.iter().any(|text| text == name),
        })
    }

    /// The row number `row` is in `line`. Rows come in their order.
    pub(super) fn push(&mut self, row: usize, line: u64) {
        match &mut self.lines {
            Lines::None => self.lines = Lines::From(line),
            Lines::From(first) if *first + row as u64 == line => {}
            Lines::From(first) => {
                let lines = (*first..).take(row).chain([line]).collect();
                self.lines = Lines::Listed(lines);
            }
            Lines::Listed(lines) => lines.push(line),
        }
    }

    /// The rows at `indices`.
    pub(super) fn gather(&self, indices: &[usize]) -> Self {
        let lines = match &self.lines {
            Lines::None => Lines::None,
            Lines::From(first) => Lines::Listed(indices.iter().map(|&row| first + row as u64).collect()),
            Lines::Listed(lines) => Lines::Listed(indices.iter().map(|&row| lines[row]).collect()),
        };
        Self { source: self.source.clone(), lines }
    }

    /// The file.
    pub(super) fn source(&self) -> Place {
        Place { source: self.source.as_deref().map(|source| source.name.clone()), ..Place::default() }
    }

    /// The file, and where in it a row is.
    pub(super) fn place(&self, row: usize) -> Place {
        let line = match &self.lines {
            Lines::None => None,
            Lines::From(first) => Some(first + row as u64),
            Lines::Listed(lines) => lines.get(row).copied(),
        };
        Place { line, row: Some(row), ..self.source() }
    }
}

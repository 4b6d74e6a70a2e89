//! Text that fits the columns of a terminal: tables, and words in lines.

use std::io::{self, Write};

use crate::failure::harmless;
use crate::terminal::columns;

/// Columns of a label and what stands around it.
const LABEL: usize = 16;
/// What stands below a label that leaves no room beside it.
const INDENT: &str = "    ";

/// Where text goes, and how wide it may be.
pub(crate) struct Page<W> {
    pub(crate) out: W,
    columns: usize,
}

/// A table: the first column names what a row is about.
pub(crate) struct Table<const N: usize> {
    heads: [(&'static str, Side); N],
    rows: Vec<[String; N]>,
}

/// On which side of its column a cell stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(heads: [(&'static str, Side); N]) -> Table<N> {
        Table { heads, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, row: [String; N]) {
        self.rows.push(row);
    }

    fn widths(&self) -> Vec<usize> {
        let heads = self.heads.iter().map(|(head, _)| width(head));
        let widest = |at: usize, head: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell));
            cells.fold(head, usize::max)
        };
        heads.enumerate().map(|(at, head)| widest(at, head)).collect()
    }
}

impl<W: Write> Page<W> {
    pub(crate) fn new(out: W) -> Page<W> {
        Page { out, columns: columns() }
    }

    /// A line as it is.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// A label, and text beside it.
    pub(crate) fn row(&mut self, label: &str, text: &str) -> io::Result<()> {
        self.wrapped(&format!("  {label:<width$}", width = LABEL.saturating_sub(2)), text)
    }

    /// Text in lines, behind a label and below it.
    pub(crate) fn wrapped(&mut self, label: &str, text: &str) -> io::Result<()> {
        let text = harmless(text);
        self.filled(label, text.split(' ').filter(|word| !word.is_empty()))
    }

    /// A command, whose words are not broken: a path in quotes is one, with all its spaces.
    pub(crate) fn command(&mut self, label: &str, command: &str) -> io::Result<()> {
        let (mut inside, mut escaped) = (false, false);
        let end = move |c: char| {
            inside ^= c == '\'' && !escaped;
            escaped = c == '\\' && !escaped;
            c == ' ' && !inside
        };
        self.filled(label, command.split(end).filter(|word| !word.is_empty()))
    }

    /// A table; where it is too wide, the cells of each row one after the other.
    pub(crate) fn table<const N: usize>(&mut self, table: &Table<N>) -> io::Result<()> {
        let widths = table.widths();
        let whole =
            widths.iter().fold(widths.len().saturating_sub(1), |sum, width| sum.saturating_add(*width));
        if whole > self.columns {
            return table.rows.iter().try_for_each(|row| self.listed(&table.heads, row));
        }
        let heads = table.heads.map(|(head, _)| head.to_owned());
        for row in std::iter::once(&heads).chain(&table.rows) {
            let mut line = String::new();
            for ((cell, (_, side)), wanted) in row.iter().zip(&table.heads).zip(&widths) {
                let room = " ".repeat(wanted.saturating_sub(width(cell)));
                let (before, behind) = if *side == Side::Left { ("", &*room) } else { (&*room, "") };
                line.extend([before, cell, behind, " "]);
            }
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn listed<const N: usize>(&mut self, heads: &[(&str, Side); N], row: &[String; N]) -> io::Result<()> {
        let mut cells = heads.iter().zip(row);
        if let Some((_, name)) = cells.next() {
            writeln!(self.out, "{name}")?;
        }
        let cells: Vec<String> = cells
            .filter(|(_, cell)| !cell.is_empty())
            .map(|((head, _), cell)| format!("{head} {cell}"))
            .collect();
        self.wrapped(INDENT, &cells.join(", "))
    }

    fn filled<'w>(&mut self, label: &str, words: impl IntoIterator<Item = &'w str>) -> io::Result<()> {
        let mut before = label.to_owned();
        let beside = width(label) <= self.columns / 2;
        if !beside && !label.trim().is_empty() {
            writeln!(self.out, "{}", label.trim_end())?;
        }
        let indent = if beside { " ".repeat(width(label)) } else { INDENT.to_owned() };
        if !beside {
            before.clone_from(&indent);
        }
        let room = self.columns.saturating_sub(width(&before));
        let mut line = String::new();
        for word in words {
            let taken = width(&line);
            if taken > 0 && taken.saturating_add(width(word)) >= room {
                writeln!(self.out, "{before}{line}")?;
                line.clear();
                before.clone_from(&indent);
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        writeln!(self.out, "{before}{line}")
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

//! The picture in a terminal.

use std::collections::BTreeMap;
use std::io::{self, Write};

use bdbkit::ShowName;
use bdbkit::page_map::Cell;
use bdbkit::verify::Severity;

use super::{Picture, character, name};
use crate::output::counted;
use crate::terminal::columns;

/// The most lines of pages.
const LINES: usize = 60;
/// What stands before the pages of a line: the number of the first one.
const NUMBER: usize = 11;
/// A page with an error.
const DAMAGED: char = '!';
/// A page of no database.
const NOBODY: char = '-';
/// Databases that have a letter of their own; the others share one.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const MORE: char = '+';

pub(super) fn write(picture: &Picture<'_>, owners: bool, out: &mut impl Write) -> io::Result<()> {
    let cells = picture.map.cells();
    let width = columns().saturating_sub(NUMBER).max(1);
    let fold = cells.len().div_ceil(width.saturating_mul(LINES)).max(1);
    writeln!(out, "{}: {}", picture.path.shown(), picture.summary())?;
    let shown = |cell: &Cell| if owners { owner(cell) } else { character(cell) };
    let errors: Vec<u32> = picture
        .worst()
        .iter()
        .filter(|(_, worst)| *worst == Severity::Error)
        .map(|(page, _)| *page)
        .collect();
    let mut used: BTreeMap<char, String> = BTreeMap::new();
    let mut damaged = 0usize;
    let step = width.saturating_mul(fold);
    for (line, pages) in cells.chunks(step).enumerate() {
        let first = line.saturating_mul(step);
        write!(out, "{first:>9}  ")?;
        for (place, part) in pages.chunks(fold).enumerate() {
            let start = first.saturating_add(place.saturating_mul(fold));
            let wrong = (start..start.saturating_add(part.len()))
                .filter(|page| u32::try_from(*page).is_ok_and(|page| errors.binary_search(&page).is_ok()))
                .count();
            damaged = damaged.saturating_add(wrong);
            let most = || frequent(part, shown);
            write!(out, "{}", if wrong > 0 { DAMAGED } else { most() })?;
        }
        writeln!(out)?;
        for cell in pages {
            let words = || match cell.database {
                _ if !owners => words(cell).to_owned(),
                Some(number) => picture.database(number.into()),
                None => "no database".to_owned(),
            };
            used.entry(shown(cell)).or_insert_with(words);
        }
    }
    writeln!(out)?;
    for (sign, words) in &used {
        let words = if *sign == MORE { "other databases" } else { words };
        writeln!(out, "  {sign}  {words}")?;
    }
    if damaged > 0 {
        writeln!(
            out,
            "  {DAMAGED}  damaged: {}, see bdbkit verify",
            counted(u64::try_from(damaged).unwrap_or(0), "page")
        )?;
    }
    if fold > 1 {
        writeln!(
            out,
            "each character stands for {fold} pages: for what most of them are, or one that is damaged"
        )?;
    }
    let count = |what: fn(&Cell) -> bool| cells.iter().filter(|cell| what(cell)).count();
    let sorts: [(usize, &str); 4] = [
        (count(|cell| cell.free), "on the free list"),
        (count(|cell| cell.database.is_none() && !cell.free && !cell.unwritten), "that nothing leads to"),
        (count(|cell| cell.deleted), "with deleted items"),
        (count(|cell| cell.remains), "with remains in unused space"),
    ];
    for (count, words) in sorts.iter().filter(|(count, _)| *count > 0) {
        writeln!(out, "{} {words}", counted(u64::try_from(*count).unwrap_or(0), "page"))?;
    }
    Ok(())
}

/// The letter of a database.
fn owner(cell: &Cell) -> char {
    let letter = |number: u16| LETTERS.chars().nth(number.into()).unwrap_or(MORE);
    cell.database.map_or(if cell.unwritten { '_' } else { NOBODY }, letter)
}

/// What all pages of a sign are: several kinds may share one.
fn words(cell: &Cell) -> &'static str {
    match character(cell) {
        'M' => "metadata",
        'I' => "internal",
        'D' => "duplicates",
        'H' => "hash bucket",
        _ => name(cell),
    }
}

/// The sign that most of some pages have; of several, the first.
fn frequent(cells: &[Cell], shown: impl Fn(&Cell) -> char) -> char {
    let mut counts: BTreeMap<char, usize> = BTreeMap::new();
    for cell in cells {
        let count = counts.entry(shown(cell)).or_default();
        *count = count.saturating_add(1);
    }
    let most = counts.values().copied().max().unwrap_or(0);
    cells.iter().map(&shown).find(|sign| counts.get(sign) == Some(&most)).unwrap_or(NOBODY)
}

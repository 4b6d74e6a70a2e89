//! The picture as one page of HTML: its data as text that is no markup, and a script that draws it.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bdbkit::verify::Severity;
use bdbkit::{Endianness, PageKind, PageNo, ShowName};
use serde::Serialize;

use super::writers::Writers;
use super::{FINDINGS, Picture};
use crate::failure::Failure;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// So many bytes of pages are in the picture.
const RAW: usize = 8 << 20;
/// So many pages have their header in the picture, and so long it is.
const HEADERS: usize = 1 << 16;
const HEADER: usize = 64;

/// What stands for a page of no known type, or of no database.
const UNKNOWN: u8 = u8::MAX;

/// Flags of a page.
mod flag {
    pub(super) const FREE: u8 = 1;
    pub(super) const DELETED: u8 = 2;
    pub(super) const REMAINS: u8 = 4;
    pub(super) const WARNING: u8 = 8;
    pub(super) const DAMAGED: u8 = 16;
    pub(super) const UNWRITTEN: u8 = 32;
}

/// What the script reads.
#[derive(Serialize)]
struct Data<'a> {
    file: String,
    summary: String,
    pages: usize,
    page_size: u32,
    little_endian: bool,
    overhead: usize,
    /// Whether it is of the 1.x series, whose pages are others.
    old: bool,
    kinds: Vec<&'static str>,
    databases: Vec<String>,
    findings: Vec<Found<'a>>,
    cells: String,
    lsns: String,
    header_length: usize,
    headers: String,
    raw_pages: Vec<u32>,
    raw: String,
    writers: Option<WriterData>,
}

#[derive(Serialize)]
struct Found<'a> {
    page: u32,
    offset: usize,
    severity: &'static str,
    rule: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct WriterData {
    names: Vec<&'static str>,
    kinds: String,
    txns: String,
}

pub(super) fn write(picture: &Picture<'_>, log: Option<&Path>, out: &mut impl Write) -> Result<(), Failure> {
    let cells = picture.map.cells();
    let meta = picture.db.meta();
    let size = meta.page_size().bytes();
    let writers = log.map(|log| Writers::of(log, cells)).transpose()?.map(|writers| WriterData {
        names: writers.names,
        kinds: STANDARD.encode(writers.kinds),
        txns: STANDARD.encode(little(writers.txns.iter().copied())),
    });
    let wrong: BTreeSet<u32> = picture.worst().iter().map(|(page, _)| *page).collect();
    let count = u32::try_from(cells.len()).unwrap_or(u32::MAX);
    let rest = (0..count).filter(|page| !wrong.contains(page));
    let raw_pages: Vec<u32> = wrong
        .iter()
        .copied()
        .filter(|page| *page < count)
        .chain(rest)
        .take(RAW.checked_div(size).unwrap_or(0))
        .collect();
    let bytes = |page: u32, len: usize| {
        let mut bytes = picture.map.bytes(PageNo(page)).unwrap_or_default();
        bytes.resize(len, 0);
        bytes
    };
    let raw: Vec<u8> = raw_pages.iter().flat_map(|page| bytes(*page, size)).collect();
    // All bytes of a small file are there already.
    let small = raw_pages.len() == cells.len();
    let headers: Vec<u8> =
        (0..count).take(if small { 0 } else { HEADERS }).flat_map(|page| bytes(page, HEADER)).collect();
    let kinds = (0..=u8::MAX).map_while(|byte| PageKind::from_byte(byte).map(PageKind::name));
    let findings = picture.findings().take(FINDINGS).map(|finding| Found {
        page: finding.page.0,
        offset: finding.offset,
        severity: finding.severity.name(),
        rule: finding.rule.id(),
        text: &finding.text,
    });
    let data = Data {
        file: picture.path.shown().to_string(),
        summary: picture.summary(),
        pages: cells.len(),
        page_size: meta.page_size().get(),
        little_endian: meta.endianness() == Endianness::Little,
        overhead: picture.map.overhead(),
        old: meta.is_series1(),
        kinds: kinds.collect(),
        databases: (0..picture.map.databases().len().min(UNKNOWN.into()))
            .map(|number| picture.database(number))
            .collect(),
        findings: findings.collect(),
        cells: STANDARD.encode(packed(picture)),
        lsns: STANDARD.encode(little(cells.iter().flat_map(|cell| [cell.lsn.file, cell.lsn.offset]))),
        header_length: HEADER,
        headers: STANDARD.encode(headers),
        raw_pages,
        raw: STANDARD.encode(raw),
        writers,
    };
    page(&data, out).map_err(Failure::from)
}

/// The page, with the data in it.
fn page(data: &Data<'_>, out: &mut impl Write) -> io::Result<()> {
    // Nothing in the data can end its element: it is JSON, in which a character may be written so.
    let data = serde_json::to_string(data)?.replace('<', "\\u003c");
    let mut rest = PAGE;
    for (place, text) in [("{{STYLE}}", STYLE), ("{{DATA}}", data.as_str()), ("{{SCRIPT}}", SCRIPT)] {
        let (before, behind) = rest.split_once(place).unwrap_or((rest, ""));
        out.write_all(before.as_bytes())?;
        out.write_all(text.as_bytes())?;
        rest = behind;
    }
    out.write_all(rest.as_bytes())
}

/// Numbers as bytes, the lowest first.
fn little(numbers: impl Iterator<Item = u32>) -> Vec<u8> {
    numbers.flat_map(u32::to_le_bytes).collect()
}

/// Four bytes for each page: its kind, how full it is, its database, and flags.
fn packed(picture: &Picture<'_>) -> Vec<u8> {
    let worst = picture.worst();
    let mut bytes = Vec::new();
    for (page, cell) in (0..).zip(picture.map.cells()) {
        let found = worst.binary_search_by_key(&page, |(page, _)| *page).ok().and_then(|at| worst.get(at));
        let flags = [
            (cell.free, flag::FREE),
            (cell.deleted, flag::DELETED),
            (cell.remains, flag::REMAINS),
            (found.is_some_and(|(_, worst)| *worst < Severity::Error), flag::WARNING),
            (found.is_some_and(|(_, worst)| *worst == Severity::Error), flag::DAMAGED),
            (cell.unwritten, flag::UNWRITTEN),
        ];
        bytes.push(cell.kind.map_or(UNKNOWN, PageKind::byte));
        bytes.push(cell.fill);
        bytes.push(cell.database.map_or(UNKNOWN, |number| u8::try_from(number).unwrap_or(UNKNOWN).min(254)));
        bytes.push(flags.iter().filter(|(set, _)| *set).fold(0, |all, (_, flag)| all | flag));
    }
    bytes
}

//! A row of a file as a row of a table.

use std::path::Path;

use bdbkit::rows::Row;
use bdbkit::salvage::Place;

use crate::failure::Failure;
use crate::json;
use crate::table::{Cell, Heading, Table};

/// The columns.
pub(super) const HEADING: Heading = Heading {
    table: "rows",
    row: "row",
    columns: &[
        "file",
        "database",
        "key",
        "key_text",
        "value",
        "value_text",
        "record",
        "page",
        "slot",
        "page_offset",
        "origin",
        "confidence",
        "remarks",
    ],
};

pub(super) fn write(path: &Path, row: &Row<'_>, table: &mut Table) -> Result<(), Failure> {
    let (key, value) = (row.key.as_deref(), row.value.as_deref());
    let (slot, offset) = match row.place {
        Place::Slot(slot) => (Some(slot), None),
        Place::Offset(offset) => (None, Some(offset)),
    };
    table.row(&[
        Cell::Text(json::name(row.partition.unwrap_or(path)).into()),
        Cell::text(row.database.map(json::raw_name)),
        Cell::bytes(key),
        Cell::text_of(key),
        Cell::bytes(value),
        Cell::text_of(value),
        Cell::number(row.record_number),
        Cell::number(Some(row.page.0)),
        Cell::number(slot),
        Cell::number(offset),
        Cell::text(Some(row.origin.name())),
        Cell::text(Some(row.confidence.name())),
        Cell::Texts(row.notes.iter().map(|note| note.to_string()).collect()),
    ])
}

//! What salvage finds besides the rows that are there.

use std::path::Path;

use super::{Job, Row};
use crate::salvage::{Key, Origin, Recovered, Salvage, Salvaged};

impl<E> Job<'_, '_, E> {
    /// Gives what salvage finds, if it is asked for: `all` of it, where the reader could give nothing.
    pub(super) fn remains(&mut self, all: bool) -> Result<(), E> {
        if !self.rows.deleted {
            return Ok(());
        }
        let salvage = Salvage::new(&self.rows.file).deleted(true);
        self.found(&salvage, None, all)?;
        for (path, part) in salvage.partitions() {
            match part {
                Ok(part) => self.found(&part, Some(&path), all)?,
                // The reader said so, if there was one.
                Err(error) if all => self.damaged(None, error)?,
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn found(&mut self, salvage: &Salvage<'_>, partition: Option<&Path>, all: bool) -> Result<(), E> {
        let survey = match salvage.survey() {
            Ok(survey) => survey,
            Err(error) => return self.damaged(None, error),
        };
        self.pages = self.pages.max(if all { survey.page_count() } else { 0 });
        for record in survey.records() {
            let label = record.database.label();
            let name = label.as_deref();
            let wanted = self.rows.database.as_deref().is_none_or(|wanted| name == Some(wanted));
            let besides = all || record.provenance.origin != Origin::Tree;
            if wanted && besides && self.rows.part.has(record.provenance.page, self.pages) {
                self.counts.remains = self.counts.remains.saturating_add(1);
                (self.look)(Ok(row(&record, name, partition)))?;
            }
        }
        Ok(())
    }
}

fn row<'r>(record: &'r Salvaged<'_>, database: Option<&'r [u8]>, partition: Option<&'r Path>) -> Row<'r> {
    let bytes = |found: &'r Recovered<'_>| found.bytes().map(|bytes| bytes.to_cow());
    let (key, record_number) = match &record.key {
        Key::Bytes(key) => (bytes(key), None),
        Key::Record(number) => (None, *number),
    };
    Row {
        database,
        key,
        value: bytes(&record.value),
        record_number,
        partition,
        page: record.provenance.page,
        place: record.provenance.place,
        origin: record.provenance.origin,
        confidence: record.confidence(),
        notes: record.notes,
    }
}

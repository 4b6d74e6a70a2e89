//! Values in external files: that each item leads to a file of its own in the folder of its database,
//! and that the file is there (other-releases, "Verification").

use super::finding::Rule;
use super::page::Context;
use crate::format::external::{Form, Holder, LENGTH, Numbers, wrong_length};
use crate::types::PageNo;

impl Context<'_, '_> {
    /// Checks an item that stands for an external file.
    pub(super) fn external(&self, no: PageNo, offset: usize, item: &[u8; LENGTH], holder: Holder) {
        let report = &self.report;
        let order = if holder == Holder::Heap { self.pages.body_order() } else { self.pages.order() };
        let late = self.meta.generation().has_late_externals();
        let form = if late { Form::Late } else { Form::Early };
        if holder == Holder::Heap && form == Form::Early && order != self.pages.order() {
            let text = "a record in an external file: how items for such stand in the order of another machine \
                        is not known";
            return report.error(Rule::HeapFlag, no, offset, text);
        }
        if let Some(found) = wrong_length(item, holder, order) {
            let text = format!("an item for an external file states a length of {found}");
            report.error(Rule::ItemLength, no, offset, text);
        }
        let numbers = Numbers::of(item, holder, form, order);
        let (at_id, at_size) = (form.id_at(holder), form.size_at(holder));
        let below = |number: u64| i64::try_from(number).is_ok();
        if numbers.id == 0 || !below(numbers.id) {
            let text = format!("external file {}: expected from 1 to below 2^63", numbers.id);
            return report.error(Rule::ExternalId, no, offset.saturating_add(at_id), text);
        }
        if !below(numbers.size) {
            let text = format!("a value of {} bytes, expected below 2^63", numbers.size);
            return report.error(Rule::ExternalId, no, offset.saturating_add(at_size), text);
        }
        let Some((folder, database)) = self.meta.external_folder() else {
            let text = "an item for an external file, but the database has no folder for such";
            return report.error(Rule::ExternalId, no, offset, text);
        };
        if (numbers.folder, numbers.database) != (folder, database.unwrap_or(0)) {
            let text = format!(
                "external file {} is said to be in folder {}, {}, the files of this database are in {folder}, {}",
                numbers.id,
                numbers.folder,
                numbers.database,
                database.unwrap_or(0)
            );
            return report.error(Rule::ExternalId, no, offset, text);
        }
        if !self.seen.file(numbers) {
            let text = format!("external file {} is that of another value too", numbers.id);
            report.error(Rule::ExternalId, no, offset.saturating_add(at_id), text);
            return;
        }
        self.external_file(no, offset, numbers);
    }

    fn external_file(&self, no: PageNo, offset: usize, numbers: Numbers) {
        let folder = self.pages.file().external_folder();
        if folder.is_known() {
            if let Err(error) = folder.open(numbers) {
                self.report.error(Rule::ExternalFile, no, offset, error.to_string());
            }
        } else if self.seen.misses_folder() {
            let text = "values are in external files, whose folder (__db_bl) was not found: whether they are \
                        there is not known";
            self.report.warning(Rule::ExternalFile, no, offset, text);
        }
    }
}

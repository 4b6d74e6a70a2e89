//! A file that gets shorter, on a disk that stops, or fails, at any operation.

#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub
)]

use std::path::Path;

use super::progress::Counter;
use super::*;
use crate::access::Database;
use crate::format::meta::{Field, Layout, at};
use crate::journal::{self, Identity, JournalError, Options, Outcome};
use crate::order::Endianness;
use crate::types::PageNo;
use crate::verify::Verify;

#[path = "../../tests/common/fake_disk.rs"]
mod fake_disk;

use fake_disk::{Crash, FakeDisk, Tried};

const FILE: &str = "/store/a.db";

/// Cuts the free pages at the end of a file off, all of those that it has.
#[derive(Debug)]
struct CutFree;

impl Operation for CutFree {
    fn name(&self) -> journal::Operation {
        journal::Operation::ResetFileId
    }

    fn may_change(&self) -> &'static [Reason] {
        &[Reason::Metadata]
    }

    fn prepare<'p>(
        &self,
        file: &'p Database<'_>,
        _: Option<Identity>,
        counter: Counter<'_>,
    ) -> Result<Prepared<'p>> {
        let notices = structure(file, false, counter)?;
        let (from, id, order) = (file.meta().version(), file.meta().file_id(), file.meta().endianness());
        let (draft, promise) = with_content(file, true, || {
            let mut draft = Draft::new(file.pages());
            if let Some(first) = file.meta().free() {
                draft.truncate(first.0, Reason::Metadata);
                draft.replace_u32(PageNo::META, file.meta().at(Field::Free), 0, Reason::Metadata);
                draft.replace_u32(PageNo::META, at::LAST_PGNO, first.0 - 1, Reason::Metadata);
            }
            Ok(draft)
        })?;
        Ok(Prepared { draft, promise, notices, options: Options::default(), order, from, to: from, id })
    }
}

/// A file with so many free pages at its end, and the same without them.
fn files(case: &str, free: u32) -> (Vec<u8>, Vec<u8>) {
    let new = std::fs::read(format!("testdata/{case}/data.db")).unwrap();
    let db = Database::from_bytes(&new[..]).unwrap();
    let (order, size, count) = (db.meta().endianness(), db.meta().page_size().bytes(), db.pages().count());
    assert!(db.meta().free().is_none());
    let layout = Layout::of_page(&new, order).unwrap();
    let mut old = new.clone();
    layout.put(&mut old, Field::Free, order, count);
    layout.put(&mut old, Field::LastPgno, order, count + free - 1);
    for no in count..count + free {
        let mut page = vec![0; size];
        order.put_u32(&mut page, 4, 1);
        order.put_u32(&mut page, 8, no);
        order.put_u32(&mut page, 16, if no + 1 < count + free { no + 1 } else { 0 });
        let short = u16::try_from(size).unwrap();
        page[22..24].copy_from_slice(&if order == Endianness::Big {
            short.to_be_bytes()
        } else {
            short.to_le_bytes()
        });
        old.extend(page);
    }
    assert_eq!(Verify::from_bytes(&old[..]).run().worst(), None);
    (old, new)
}

fn edit(disk: &FakeDisk) -> Edit<'_, FakeDisk, CutFree> {
    Edit::new(disk, [FILE], CutFree).ignore_logs(true).assume_closed(true)
}

fn cause(error: EditError) -> JournalError {
    match error {
        EditError::Journal(error) => error,
        EditError::Afterwards { cause: then, .. } => cause(*then),
        // Before there is a journal.
        _ => JournalError::Replaced { path: FILE.into() },
    }
}

/// What a run gave: `None` if it found nothing to do.
fn outcome(report: Report) -> Option<Outcome> {
    let file = &report.files[0];
    (file.changed() || file.leftover.is_some()).then_some(Outcome::Completed)
}

#[test]
fn a_file_that_gets_shorter_is_old_or_new_after_any_crash() {
    let mut tried = Tried::default();
    for (case, free) in [("btree-v9-le-one", 1), ("btree-v9-be-few", 5)] {
        let (old, new) = files(case, free);
        let disk = FakeDisk::with([(FILE, &old[..])]);
        let run = |disk: &FakeDisk| {
            disk.mark_at_first_sync(FILE);
            edit(disk).run().map(outcome).map_err(cause)
        };
        let settled = |settled: Settled| settled.files.into_iter().next().flatten();
        let resume = |disk: &FakeDisk| edit(disk).resume().map(settled).map_err(cause);
        let back = |disk: &FakeDisk| edit(disk).roll_back().map(settled).map_err(cause);
        let check = |disk: &FakeDisk, gave: &Option<Outcome>, marked: bool| {
            let found = disk.bytes(FILE).unwrap();
            match gave {
                Some(Outcome::Completed) => assert!(found == new, "not the new file"),
                Some(Outcome::RolledBack) => assert!(found == old, "not the old file"),
                Some(Outcome::Discarded) => assert!(found == old && !marked, "not the old file"),
                _ => assert!(found == new || (found == old && !marked), "a mixture, or forgotten"),
            }
        };
        let later: [(&str, fake_disk::Later<'_, Outcome>); 3] =
            [("runs again", &run), ("resumes", &resume), ("rolls back", &back)];
        let crash = Crash { disk: &disk, run: &run, later: &later, check: &check };
        tried +=
            if free == 1 { crash.at_every_point_and_some_later(4) } else { crash.at_every_first_point() };
        tried += crash.with_every_failure();
    }
    assert!(tried.points > 100 && tried.later_points > 50, "{tried:?}");
}

#[test]
fn a_plan_says_which_pages_are_cut_off() {
    let (old, new) = files("btree-v9-be-few", 5);
    let plan = edit(&FakeDisk::with([(FILE, &old[..])])).plan().unwrap().remove(0);
    assert_eq!((plan.pages_before - plan.pages_after, plan.changes().len()), (5, 6));
    let cut = plan.changes().filter(|change| change.page.0 >= plan.pages_after);
    assert!(cut.map(|change| change.reasons().collect::<Vec<_>>()).all(|why| why == [Reason::Metadata]));
    assert_eq!(in_memory(&CutFree, &old).unwrap().0, new);
    let copy = Path::new("/store/b.db");
    let disk = FakeDisk::with([(FILE, &old[..])]);
    edit(&disk).copy_to(copy).unwrap();
    assert_eq!(disk.bytes(copy), Some(new));
}

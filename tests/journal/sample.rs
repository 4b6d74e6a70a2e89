//! Changes of files whose pages hold bytes by chance.

use std::path::Path;

use bdbkit::journal::{
    BoxError, ContentSum, Contents, Disk, Estimate, Facts, Form, Journal, JournalError, Leftover, Operation,
    Options, Outcome, PageChange, Promise, Set, leftover,
};
use bdbkit::{Endianness, FileId, PageNo, PageSize};

use crate::fake_disk::{FakeDisk, FakeFile, Random};

/// A file before and after a change.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) order: Endianness,
    /// Byte order of the new file.
    pub(crate) target: Endianness,
    pub(crate) page_size: usize,
    pub(crate) old: Vec<u8>,
    pub(crate) new: Vec<u8>,
    /// The pages that change, in the order of the plan, page 0 last.
    pub(crate) plan: Vec<usize>,
    pub(crate) promise: Promise,
}

impl Sample {
    /// A file of so many pages, of which some change and to which some are added. Pages
    /// with even numbers change as a whole, those with odd ones in a few places.
    pub(crate) fn new(
        order: Endianness,
        page_size: usize,
        pages: usize,
        changed: &[usize],
        appended: usize,
    ) -> Sample {
        let mut random = Random((page_size + pages) as u64);
        let mut bytes = |pages: usize| -> Vec<u8> {
            std::iter::repeat_with(|| random.next().to_le_bytes()).flatten().take(pages * page_size).collect()
        };
        let old = sealed(order, 6, bytes(pages));
        let other = bytes(pages + appended);
        let mut new = [&old[..], &other[old.len()..]].concat();
        for page in changed {
            let start = page * page_size;
            let parts = [8..12, page_size / 2 - 3..page_size / 2 + 3, page_size - 1..page_size];
            let whole = 0..page_size;
            let whole = std::slice::from_ref(&whole);
            for part in if page % 2 == 0 { whole } else { &parts[..] } {
                let range = start + part.start..start + part.end;
                new[range.clone()].copy_from_slice(&other[range]);
            }
        }
        new[24..92].copy_from_slice(&other[24..92]);
        let new = sealed(order, 9, new);
        let plan = changed.iter().copied().chain(pages..pages + appended).chain([0]).collect();
        let promise = Promise::SamePairs(ContentSum { digest: [9; 32], pairs: 3 });
        Sample { order, target: order, page_size, old, new, plan, promise }
    }

    /// The same change, but the last pages are cut off.
    pub(crate) fn cut(mut self, pages: usize) -> Sample {
        let kept = self.old.len() / self.page_size - pages;
        assert!(self.old.len() == self.new.len() && self.plan.iter().all(|&page| page < kept));
        self.new.truncate(kept * self.page_size);
        self.plan.splice(..0, kept..kept + pages);
        self
    }

    /// The same change, and the new file has the other byte order.
    pub(crate) fn turned(mut self) -> Sample {
        self.target = match self.order {
            Endianness::Little => Endianness::Big,
            Endianness::Big => Endianness::Little,
        };
        self.new = sealed(self.target, 9, self.new);
        self
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts {
            operation: Operation::Upgrade,
            source_order: self.order,
            target_order: self.target,
            source_version: 6,
            target_version: 9,
            page_size: PageSize::new(self.page_size as u32).unwrap(),
            options: Options::default(),
            new_uid: FileId([7; 20]),
            promise: self.promise,
        }
    }

    pub(crate) fn estimate(&self) -> Estimate {
        let pages =
            |longer: &[u8], other: &[u8]| (longer.len().saturating_sub(other.len()) / self.page_size) as u64;
        let (appended, cut) = (pages(&self.new, &self.old), pages(&self.old, &self.new));
        Estimate { modified: self.plan.len() as u64 - appended - cut, appended, cut }
    }

    pub(crate) fn changes(&self) -> impl Iterator<Item = Result<PageChange<'_>, JournalError>> {
        self.plan.iter().map(|&page| {
            let range = page * self.page_size..(page + 1) * self.page_size;
            Ok(PageChange {
                page: PageNo(page as u32),
                before: self.old.get(range.clone()).map(Into::into),
                after: self.new.get(range).map(Into::into),
            })
        })
    }

    pub(crate) fn journal<'d, D: Disk>(
        &self,
        disk: &'d D,
        file: &'d D::File,
        path: impl AsRef<Path>,
    ) -> Result<Journal<'d, D>, JournalError> {
        Journal::write(disk, file, path.as_ref(), &self.facts(), self.estimate(), self.changes())
    }

    pub(crate) fn add_to<'d>(
        &self,
        set: &mut Set<'d, FakeDisk>,
        file: &'d FakeFile,
        path: &str,
    ) -> Result<(), JournalError> {
        set.write(file, Path::new(path), &self.facts(), self.estimate(), self.changes())
    }

    /// Accepts the new file, or the old one, and no other.
    pub(crate) fn check(&self, form: Form, contents: &Contents, facts: &Facts) -> Result<(), BoxError> {
        match form {
            Form::New => self.validate(contents, facts),
            Form::Old if contents[..] == self.old => Ok(()),
            Form::Old => Err("not the old file".into()),
        }
    }

    /// Accepts the new file and no other.
    pub(crate) fn validate(&self, contents: &Contents, facts: &Facts) -> Result<(), BoxError> {
        assert_eq!(*facts, self.facts());
        if contents[..] == self.new { Ok(()) } else { Err("not the new file".into()) }
    }
}

/// Gives the first page a magic number and a version.
fn sealed(order: Endianness, version: u32, mut bytes: Vec<u8>) -> Vec<u8> {
    let encode = |number: u32| match order {
        Endianness::Little => number.to_le_bytes(),
        Endianness::Big => number.to_be_bytes(),
    };
    bytes[12..16].copy_from_slice(&encode(0x0005_3162));
    bytes[16..20].copy_from_slice(&encode(version));
    bytes
}

/// What a later run does about a leftover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Resume,
    RollBack,
}

/// A later run: what became of the leftover, if there was one.
pub(crate) fn later(
    disk: &FakeDisk,
    path: &str,
    sample: &Sample,
    wish: Wish,
) -> Result<Option<Outcome>, JournalError> {
    let path = Path::new(path);
    let file = disk.open_exclusive(path, false)?;
    let Some(leftover) = leftover(disk, &file, path)? else { return Ok(None) };
    settle(leftover, sample, wish).map(Some)
}

pub(crate) fn settle<D: Disk>(
    leftover: Leftover<'_, D>,
    sample: &Sample,
    wish: Wish,
) -> Result<Outcome, JournalError> {
    match wish {
        Wish::Resume => leftover.resume(|form, contents, facts| sample.check(form, contents, facts)),
        Wish::RollBack => leftover.roll_back(|form, contents, facts| sample.check(form, contents, facts)),
    }
}

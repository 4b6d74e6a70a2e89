//! What records do to pages (recovery, "Record actions" and the annex).

mod chains;
mod compact;
mod free;
mod hash;
mod heap;
mod items;
mod queue;
mod split;

use super::held::Held;
use super::release::Release;
use super::target::Target;
use super::turned;
use crate::format::edit::PageError;
use crate::format::page::PageKind;
use crate::format::seal::Seal;
use crate::format::swap;
use crate::log::record::decoded::Decoded;
use crate::log::schema::{Name, Op};
use crate::method::Method;
use crate::order::Endianness;
use crate::types::{Lsn, PageNo};

/// Forward or backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A record is applied.
    Redo,
    /// It is taken back.
    Undo,
}

use Way::{Redo, Undo};

/// Why a record cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// A page does not have what the record changes.
    #[error("page {page}: {why}")]
    Page {
        /// The page.
        page: PageNo,
        /// What is wrong.
        why: PageError,
    },
    /// A page is not there.
    #[error("page {0} is not there")]
    Missing(PageNo),
    /// A page is older than the record.
    #[error("page {page} has LSN {found}, older than {expected}: a change is missing")]
    Sequence {
        /// The page.
        page: PageNo,
        /// Its LSN.
        found: Lsn,
        /// The LSN that it had when the record was written.
        expected: Lsn,
    },
    /// A page is so far behind the end of the file that no record of the log can have made it.
    #[error("page {0} is far behind the end of the file")]
    Far(PageNo),
    /// The record asks for more pages or slots to be gone through than file and log can account for.
    #[error("it asks for more than the file and the log can account for")]
    Work,
    /// The record does not hold what such records do.
    #[error("its field {0} cannot be read")]
    Field(&'static str),
    /// It is not specified what such a record does.
    #[error("it is not known how {0} is recovered")]
    Unknown(&'static str),
}

/// What to do where a page that a record changes is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    /// It is made.
    Create,
    /// It is made, but by release 4.4 and later left out.
    CreateOnce,
    /// Recovery stops; by release 4.4 and later it is left out.
    Stop,
    /// It is left out.
    Skip,
}

/// A record that is applied to a file, or taken back.
pub(crate) struct Change<'c, 'a> {
    pub(crate) record: &'c Decoded<'a>,
    pub(crate) way: Way,
    pub(crate) release: Release,
    /// Whether the faults of the release are repeated.
    pub(crate) strict: bool,
    pub(crate) file: &'c mut Target,
    /// The metadata page of the database.
    pub(crate) meta: PageNo,
    /// The access method of the database.
    pub(crate) method: Method,
    /// Whether a tree counts its records, as the database says.
    pub(crate) counts: bool,
    /// The byte orders of the numbers, the items and the page images of the record.
    pub(crate) items: Endianness,
    pub(crate) images: Endianness,
    /// That of the machine that wrote the log.
    pub(crate) machine: Endianness,
    /// What was noticed, for the report.
    pub(crate) notes: Vec<String>,
    /// How many pages were changed.
    pub(crate) applied: u64,
}

type Done = Result<(), Fault>;

impl<'a> Change<'_, 'a> {
    /// Applies the record, or takes it back.
    pub(crate) fn run(&mut self) -> Done {
        match self.record.op() {
            Op::Addrem => self.addrem(),
            Op::Adj => self.adj(),
            Op::Cdel => self.cdel(),
            Op::Repl => self.repl(),
            Op::Irep => self.irep(),
            Op::Ovref => self.ovref(),
            Op::Cadjust => self.cadjust(),
            Op::Root => self.root(),
            Op::Noop => self.noop(),
            Op::SplitPage => self.split_page(),
            Op::PgInit => self.pg_init(),
            Op::Big => self.big(),
            Op::Relink => self.relink(),
            Op::AddPage => self.add_page(),
            Op::Split => self.split(),
            Op::Rsplit => self.rsplit(),
            Op::PgAlloc => self.pg_alloc(),
            Op::PgFree | Op::PgFreedata => self.pg_free(),
            Op::PgNew => self.pg_new(),
            Op::PgSort => self.pg_sort(),
            Op::PgTrunc => self.pg_trunc(),
            Op::Realloc => self.realloc(),
            Op::Merge => self.merge(),
            Op::Pgno => self.moved(),
            Op::Metasub => self.metasub(),
            Op::Insdel => self.insdel(),
            Op::Newpage => self.newpage(),
            Op::Replace => self.hash_replace(),
            Op::SplitData => self.split_data(),
            Op::CopyPage => self.copy_page(),
            Op::Contract => self.contract(),
            Op::ChangeSlot => self.change_slot(),
            Op::MetaGroup => self.meta_group(),
            Op::GroupAlloc => self.group_alloc(),
            Op::NewPgno => self.new_pgno(),
            Op::SplitMeta => self.split_meta(),
            Op::Ovfl => self.ovfl(),
            Op::QamAdd => self.qam_add(),
            Op::QamDel | Op::QamDelext => self.qam_del(),
            Op::QamIncfirst => self.qam_incfirst(),
            Op::QamMvptr => self.qam_mvptr(),
            Op::QamInc => self.qam_inc(),
            Op::HeapAddrem => self.heap_addrem(),
            Op::HeapAlloc => self.heap_alloc(),
            Op::HeapTruncMeta => self.heap_trunc_meta(),
            Op::HeapTruncPage => self.heap_trunc_page(),
            Op::Curadj | Op::PgPrepare | Op::Debug => Ok(()),
            _ => Err(Fault::Unknown(self.record.record().name())),
        }
    }

    fn lsn_of_record(&self) -> Lsn {
        self.record.record().lsn()
    }

    fn n(&self, field: Name) -> Result<u32, Fault> {
        self.record.number(field).ok_or(Fault::Field(field.text()))
    }

    fn signed(&self, field: Name) -> Result<i32, Fault> {
        self.record.signed(field).ok_or(Fault::Field(field.text()))
    }

    fn lsn(&self, field: Name) -> Result<Lsn, Fault> {
        self.record.lsn(field).ok_or(Fault::Field(field.text()))
    }

    fn b(&self, field: Name) -> Result<&'a [u8], Fault> {
        self.record.bytes(field).ok_or(Fault::Field(field.text()))
    }

    /// A number of 16 bits: a slot, or an offset in a page.
    fn short(&self, field: Name) -> Result<u16, Fault> {
        u16::try_from(self.n(field)?).map_err(|_| Fault::Field(field.text()))
    }

    /// An operation: from log version 17 on a type of page stands beside it.
    fn opcode(&self) -> Result<u32, Fault> {
        let code = self.n(Name::opcode)?;
        Ok(if self.release >= Release::R50 { code >> 8 } else { code })
    }

    fn redo(&self) -> bool {
        self.way == Redo
    }

    /// Whether an LSN counts as none: release 4.2 looks at the number of the file only.
    fn is_zero(&self, lsn: Lsn) -> bool {
        lsn.file == 0 && (lsn.offset == 0 || matches!(self.release, Release::R41 | Release::R42))
    }

    /// The LSN of a page, if it exists. A page that is missing is made where that is to be.
    fn reach(&mut self, no: u32, missing: Missing) -> Result<Option<Lsn>, Fault> {
        if let Some(lsn) = self.file.lsn(no, self.release) {
            return Ok(Some(lsn));
        }
        let late = self.release >= Release::R43;
        match (self.way, missing) {
            (Undo, _) | (Redo, Missing::Skip) => Ok(None),
            (Redo, Missing::CreateOnce | Missing::Stop) if late => Ok(None),
            (Redo, Missing::Stop) => Err(Fault::Missing(PageNo(no))),
            (Redo, Missing::Create | Missing::CreateOnce) => {
                self.near(no)?;
                self.file.create(no, self.release);
                Ok(self.file.lsn(no, self.release))
            }
        }
    }

    /// A page that may exist, or be made.
    fn near(&self, no: u32) -> Done {
        if self.file.is_too_far(no) { Err(Fault::Far(PageNo(no))) } else { Ok(()) }
    }

    /// Goes through so many pages, one by one.
    fn go_through(&mut self, pages: u32) -> Done {
        if self.file.spend_pages(pages) { Ok(()) } else { Err(Fault::Work) }
    }

    /// Whether the record is for a page with this LSN (recovery, "The page-LSN rule").
    fn fits(&mut self, no: u32, found: Lsn, before: Lsn) -> Result<bool, Fault> {
        if self.way == Undo {
            return Ok(found == self.lsn_of_record());
        }
        if found == before {
            return Ok(true);
        }
        let page = PageNo(no);
        let unlogged =
            found.file == 0 && (found.offset == 1 || (found.offset == 0 && self.release >= Release::R43));
        if found > before || self.release == Release::R2 || (unlogged && self.release > Release::R32) {
            return Ok(false);
        }
        if self.release == Release::R32 {
            self.notes.push(format!(
                "{}: {}",
                self.record.record().lsn(),
                Fault::Sequence { page, found, expected: before }
            ));
            return Ok(false);
        }
        Err(Fault::Sequence { page, found, expected: before })
    }

    /// The LSN that a page has afterwards.
    fn after(&self, before: Lsn) -> Lsn {
        if self.redo() { self.lsn_of_record() } else { before }
    }

    /// Changes one page, if the record is for it as it is. Says whether it was.
    fn one(
        &mut self,
        no: u32,
        before: Lsn,
        missing: Missing,
        change: impl FnOnce(&mut Held, Way) -> Result<(), PageError>,
    ) -> Result<bool, Fault> {
        let Some(found) = self.reach(no, missing)? else { return Ok(false) };
        if !self.fits(no, found, before)? {
            return Ok(false);
        }
        self.touch(no, before, change)
    }

    /// Changes a page that exists, whatever its LSN.
    fn touch(
        &mut self,
        no: u32,
        before: Lsn,
        change: impl FnOnce(&mut Held, Way) -> Result<(), PageError>,
    ) -> Result<bool, Fault> {
        let (way, after) = (self.way, self.after(before));
        let Some(page) = self.file.change(no, self.release) else { return Ok(false) };
        change(page, way).map_err(|why| Fault::Page { page: PageNo(no), why })?;
        page.set_lsn(after);
        self.applied = self.applied.saturating_add(1);
        Ok(true)
    }

    /// The order of the file.
    fn order(&self) -> Endianness {
        self.file.head.map_or(Endianness::Little, |head| head.order)
    }

    /// What protects pages.
    fn seal(&self) -> Seal {
        self.file.head.map_or(Seal::None, |head| head.seal)
    }

    /// Where index arrays start.
    fn index(&self) -> usize {
        self.file.head.map_or(0, |head| head.index)
    }

    /// Size of a page in bytes.
    fn size(&self) -> usize {
        self.file.head.map_or(0, |head| head.size.bytes())
    }

    /// A page image, or the beginning of one, in the order of the file.
    fn image(&self, field: Name) -> Result<Vec<u8>, Fault> {
        let mut image = self.b(field)?.to_vec();
        self.turn(&mut image).ok_or(Fault::Field(field.text()))?;
        Ok(image)
    }

    /// As [`Change::image`], of a page of which the head and the items stand apart.
    fn assembled(&self, head: Name, items: Name) -> Result<Vec<u8>, Fault> {
        let (head, items) = (self.b(head)?, self.b(items)?);
        let mut image = vec![0; self.size()];
        let area = self.images.u16_at(head, crate::format::page::at::HF_OFFSET).unwrap_or(0);
        let area = if area == 0 { image.len() } else { usize::from(area) };
        let overflow = head.get(crate::format::page::at::TYPE) == Some(&PageKind::Overflow.byte());
        crate::format::edit::put(&mut image, 0, head);
        if !items.is_empty() {
            crate::format::edit::put(&mut image, if overflow { self.index() } else { area }, items);
        }
        self.turn(&mut image).ok_or(Fault::Field(Name::header.text()))?;
        Ok(image)
    }

    /// Puts an LSN on a page, if it exists.
    fn set_lsn(&mut self, no: u32, lsn: Lsn) {
        if let Some(page) = self.file.change(no, self.release) {
            page.set_lsn(lsn);
        }
    }

    /// Turns a page from the order of the log's images into that of the file.
    fn turn(&self, image: &mut [u8]) -> Option<()> {
        if self.images != self.order() {
            swap::page(image, self.index(), self.images)?;
        }
        if self.release == Release::R2 && !self.strict {
            turned::page(image, self.index(), self.order(), self.file.last().unwrap_or(0));
        }
        Some(())
    }

    /// An item of a page of this type in the order of the file: its head, and what follows.
    fn item(&self, kind: Option<PageKind>, head: &[u8], data: &[u8]) -> Vec<u8> {
        let mut item = [head, data].concat();
        if self.items != self.order() {
            if let Some(kind) = kind {
                swap::item(kind, &mut item);
            }
        }
        item
    }

    /// Type of the pages that a bucket has.
    fn bucket_kind(&self) -> PageKind {
        if self.release >= Release::R46 { PageKind::Hash } else { PageKind::HashUnsorted }
    }

    /// The level of a new page of this type.
    fn level_of(&self, kind: PageKind) -> u8 {
        let leaf = matches!(kind, PageKind::BtreeLeaf | PageKind::RecnoLeaf | PageKind::DuplicateLeaf);
        (leaf && self.release >= Release::R32).into()
    }

    /// A type of page that a record names.
    fn kind(&self, field: Name) -> Result<PageKind, Fault> {
        let byte = u8::try_from(self.n(field)?).ok();
        byte.and_then(PageKind::from_byte).ok_or(Fault::Field(field.text()))
    }
}

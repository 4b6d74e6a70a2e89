//! A record with its fields at hand, and the pages that it touches.

use super::{Record, RecordNote, Value};
use crate::log::schema::{Before, Name, Number, Op, PageOf, Part, RecordLayout};
use crate::order::Endianness;
use crate::types::{Lsn, PageNo};

/// No record has more fields.
const MOST: usize = 16;
/// Where a page says its own number.
const PAGE_NUMBER: usize = 8;

/// A record whose fields are read, once for all that is asked of it.
#[derive(Clone, Copy)]
pub(crate) struct Decoded<'a> {
    record: Record<'a>,
    layout: &'static RecordLayout,
    values: [Option<Value<'a>>; MOST],
}

/// A page that a record touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Touched {
    /// What the record does to it.
    pub(crate) part: Part,
    /// The page.
    pub(crate) page: PageNo,
    /// The LSN that it had before, where that is recorded.
    pub(crate) before: Option<Lsn>,
}

/// What a record does not say itself, and what its pages are read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// The metadata page of the database.
    pub(crate) meta: PageNo,
    /// The byte order of items.
    pub(crate) items: Endianness,
    /// The byte order of page images.
    pub(crate) images: Endianness,
}

impl<'a> Record<'a> {
    /// The record with its fields at hand.
    ///
    /// # Errors
    ///
    /// What keeps the fields from being read.
    pub(crate) fn decode(&self) -> Result<Decoded<'a>, RecordNote> {
        let mut values = [None; MOST];
        let (layout, _) = self.read(|place, value| {
            if let Some(to) = values.get_mut(place) {
                *to = Some(value);
            }
        })?;
        // Of a layout that did not fit, and has more fields.
        values.iter_mut().skip(layout.fields().len()).for_each(|value| *value = None);
        Ok(Decoded { record: *self, layout, values })
    }
}

impl<'a> Decoded<'a> {
    pub(crate) fn record(&self) -> &Record<'a> {
        &self.record
    }

    pub(crate) fn op(&self) -> Op {
        self.layout.op()
    }

    /// The log's number of the database that the record concerns.
    pub(crate) fn database(&self) -> Option<i32> {
        self.signed(Name::fileid)
    }

    pub(crate) fn value(&self, field: Name) -> Option<Value<'a>> {
        self.layout.place(field).and_then(|place| self.values.get(place)).copied().flatten()
    }

    pub(crate) fn number(&self, field: Name) -> Option<u32> {
        self.value(field).and_then(Value::bits)
    }

    pub(crate) fn signed(&self, field: Name) -> Option<i32> {
        self.value(field).and_then(Value::signed)
    }

    pub(crate) fn lsn(&self, field: Name) -> Option<Lsn> {
        self.value(field).and_then(Value::lsn)
    }

    pub(crate) fn bytes(&self, field: Name) -> Option<&'a [u8]> {
        self.value(field).and_then(Value::bytes)
    }

    /// A length in bytes.
    pub(crate) fn size(&self, field: Name) -> Option<usize> {
        match self.value(field)? {
            Value::Size(size) => usize::try_from(size).ok(),
            other => other.bits().and_then(|size| usize::try_from(size).ok()),
        }
    }

    /// The pages that the record touches. A number of 0 is that of the metadata page, or where
    /// a neighbour would stand that of none.
    pub(crate) fn touched(&self, around: Surroundings) -> impl Iterator<Item = Touched> + use<'a> {
        let decoded = *self;
        let pages = decoded.op().pages();
        let single = move |page: &PageOf| Some((page.part, decoded.page(page, around)?));
        let several = pages.iter().flat_map(move |page| decoded.listed(page, around));
        let first = move |place: usize, number: PageNo| {
            let mut before = pages.get(..place).unwrap_or_default().iter().filter_map(single);
            before.all(|(_, (other, _))| other != number)
        };
        let single = pages.iter().enumerate().filter_map(move |(place, page)| {
            let (part, (page, before)) = single(page)?;
            let none = page == PageNo::META && !matches!(part, Part::Own | Part::Meta | Part::Record);
            (!none && first(place, page)).then_some(Touched { part, page, before })
        });
        single.chain(several)
    }

    /// A page, and the LSN that it had; none if the layout has no such fields.
    fn page(&self, page: &PageOf, around: Surroundings) -> Option<(PageNo, Option<Lsn>)> {
        let number = match page.number {
            Number::At(field) => self.number(field)?,
            Number::AtOr(field, other) => self.number(field).unwrap_or(other),
            Number::AtOrOfDatabase(field) => self.number(field).unwrap_or(around.meta.0),
            Number::File(number) => number,
            Number::OfDatabase => around.meta.0,
            Number::OfImage(field) => around.images.u32_at(self.bytes(field)?, PAGE_NUMBER)?,
            Number::LastOf(first, count) => {
                self.number(first)?.wrapping_add(self.number(count)?.checked_sub(1)?)
            }
            Number::Bucket => self.bucket()?,
            Number::Listed(_) => return None,
        };
        let before = match page.before {
            Before::Lsn(field) => Some(self.lsn(field)?),
            Before::Image(field) => Some(lsn_at(self.bytes(field)?, around.images)?),
            Before::InList => return None,
            Before::Unrecorded => None,
        };
        Some((PageNo(number), before))
    }

    /// The first page of a new bucket. The pages for several may have been made at once: since
    /// 4.0 that is recorded; before, they were for each power of two.
    fn bucket(&self) -> Option<u32> {
        let (first, bucket) = (self.number(Name::pgno)?, self.number(Name::bucket)?);
        let several = match self.number(Name::newalloc) {
            Some(several) => several != 0,
            None => bucket.wrapping_add(1).is_power_of_two(),
        };
        Some(if several { first.wrapping_add(bucket) } else { first })
    }

    /// The pages of a list: those of releases up to 4.7 have a number and an LSN each, later
    /// ones the next number between. The former stand in the order of the machine.
    fn listed(&self, page: &PageOf, around: Surroundings) -> impl Iterator<Item = Touched> + use<'a> {
        let list = match page.number {
            Number::Listed(field) => self.bytes(field),
            _ => None,
        };
        let (size, lsn) = if self.op() == Op::PgSort { (12, 4) } else { (16, 8) };
        let order = if self.record.version() < 17 { around.items } else { self.record.endianness() };
        let part = page.part;
        list.unwrap_or_default().chunks_exact(size).filter_map(move |entry| {
            let page = PageNo(order.u32_at(entry, 0)?);
            Some(Touched { part, page, before: lsn_at(entry.get(lsn..)?, order) })
        })
    }
}

/// The LSN at the beginning of a page.
pub(crate) fn lsn_at(page: &[u8], order: Endianness) -> Option<Lsn> {
    let (file, offset) = order.u32_at(page, 0).zip(order.u32_at(page, 4))?;
    Some(Lsn { file, offset })
}

//! The entries of compressed databases, which stand for one record or more each
//! (database-format, "Compressed BTREEs", and the invariants of group X).

use std::borrow::Cow;
use std::cmp::Ordering;

use byteorder::ByteOrder;

use super::finding::Rule;
use super::order::Comparer;
use super::page::Held;
use super::tree::Tree;
use crate::format::chunk::{self, NoStep, Step};
use crate::pages::Allowance;
use crate::types::PageNo;

/// An entry: its key, if that is known, and its data.
pub(super) type Chunk<'c> = (Option<Held<'c>>, Held<'c>);

/// What was seen of the entries of a leaf so far.
#[derive(Default)]
pub(super) struct Records {
    /// The last record of the entry before, whose key may be unknown.
    last: Option<Record>,
    allowance: Option<Allowance>,
}

#[derive(Default)]
struct Record {
    key: Vec<u8>,
    data: Vec<u8>,
}

/// How two records stand to each other.
fn compare(before: (&[u8], &[u8]), after: (&[u8], &[u8])) -> Ordering {
    before.0.cmp(after.0).then_with(|| before.1.cmp(after.1))
}

impl Records {
    /// Other pairs stand between.
    pub(super) fn interrupt(&mut self) {
        self.last = None;
    }
}

impl<'c> Tree<'_, 'c, '_> {
    /// Whether the data of a pair stands for records.
    pub(super) fn is_compressed(&self) -> bool {
        self.context.meta.flags().compressed()
    }

    /// The bytes of an item; `None` if other checks say why they cannot be read.
    fn whole<O: ByteOrder>(&self, held: Held<'c>) -> Option<Cow<'c, [u8]>> {
        match held {
            Held::Plain(bytes) => Some(Cow::Borrowed(bytes)),
            held => self.compare.whole::<O>(held).map(Cow::Owned),
        }
    }

    /// Checks an entry that stands at an offset of a page.
    pub(super) fn chunk<O: ByteOrder>(
        &self,
        no: PageNo,
        offset: usize,
        (key, data): Chunk<'c>,
        records: &mut Records,
    ) {
        let report = &self.context.report;
        let bytes = self.whole::<O>(data);
        let first = key.map(|key| self.first_key::<O>(key));
        let (Some(bytes), Some(first)) = (bytes, first.unwrap_or(Some(Cow::Borrowed(&[])))) else {
            records.interrupt();
            return;
        };
        let allowance = records.allowance.get_or_insert_with(|| self.context.pages.unpacked_allowance());
        if matches!(data, Held::Chain { .. }) {
            allowance.add_chain(data.len());
        }
        let (mut at, mut ordered, mut beyond) = (0, self.context.order, None);
        let before = records.last.take();
        let mut record = Record { key: first.into_owned(), data: Vec::new() };
        let out_of_order = |at: usize, order: Ordering, same_key: bool| {
            let rule = if same_key { Rule::DuplicateOrder } else { Rule::ChunkOrder };
            let what = match order {
                Ordering::Equal => "a record is there twice",
                _ => "a record is out of order: damage, or an order of the database's own",
            };
            report.error(rule, no, offset, format!("byte {at} of the compressed entry: {what}"));
        };
        while at == 0 || at < bytes.len() {
            let (step, next) = match chunk::step(&bytes, at) {
                Ok(found) => found,
                Err(why) => return self.unpackable(no, offset, at, why),
            };
            let keyless = key.is_none() && matches!(step, Step::Key { .. });
            if !step.fits(&record.key, &record.data) && !keyless {
                let text = "it begins with more of the record before than that has";
                report.error(Rule::ChunkLength, no, offset, in_chunk(at, text));
                return;
            }
            if ordered && at > 0 {
                let (order, same_key) = compare_step(&step, &record, key.is_some());
                if order != Ordering::Less {
                    out_of_order(at, order, same_key);
                    ordered = false;
                }
            }
            if matches!(step, Step::Duplicate { .. }) && !self.context.meta.flags().duplicates() {
                report.error(
                    Rule::DuplicateFlag,
                    no,
                    offset,
                    in_chunk(
                        at,
                        "a record with the key of the one before, but the database has no duplicates",
                    ),
                );
                return;
            }
            step.take(&mut record.key, &mut record.data);
            let len = record.key.len().saturating_add(record.data.len());
            if let Err(defect) = allowance.give_unpacked(u64::try_from(len).unwrap_or(u64::MAX)) {
                beyond = beyond.or(Some(defect));
            }
            if let (true, 0, Some(before)) = (ordered, at, &before) {
                let order = compare((&before.key, &before.data), (&record.key, &record.data));
                if order != Ordering::Less {
                    out_of_order(0, order, before.key == record.key);
                }
            }
            at = next;
            if beyond.is_some() {
                break;
            }
        }
        if let Some(defect) = beyond {
            report.error(Rule::Repeats, no, offset, defect.to_string());
            return;
        }
        records.last = Some(record);
    }

    /// The key of an entry. Many may share it: reading it counts as a comparison.
    fn first_key<O: ByteOrder>(&self, key: Held<'c>) -> Option<Cow<'c, [u8]>> {
        if let Held::Plain(bytes) = key {
            self.compare.spend(bytes.len())?;
        }
        self.whole::<O>(key)
    }

    fn unpackable(&self, no: PageNo, offset: usize, at: usize, why: NoStep) {
        let (rule, text) = match why {
            NoStep::Number => (Rule::ChunkNumber, "a length that is no number"),
            NoStep::Cut => (Rule::ChunkLength, "it reaches past the end"),
        };
        self.context.report.error(rule, no, offset, in_chunk(at, text));
    }

    /// Compares the last record of the last entry of one leaf with the first of the next leaf.
    pub(super) fn across<O: ByteOrder>(&self, page: PageNo, left: Chunk<'c>, right: Chunk<'c>) {
        if !self.context.order {
            return;
        }
        let Some(last) = self.last_record::<O>(left) else { return };
        let key = match right.0 {
            Some(key) => self.whole::<O>(key),
            None => Some(Cow::Borrowed(&[][..])),
        };
        let first = self.compare.first_data::<O>(right.1).and_then(|data| self.whole::<O>(data));
        let (Some(key), Some(data)) = (key, first) else { return };
        if compare((&last.key, &last.data), (&key, &data)) != Ordering::Less {
            let text = "the first record is not behind the last one of the page before: damage, or an order \
                        of the database's own";
            self.context.report.error(Rule::ChunkOrder, page, crate::format::page::at::ENTRIES, text);
        }
    }

    /// The last record of an entry that was checked; `None` if it is unsound.
    fn last_record<O: ByteOrder>(&self, (key, data): Chunk<'c>) -> Option<Record> {
        let bytes = self.whole::<O>(data)?;
        let first = key.map_or(Some(Cow::Borrowed(&[][..])), |key| self.whole::<O>(key))?;
        let (mut at, mut record) = (0, Record { key: first.into_owned(), data: Vec::new() });
        while at == 0 || at < bytes.len() {
            let (step, next) = chunk::step(&bytes, at).ok()?;
            if !step.fits(&record.key, &record.data) || key.is_none() && matches!(step, Step::Key { .. }) {
                return None;
            }
            step.take(&mut record.key, &mut record.data);
            at = next;
        }
        Some(record)
    }
}

fn in_chunk(at: usize, text: &str) -> String {
    format!("byte {at} of the compressed entry: {text}: damage, or a compression of the database's own")
}

/// How a record stands to the one that the step makes of it, by what is not the same; and whether
/// they have one key. A key of which the beginning is unknown is taken to be greater.
fn compare_step(step: &Step<'_>, before: &Record, keyed: bool) -> (Ordering, bool) {
    match *step {
        Step::First(_) => (Ordering::Less, false),
        Step::Key { .. } if !keyed => (Ordering::Less, false),
        Step::Key { prefix, suffix, data } => {
            let order = before.key.get(prefix..).unwrap_or(&[]).cmp(suffix);
            (order.then_with(|| before.data.as_slice().cmp(data)), order.is_eq())
        }
        Step::Duplicate { prefix, suffix } => (before.data.get(prefix..).unwrap_or(&[]).cmp(suffix), true),
    }
}

impl Comparer<'_> {
    /// The data of the first record of an entry; `None` if that cannot be read.
    pub(super) fn first_data<'c, O: ByteOrder>(&self, held: Held<'c>) -> Option<Held<'c>> {
        match held {
            Held::Plain(bytes) => {
                let (len, from) = chunk::first_length(bytes).ok()?;
                bytes.get(from..)?.get(..len).map(Held::Plain)
            }
            Held::Chain { first, len: whole } => {
                let head = self.head::<O>(held, chunk::LONGEST_NUMBER)?;
                let (len, skip) = chunk::first_length(&head).ok()?;
                let (len, skip) = (u32::try_from(len).ok()?, u32::try_from(skip).ok()?);
                let fits = skip.checked_add(len).is_some_and(|end| end <= whole);
                fits.then_some(Held::Part { first, whole, skip, len })
            }
            Held::Part { .. } | Held::Duplicates(_) | Held::External(_) => None,
        }
    }
}

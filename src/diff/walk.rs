//! Two databases, key by key.

use std::cmp::Ordering;
use std::sync::Arc;

use super::difference::{DiffKey, Difference, Side};
use super::error::DiffError;
use super::values::Values;
use crate::access::{Database, Entry, IntoEntries};
use crate::error::Error;
use crate::method::Method;

type Found = Result<Difference, DiffError>;

/// The differences between two databases that are one in their files, or have one name.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    name: Option<Arc<[u8]>>,
    how: How<'a>,
    /// Keys were not in order: nothing can be told of those that follow.
    lost: bool,
}

#[derive(Debug)]
enum How<'a> {
    /// Both sides in the order of their keys, as they come.
    Merge(Box<[Ahead<'a>; 2]>),
    /// Each key of one side is looked up on the other: first those of the old one, then those of the new
    /// one.
    LookUp {
        from: Side,
        ahead: Box<Ahead<'a>>,
        others: Box<Database<'a>>,
        then: Option<Box<[Database<'a>; 2]>>,
    },
}

/// What values are kept by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Key,
    Number,
    Place,
}

impl Kept {
    fn of(method: Method) -> Kept {
        match method {
            Method::Btree | Method::Hash => Kept::Key,
            Method::Recno | Method::Queue => Kept::Number,
            Method::Heap => Kept::Place,
        }
    }

    /// What an entry is kept by, and its value.
    fn parts(self, entry: Entry<'static>) -> (DiffKey, Vec<u8>) {
        let (number, place) = (entry.record_number(), entry.record_id());
        let (key, value) = entry.into_parts();
        let key = match (self, number, place) {
            (Kept::Number, Some(number), _) => DiffKey::Record(number),
            (Kept::Place, _, Some(place)) => DiffKey::Place(place),
            _ => DiffKey::Key(key.into_owned()),
        };
        (key, value.into_owned())
    }
}

/// Whether the keys of a database come in the order in which they are compared. The numbers of a QUEUE
/// may begin anew.
fn comes_in_order(database: &Database<'_>) -> bool {
    let meta = database.meta();
    match meta.method() {
        Method::Btree => meta.partitions().is_none() || meta.partitioned_by_keys(),
        Method::Recno | Method::Heap => true,
        Method::Hash | Method::Queue => false,
    }
}

impl<'a> Walk<'a> {
    /// A walk over two databases.
    ///
    /// # Errors
    ///
    /// [`DiffError::Methods`].
    pub(super) fn new(name: Option<Arc<[u8]>>, both: [Database<'a>; 2]) -> Result<Walk<'a>, DiffError> {
        let [old, new] = both.each_ref().map(|database| database.meta().method());
        if Kept::of(old) != Kept::of(new) {
            return Err(DiffError::Methods { old, new });
        }
        let how = if both.iter().all(comes_in_order) {
            let [old, new] = both;
            How::Merge(Box::new([Ahead::new(Side::Old, old), Ahead::new(Side::New, new)]))
        } else {
            How::look_up(Side::Old, both.clone(), Some(Box::new(both)))
        };
        Ok(Walk { name, how, lost: false })
    }

    /// The next key that differs.
    fn next_key(&mut self) -> Option<Result<KeyDifference, DiffError>> {
        loop {
            if self.lost {
                return None;
            }
            let found = match &mut self.how {
                How::Merge(both) => merge(both)?,
                How::LookUp { from, ahead, others, then } => match look_up(*from, ahead, others) {
                    Some(found) => found,
                    None => {
                        let both = then.take()?;
                        self.how = How::look_up(Side::New, *both, None);
                        continue;
                    }
                },
            };
            match found {
                Ok(found) if found.only.is_none() && found.values.is_empty() => {}
                found => {
                    self.lost = matches!(found, Err(DiffError::Order { .. }));
                    return Some(found);
                }
            }
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        Some(self.next_key()?.map(|KeyDifference { key, only, values }| {
            let [old, new] = values.split();
            Difference::Key { database: self.name.clone(), key, only, old, new }
        }))
    }
}

/// A key, and what differs of it.
struct KeyDifference {
    key: DiffKey,
    only: Option<Side>,
    values: Values,
}

impl<'a> How<'a> {
    fn look_up(from: Side, both: [Database<'a>; 2], then: Option<Box<[Database<'a>; 2]>>) -> How<'a> {
        let [old, new] = both;
        let (ahead, others) = if from == Side::Old { (old, new) } else { (new, old) };
        How::LookUp { from, ahead: Box::new(Ahead::unordered(from, ahead)), others: Box::new(others), then }
    }
}

/// The entries of a side, of which one was looked at.
#[derive(Debug)]
struct Ahead<'a> {
    side: Side,
    kept: Kept,
    entries: IntoEntries<'a>,
    next: Option<(DiffKey, Vec<u8>)>,
    /// The key before, if keys must ascend.
    before: Option<DiffKey>,
    ordered: bool,
    ended: bool,
}

impl<'a> Ahead<'a> {
    fn new(side: Side, database: Database<'a>) -> Ahead<'a> {
        Ahead { ordered: true, ..Ahead::unordered(side, database) }
    }

    fn unordered(side: Side, database: Database<'a>) -> Ahead<'a> {
        let kept = Kept::of(database.meta().method());
        let entries = database.into_iter();
        Ahead { side, kept, entries, next: None, before: None, ordered: false, ended: false }
    }

    /// The next key; `None` at the end.
    fn key(&mut self) -> Result<Option<&DiffKey>, DiffError> {
        if self.next.is_none() && !self.ended {
            let Some(entry) = self.entries.next() else {
                self.ended = true;
                return Ok(None);
            };
            let side = self.side;
            let (key, value) = self.kept.parts(entry.map_err(|cause| DiffError::Read { side, cause })?);
            if self.ordered && self.before.as_ref().is_some_and(|before| *before > key) {
                let key = if let DiffKey::Key(key) = key { key } else { Vec::new() };
                return Err(DiffError::Order { side, key });
            }
            if self.ordered && self.before.as_ref() != Some(&key) {
                self.before = Some(key.clone());
            }
            self.next = Some((key, value));
        }
        Ok(self.next.as_ref().map(|(key, _)| key))
    }

    /// The value of the next entry, if that has this key.
    fn value_of(&mut self, key: &DiffKey) -> Result<Option<Vec<u8>>, DiffError> {
        if self.key()? != Some(key) {
            return Ok(None);
        }
        Ok(self.next.take().map(|(_, value)| value))
    }

    /// Adds the values of all entries that follow and have this key.
    fn add_all(&mut self, key: &DiffKey, values: &mut Values) -> Result<(), DiffError> {
        while let Some(value) = self.value_of(key)? {
            values.add(self.side, value);
        }
        Ok(())
    }
}

/// The next key of two sides that are in order, with what differs of it: nothing, mostly. `None` at the
/// end of both.
fn merge([old, new]: &mut [Ahead<'_>; 2]) -> Option<Result<KeyDifference, DiffError>> {
    let mut next = || {
        let order = match (old.key()?, new.key()?) {
            (None, None) => return Ok(None),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.cmp(new),
        };
        let first = if order == Ordering::Greater { new.key()? } else { old.key()? };
        let Some(key) = first.cloned() else { return Ok(None) };
        let mut values = Values::default();
        if order == Ordering::Equal {
            // Where few differ, they come side by side.
            while old.key()? == Some(&key) && new.key()? == Some(&key) {
                if let (Some(one), Some(other)) = (old.value_of(&key)?, new.value_of(&key)?) {
                    values.add_both(&one, &other);
                }
            }
        }
        if order != Ordering::Greater {
            old.add_all(&key, &mut values)?;
        }
        if order != Ordering::Less {
            new.add_all(&key, &mut values)?;
        }
        let only = match order {
            Ordering::Less => Some(Side::Old),
            Ordering::Equal => None,
            Ordering::Greater => Some(Side::New),
        };
        Ok(Some(KeyDifference { key, only, values }))
    };
    next().transpose()
}

/// The next key of a side, with what differs of it: of the new side only keys that the old one lacks
/// do.
fn look_up(
    from: Side,
    ahead: &mut Ahead<'_>,
    others: &Database<'_>,
) -> Option<Result<KeyDifference, DiffError>> {
    let mut next = || {
        let Some(key) = ahead.key()?.cloned() else { return Ok(None) };
        let mut values = Values::default();
        ahead.add_all(&key, &mut values)?;
        let other = from.other();
        let found = there(others, &key, &mut values, other);
        let is_there = found.map_err(|cause| DiffError::Read { side: other, cause })?;
        if is_there && from == Side::New {
            values = Values::default();
        }
        Ok(Some(KeyDifference { key, only: (!is_there).then_some(from), values }))
    };
    next().transpose()
}

/// Looks a key up, and adds its values; says whether it is there.
fn there(database: &Database<'_>, key: &DiffKey, values: &mut Values, side: Side) -> Result<bool, Error> {
    match key {
        DiffKey::Key(key) => {
            let mut is_there = false;
            for entry in database.duplicates(key) {
                let (_, value) = entry?.into_parts();
                values.add(side, value.into_owned());
                is_there = true;
            }
            Ok(is_there)
        }
        DiffKey::Record(number) => add(database.record(*number)?, values, side),
        DiffKey::Place(place) => add(database.record_at(*place)?, values, side),
    }
}

fn add(record: Option<Entry<'_>>, values: &mut Values, side: Side) -> Result<bool, Error> {
    let Some(record) = record else { return Ok(false) };
    values.add(side, record.value().to_vec());
    Ok(true)
}

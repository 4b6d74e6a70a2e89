//! The records of a chunk, one by one, both ways.
//!
//! A record is made of the one before, in place. On the way back what was cut off is put back:
//! each byte of it came out of the chunk once, so it never takes more room than that.

use std::borrow::Cow;
use std::sync::Arc;

use super::walk::Direction;
use crate::access::item::Item;
use crate::error::{Defect, Error, Result};
use crate::format::chunk::{self, NoStep, Step};
use crate::key_order::KeyOrder;
use crate::pages::Place;

/// A chunk, and the record of it where a cursor stands.
#[derive(Clone, Debug)]
pub(in crate::access) struct Chunk<'a> {
    bytes: Cow<'a, [u8]>,
    /// Where its item stands.
    place: Place,
    /// The key of the first record.
    first: Arc<[u8]>,
    /// Whether the keys are not known.
    keyless: bool,
    key: Vec<u8>,
    data: Vec<u8>,
    /// The key, to be given: made once for all records that have it.
    given: Option<Arc<[u8]>>,
    /// Where the next record begins.
    at: usize,
    /// The record where it stands, from 1; 0 before the first.
    record: u32,
    /// Whether it stands behind the last one.
    behind: bool,
    /// From where on it cannot be taken apart.
    broken: Option<usize>,
    back: Option<Back>,
}

/// The way back.
#[derive(Clone, Debug, Default)]
struct Back {
    steps: Vec<Cut>,
    /// What was cut off keys and data.
    bytes: Vec<u8>,
}

/// What a step did to the record before: how many bytes of its key and data stayed, and how
/// many were cut off.
#[derive(Clone, Copy, Debug)]
struct Cut {
    at: usize,
    key: (usize, usize),
    data: (usize, usize),
}

impl<'a> Chunk<'a> {
    /// Stands before the first record. Without a key, that of duplicates off the page, the
    /// records give their data only.
    ///
    /// # Errors
    ///
    /// Key or data cannot be read.
    pub(in crate::access) fn new(key: Option<&Item<'_>>, data: &Item<'a>, place: Place) -> Result<Chunk<'a>> {
        let (bytes, keyless) = (data.read()?, key.is_none());
        let key = key.map(Item::read).transpose()?.unwrap_or_default().into_owned();
        Ok(Chunk {
            bytes,
            place,
            first: key.as_slice().into(),
            keyless,
            key,
            data: Vec::new(),
            given: None,
            at: 0,
            record: 0,
            behind: false,
            broken: None,
            back: None,
        })
    }

    /// With bytes of its own.
    pub(super) fn into_owned(self) -> Chunk<'static> {
        let Chunk { bytes, place, first, keyless, key, data, given, at, record, behind, broken, back } = self;
        let bytes = Cow::Owned(bytes.into_owned());
        Chunk { bytes, place, first, keyless, key, data, given, at, record, behind, broken, back }
    }

    /// The record where it stands, from 1.
    pub(in crate::access) fn record(&self) -> u32 {
        self.record
    }

    /// How many bytes it has in an overflow chain.
    pub(in crate::access) fn in_chain(&self) -> u32 {
        match &self.bytes {
            Cow::Borrowed(_) => 0,
            Cow::Owned(bytes) => u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        }
    }

    /// Where its item stands.
    pub(in crate::access) fn place(&self) -> Place {
        self.place
    }

    /// Key and data of the record where it stands.
    pub(in crate::access) fn give(&mut self) -> (Arc<[u8]>, Arc<[u8]>) {
        let key = self.given.get_or_insert_with(|| self.key.as_slice().into()).clone();
        (key, self.data.as_slice().into())
    }

    /// How many bytes the record has.
    pub(in crate::access) fn given(&self) -> u64 {
        u64::try_from(self.key.len().saturating_add(self.data.len())).unwrap_or(u64::MAX)
    }

    fn fault(&self, fault: &'static str) -> Error {
        self.place.corrupt(0, Defect::Compressed { at: self.at, fault })
    }

    fn fits(&self, step: &Step<'_>) -> bool {
        step.fits(&self.key, &self.data) || self.keyless && matches!(step, Step::Key { .. })
    }

    /// Moves to the next record in a direction; false if there is none.
    ///
    /// # Errors
    ///
    /// The next record cannot be taken apart: it and what follows are left out from then on.
    pub(in crate::access) fn step(&mut self, to: Direction) -> Result<bool> {
        match to {
            Direction::Forward => self.forward(),
            Direction::Backward => self.backward(),
        }
    }

    /// Moves behind the last record.
    ///
    /// # Errors
    ///
    /// As [`Chunk::step`].
    pub(super) fn go_to_end(&mut self) -> Result<()> {
        self.back.get_or_insert_default();
        while self.forward()? {}
        Ok(())
    }

    fn forward(&mut self) -> Result<bool> {
        let ends = self.record > 0 && self.at >= self.bytes.len();
        if self.behind || ends || self.broken == Some(self.at) {
            self.behind = true;
            return Ok(false);
        }
        let (step, next) = match chunk::step(&self.bytes, self.at) {
            Ok((step, next)) if self.fits(&step) => (step, next),
            wrong => {
                let fault = match wrong {
                    Ok(_) => "it begins with more of the record before than that has",
                    Err(NoStep::Number) => "a length that is no number",
                    Err(NoStep::Cut) => "it reaches past the end",
                };
                let error = self.fault(fault);
                (self.broken, self.behind) = (Some(self.at), true);
                return Err(error);
            }
        };
        if let Some(back) = &mut self.back {
            back.note(self.at, &step, &self.key, &self.data);
        }
        step.take(&mut self.key, &mut self.data);
        if matches!(step, Step::Key { .. }) {
            self.given = None;
        }
        (self.at, self.record) = (next, self.record.saturating_add(1));
        Ok(true)
    }

    fn backward(&mut self) -> Result<bool> {
        if self.behind {
            self.behind = false;
            return Ok(self.record > 0);
        }
        if self.record == 0 {
            return Ok(false);
        }
        if self.back.is_none() {
            self.again(self.record, Some(Back::default()))?;
        }
        if let Some(at) = self.back.as_mut().and_then(|back| back.undo(&mut self.key, &mut self.data)) {
            (self.at, self.given) = (at, None);
            self.record = self.record.saturating_sub(1);
        }
        Ok(self.record > 0)
    }

    /// Goes to a record from the first one on.
    fn again(&mut self, record: u32, back: Option<Back>) -> Result<()> {
        self.key.clear();
        self.key.extend_from_slice(&self.first);
        self.data.clear();
        (self.at, self.record, self.behind, self.given, self.back) = (0, 0, false, None, back);
        while self.record < record && self.forward()? {}
        Ok(())
    }

    /// Stands in the gap before the first record that has a key or a greater one (or `after`
    /// all that have it), for a move to one side. Reads all records, whose keys must be in order.
    ///
    /// # Errors
    ///
    /// As [`Chunk::step`], or a key out of order.
    pub(super) fn stand(
        &mut self,
        key: &[u8],
        after: bool,
        forward: bool,
        order: KeyOrder<'_>,
    ) -> Result<()> {
        let (mut before, mut last, mut inside) = (0, None::<Vec<u8>>, true);
        loop {
            let at = self.at;
            if !self.forward()? {
                break;
            }
            if last.as_ref() != Some(&self.key) {
                if last.as_ref().is_some_and(|last| order.compare(last, &self.key).is_gt()) {
                    return Err(self.place.corrupt(0, Defect::CompressedOrder { at }));
                }
                let compared = order.compare(&self.key, key);
                inside = compared.is_lt() || after && compared.is_eq();
                last = Some(self.key.clone());
            }
            if inside {
                before = self.record;
            }
        }
        let end = self.record;
        self.again(if forward { before } else { before.saturating_add(1).min(end) }, None)?;
        self.behind = !forward && before == end;
        Ok(())
    }
}

impl Back {
    fn note(&mut self, at: usize, step: &Step<'_>, key: &[u8], data: &[u8]) {
        let (key_kept, data_kept) = match *step {
            Step::First(_) => (key.len(), 0),
            Step::Key { prefix, .. } => (prefix, 0),
            Step::Duplicate { prefix, .. } => (key.len(), prefix),
        };
        let mut cut = |bytes: &[u8], kept| {
            let tail = bytes.get(kept..).unwrap_or(&[]);
            self.bytes.extend_from_slice(tail);
            (kept, tail.len())
        };
        let (key, data) = (cut(key, key_kept), cut(data, data_kept));
        self.steps.push(Cut { at, key, data });
    }

    /// Takes the last step back; gives where it began.
    fn undo(&mut self, key: &mut Vec<u8>, data: &mut Vec<u8>) -> Option<usize> {
        let cut = self.steps.pop()?;
        for (bytes, (kept, tail)) in [(data, cut.data), (key, cut.key)] {
            let from = self.bytes.len().saturating_sub(tail);
            bytes.truncate(kept);
            bytes.extend_from_slice(self.bytes.get(from..).unwrap_or(&[]));
            self.bytes.truncate(from);
        }
        Some(cut.at)
    }
}

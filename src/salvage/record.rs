//! A record, as much as there is of it, and where it was found.

use std::borrow::Cow;
use std::sync::Arc;

use super::note::{Confidence, Notes};
use super::owner::Owner;
use super::place::{Origin, Provenance};

/// A record that was found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Salvaged<'s> {
    /// The database it belongs to.
    pub database: &'s Owner,
    /// Its key.
    pub key: Key<'s>,
    /// Its value.
    pub value: Recovered<'s>,
    /// Where it stands.
    pub provenance: Provenance,
    /// What was wrong on the way to it.
    pub notes: Notes,
}

impl Salvaged<'_> {
    /// How far it can be trusted.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        let origin = match self.provenance.origin {
            Origin::Tree => Confidence::High,
            Origin::Orphan => Confidence::Medium,
            Origin::Free | Origin::Deleted | Origin::Unused => Confidence::Low,
        };
        let whole = if self.is_whole() { Confidence::High } else { Confidence::Low };
        origin.min(whole).min(self.notes.confidence())
    }

    /// Whether all bytes of key and value are there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let key = match &self.key {
            Key::Bytes(key) => key.is_whole(),
            Key::Record(_) => true,
        };
        key && self.value.is_whole()
    }
}

/// The key of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key<'s> {
    /// Bytes.
    Bytes(Recovered<'s>),
    /// In a RECNO or QUEUE database, the record's number: unknown where nothing leads to its page.
    /// Records of a HEAP have none; the page and the slot where they stand are their key.
    Record(Option<u32>),
}

/// A key or a value, as much as there is of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered<'s> {
    /// All of it.
    Whole(Bytes<'s>),
    /// The first part.
    Part {
        /// The bytes that were found.
        bytes: Bytes<'s>,
        /// Its length, as the item says.
        expected: u32,
    },
    /// Nothing.
    Missing,
}

impl<'s> Recovered<'s> {
    /// Whether all of it is there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        matches!(self, Recovered::Whole(_))
    }

    /// What is there of it.
    #[must_use]
    pub fn bytes(&self) -> Option<&Bytes<'s>> {
        match self {
            Recovered::Whole(bytes) | Recovered::Part { bytes, .. } => Some(bytes),
            Recovered::Missing => None,
        }
    }
}

/// Bytes where they stand in the file, in one place or in the pages of an overflow
/// chain; those of a compressed database unpacked. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bytes<'s>(Repr<'s>);

#[derive(Clone, Debug)]
enum Repr<'s> {
    One(&'s [u8]),
    Many(Arc<[&'s [u8]]>),
    /// Not as it stands in the file: unpacked.
    Own(Arc<[u8]>),
}

impl<'s> Bytes<'s> {
    #[inline]
    pub(super) fn one(bytes: &'s [u8]) -> Self {
        Bytes(Repr::One(bytes))
    }

    pub(super) fn many(pieces: Vec<&'s [u8]>) -> Self {
        match pieces.as_slice() {
            [] => Bytes::one(&[]),
            [one] => Bytes::one(one),
            _ => Bytes(Repr::Many(pieces.into())),
        }
    }

    pub(super) fn own(bytes: Vec<u8>) -> Self {
        Bytes(Repr::Own(bytes.into()))
    }

    /// The pieces, in their order.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let (one, many) = match &self.0 {
            Repr::One(bytes) => (Some(*bytes), [].as_slice()),
            Repr::Many(pieces) => (None, pieces.as_ref()),
            Repr::Own(bytes) => (Some(bytes.as_ref()), [].as_slice()),
        };
        one.into_iter().chain(many.iter().copied())
    }

    /// Whether they stand in one place.
    pub(super) fn is_one(&self) -> bool {
        matches!(self.0, Repr::One(_))
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces().fold(0, |sum, piece| sum.saturating_add(piece.len()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes: borrowed where they stand in one place, else put together.
    #[must_use]
    pub fn to_cow(&self) -> Cow<'_, [u8]> {
        match &self.0 {
            Repr::One(bytes) => Cow::Borrowed(bytes),
            Repr::Own(bytes) => Cow::Borrowed(bytes),
            Repr::Many(pieces) => Cow::Owned(pieces.concat()),
        }
    }
}

impl PartialEq for Bytes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.to_cow() == other.to_cow()
    }
}
impl Eq for Bytes<'_> {}

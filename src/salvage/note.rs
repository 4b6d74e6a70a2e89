//! What is to be said of a record besides its bytes.

use std::fmt;

macro_rules! notes {
    ($($(#[$doc:meta])* $name:ident, $text:literal, $confidence:ident;)*) => {
        /// Something that was wrong on the way to a record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Note {
            $($(#[$doc])* $name,)*
        }

        impl Note {
            /// Every note.
            pub const ALL: &[Note] = &[$(Note::$name),*];

            /// The most that a record with this note can be trusted.
            #[must_use]
            pub fn at_most(self) -> Confidence {
                match self {
                    $(Note::$name => Confidence::$confidence,)*
                }
            }

            fn bit(self) -> u32 {
                Note::ALL.iter().position(|note| *note == self).map_or(0, |at| 1u32.wrapping_shl(
                    u32::try_from(at).unwrap_or(0),
                ))
            }
        }

        impl fmt::Display for Note {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Note::$name => $text,)*
                })
            }
        }
    };
}

notes! {
    /// The page's checksum is not that of its bytes (database-format, "Checksum").
    Checksum, "the checksum of the page is wrong", Medium;
    /// The page says that it is another page.
    PageNumber, "the page carries another number", Medium;
    /// The page's header contradicts what stands on it, or where it stands.
    Header, "the header of the page is damaged", Medium;
    /// The file ends within the page.
    Cut, "the file ends within the page", Medium;
    /// Other items of the page use some of the same bytes.
    Overlap, "another item has some of the same bytes", Medium;
    /// The slot was damaged; the item is the one on the page that no slot leads to.
    Slot, "the slot is damaged: taken from where no slot leads", Medium;
    /// The overflow chain has another length than its item says, and ends properly.
    ChainLength, "the overflow chain is longer than its item says", Medium;
    /// The overflow chain, or a part of it, was given with another record before.
    ChainShared, "the overflow chain belongs to another item too", Medium;
    /// A page of the overflow chain is damaged.
    ChainPage, "a page of the overflow chain is damaged", Medium;
    /// The external file has another length than its item says.
    External, "the external file has another length than its item says", Medium;
    /// A link was lost, and what it led to was found again: pages that nothing else leads to,
    /// and that alone fit.
    Joined, "put together over a lost link", Medium;
    /// The key is that of the record before, and was given so often that it is left out.
    Repeated, "the key of the record before, left out: it was repeated too often", Low;
    /// It is not known which of the two parts is the key.
    Parts, "which part is the key is not known", Low;
    /// The database is compressed, and this leaf entry could not be taken apart from
    /// here on.
    Compressed, "still compressed", Low;
    /// The metadata does not tell how long the records of a QUEUE are.
    Length, "the length of records was found by looking at them", Medium;
}

/// The notes on a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes(u32);

impl Notes {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a note is among them.
    #[must_use]
    pub fn has(self, note: Note) -> bool {
        self.0 & note.bit() != 0
    }

    /// The notes, one by one.
    pub fn iter(self) -> impl Iterator<Item = Note> {
        Note::ALL.iter().copied().filter(move |note| self.has(*note))
    }

    pub(super) fn add(&mut self, note: Note) {
        self.0 |= note.bit();
    }

    pub(super) fn with(self, other: Notes) -> Notes {
        Notes(self.0 | other.0)
    }

    pub(super) fn confidence(self) -> Confidence {
        if self.is_empty() {
            return Confidence::High;
        }
        self.iter().map(Note::at_most).min().unwrap_or(Confidence::High)
    }
}

/// How far a record can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// A guess, a part, or what was deleted or replaced.
    Low,
    /// Whole, but something around it was wrong, or nothing leads to its page.
    Medium,
    /// Whole, and all that leads to it is right.
    High,
}

impl Confidence {
    /// The name, in small letters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
    }
}

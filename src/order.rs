//! Byte order: a value on handles, a type on hot paths.

use std::fmt;

/// The byte order of a file, which is that of the machine that wrote it unless
/// the writer chose otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endianness {
    /// Least significant byte first (x86).
    Little,
    /// Most significant byte first (SPARC, PowerPC).
    Big,
}

impl Endianness {
    /// That of this machine.
    #[cfg(feature = "upgrade")]
    pub(crate) const NATIVE: Endianness =
        if cfg!(target_endian = "big") { Endianness::Big } else { Endianness::Little };

    /// The other order.
    #[must_use]
    pub fn other(self) -> Endianness {
        match self {
            Endianness::Little => Endianness::Big,
            Endianness::Big => Endianness::Little,
        }
    }

    /// Splits a number of 32 bits off: where there are too many of them for nom, which
    /// reads byte by byte.
    #[inline]
    pub(crate) fn split_u32(self, bytes: &[u8]) -> Option<(u32, &[u8])> {
        let (word, rest) = bytes.split_first_chunk()?;
        Some(match self {
            Endianness::Little => (u32::from_le_bytes(*word), rest),
            Endianness::Big => (u32::from_be_bytes(*word), rest),
        })
    }

    /// The number of 32 bits at an offset.
    #[inline]
    pub(crate) fn u32_at(self, bytes: &[u8], offset: usize) -> Option<u32> {
        self.split_u32(bytes.get(offset..)?).map(|(word, _)| word)
    }

    /// The number of 16 bits at an offset.
    #[inline]
    pub(crate) fn u16_at(self, bytes: &[u8], offset: usize) -> Option<u16> {
        let raw = *bytes.get(offset..)?.first_chunk()?;
        Some(match self {
            Endianness::Little => u16::from_le_bytes(raw),
            Endianness::Big => u16::from_be_bytes(raw),
        })
    }

    /// Puts a number of 32 bits at an offset; nothing, if it does not fit there.
    #[cfg(any(test, feature = "upgrade", feature = "build"))]
    pub(crate) fn put_u32(self, bytes: &mut [u8], offset: usize, number: u32) {
        let word = match self {
            Endianness::Little => number.to_le_bytes(),
            Endianness::Big => number.to_be_bytes(),
        };
        if let Some(place) = bytes.get_mut(offset..).and_then(|rest| rest.first_chunk_mut()) {
            *place = word;
        }
    }

    pub(crate) fn nom(self) -> nom::number::Endianness {
        match self {
            Endianness::Little => nom::number::Endianness::Little,
            Endianness::Big => nom::number::Endianness::Big,
        }
    }
}

impl fmt::Display for Endianness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Endianness::Little => "little-endian",
            Endianness::Big => "big-endian",
        })
    }
}

/// Evaluates an expression with the order as a byteorder type of the given name.
macro_rules! with_order {
    ($order:expr, $O:ident => $body:expr) => {
        match $order {
            $crate::order::Endianness::Little => {
                type $O = byteorder::LittleEndian;
                $body
            }
            $crate::order::Endianness::Big => {
                type $O = byteorder::BigEndian;
                $body
            }
        }
    };
}
pub(crate) use with_order;

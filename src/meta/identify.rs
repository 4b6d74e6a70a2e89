//! Whether a file is one that the reader reads (database-format, "Identification").

use super::kind::{DatabaseKind, FileKind};
use super::series1::is_read;
use crate::error::{Error, Result};
use crate::format::meta::at;
use crate::order::Endianness;

/// The byte order of a file of an access method that is read; for anything else, an error
/// that says what it is.
pub(crate) fn identify(file: &[u8]) -> Result<Endianness> {
    expect_supported(&FileKind::of(file), file)
}

/// As [`identify`], of a file of which it is known what it is.
pub(super) fn expect_supported(kind: &FileKind, file: &[u8]) -> Result<Endianness> {
    Err(match *kind {
        FileKind::Database(DatabaseKind { order, .. }) => return Ok(order),
        FileKind::Extent => Error::Extent,
        FileKind::Log { version, order } => Error::LogFile { version, order },
        FileKind::Region(_) => Error::Region,
        FileKind::Series1 { method, version, order } if is_read(method, version) => return Ok(order),
        FileKind::Series1 { method, version, order } => Error::Series1 { method, version, order },
        FileKind::Placeholder => Error::Placeholder,
        FileKind::Empty => Error::Empty,
        FileKind::Other => match Endianness::Little.u32_at(file, at::MAGIC) {
            Some(found) => Error::NotADatabase { found },
            None => Error::TooShort { len: u64::try_from(file.len()).unwrap_or(u64::MAX) },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Endianness::{Big, Little};

    fn with_magic(offset: usize, magic: [u8; 4]) -> Vec<u8> {
        let mut file = vec![0; 512];
        file[offset..].iter_mut().zip(magic).for_each(|(to, from)| *to = from);
        file
    }

    #[test]
    fn everything_that_is_not_read_is_named() {
        let message = |file: &[u8]| identify(file).unwrap_err().to_string();
        assert_eq!(identify(&with_magic(12, 0x0005_3162u32.to_be_bytes())).unwrap(), Big);
        assert_eq!(identify(&with_magic(12, 0x0005_3162u32.to_le_bytes())).unwrap(), Little);
        assert_eq!(identify(&with_magic(12, 0x0006_1561u32.to_be_bytes())).unwrap(), Big);
        assert_eq!(identify(&with_magic(12, 0x0004_2253u32.to_le_bytes())).unwrap(), Little);
        assert_eq!(identify(&with_magic(12, 0x0007_4582u32.to_le_bytes())).unwrap(), Little);
        assert!(message(&with_magic(12, 0x0003_0800u32.to_le_bytes())).contains("rename"));
        assert!(message(&with_magic(12, 0x0004_0988u32.to_be_bytes())).contains("log"));
        assert!(message(&with_magic(0, 0x0005_3162u32.to_be_bytes())).contains("1.x"));
        assert!(message(b"From the text file").contains("not a Berkeley DB file"));
        assert!(message(b"short").contains("5 bytes"));
        assert!(message(b"").contains("empty"));
    }
}

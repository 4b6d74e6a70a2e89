//! What a file is, from its first bytes (database-format, "Identification").

use crate::error::{Error, Result};
use crate::format::log::MAGIC as LOG_MAGIC;
use crate::format::meta::{self as layout, at};
use crate::order::Endianness::{self, Big, Little};

/// The byte order of a BTREE or RECNO file; for anything else, an error that
/// says what it is.
pub(crate) fn identify(file: &[u8]) -> Result<Endianness> {
    if file.is_empty() {
        return Err(Error::Empty);
    }
    for order in [Little, Big] {
        let version = order.u32_at(file, at::VERSION).unwrap_or(0);
        let unsupported = |kind| Err(Error::UnsupportedMethod { kind, version, order });
        match order.u32_at(file, at::MAGIC) {
            Some(layout::BTREE_MAGIC) => return Ok(order),
            Some(layout::HASH_MAGIC) => return unsupported("HASH"),
            Some(layout::QUEUE_MAGIC) => return unsupported("QUEUE"),
            Some(layout::HEAP_MAGIC) => return unsupported("HEAP"),
            Some(layout::RENAME_MAGIC) => return Err(Error::Placeholder),
            Some(LOG_MAGIC) => return Err(Error::LogFile { version, order }),
            _ => {}
        }
    }
    for order in [Little, Big] {
        let kind = match order.u32_at(file, 0) {
            Some(layout::BTREE_MAGIC) => "BTREE",
            Some(layout::HASH_MAGIC) => "HASH",
            _ => continue,
        };
        let version = order.u32_at(file, 4).unwrap_or(0);
        return Err(Error::Series1 { kind, version, order });
    }
    match Little.u32_at(file, at::MAGIC) {
        Some(found) => Err(Error::NotADatabase { found }),
        None => Err(Error::TooShort { len: u64::try_from(file.len()).unwrap_or(u64::MAX) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_magic(offset: usize, magic: [u8; 4]) -> Vec<u8> {
        let mut file = vec![0; 512];
        file[offset..].iter_mut().zip(magic).for_each(|(to, from)| *to = from);
        file
    }

    #[test]
    fn everything_that_is_not_btree_is_named() {
        let message = |file: &[u8]| identify(file).unwrap_err().to_string();
        assert_eq!(identify(&with_magic(12, 0x0005_3162u32.to_be_bytes())).unwrap(), Big);
        assert_eq!(identify(&with_magic(12, 0x0005_3162u32.to_le_bytes())).unwrap(), Little);
        assert!(message(&with_magic(12, 0x0006_1561u32.to_be_bytes())).contains("HASH"));
        assert!(message(&with_magic(12, 0x0004_2253u32.to_le_bytes())).contains("QUEUE"));
        assert!(message(&with_magic(12, 0x0007_4582u32.to_le_bytes())).contains("HEAP"));
        assert!(message(&with_magic(12, 0x0003_0800u32.to_le_bytes())).contains("rename"));
        assert!(message(&with_magic(12, 0x0004_0988u32.to_be_bytes())).contains("log"));
        assert!(message(&with_magic(0, 0x0005_3162u32.to_be_bytes())).contains("1.x"));
        assert!(message(b"From the text file").contains("not a Berkeley DB file"));
        assert!(message(b"short").contains("5 bytes"));
        assert!(message(b"").contains("empty"));
    }
}

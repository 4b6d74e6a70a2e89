//! The order of keys (database-format, "Order of keys").

use std::cmp::Ordering;
use std::fmt;

/// How a database compares its keys.
///
/// A program may have given Berkeley DB a comparison of its own. The file does
/// not record that, so whoever looks up keys in such a file has to give it again.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub enum KeyOrder<'f> {
    /// Byte by byte as unsigned numbers, the shorter of two equal ones first.
    #[default]
    Bytes,
    /// A comparison that the caller gives.
    Custom(&'f (dyn Fn(&[u8], &[u8]) -> Ordering + Send + Sync)),
}

impl KeyOrder<'_> {
    /// Compares two keys.
    #[must_use]
    pub fn compare(self, a: &[u8], b: &[u8]) -> Ordering {
        match self {
            KeyOrder::Bytes => a.cmp(b),
            KeyOrder::Custom(compare) => compare(a, b),
        }
    }
}

impl fmt::Debug for KeyOrder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyOrder::Bytes => "Bytes",
            KeyOrder::Custom(_) => "Custom",
        })
    }
}

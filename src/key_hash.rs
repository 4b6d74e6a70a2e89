//! The hash of keys (database-format, "Hash function").

use std::fmt;

/// How a HASH database finds the bucket of a key.
///
/// A program may have given Berkeley DB a hash function of its own. The file records only
/// that it is another one, so whoever looks up keys in such a file has to give it again.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub enum KeyHash<'f> {
    /// That of the release which laid the database out.
    #[default]
    Release,
    /// A function that the caller gives.
    Custom(&'f (dyn Fn(&[u8]) -> u32 + Send + Sync)),
}

impl fmt::Debug for KeyHash<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyHash::Release => "Release",
            KeyHash::Custom(_) => "Custom",
        })
    }
}

//! Bounds that no file can move.

/// How much memory reading may take.
///
/// Nothing is ever allocated by a number found in a file alone: a length must
/// fit the file, and what is put together in memory must fit these limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest key or value, in bytes, that is assembled in memory from an
    /// overflow chain. Longer ones can still be read as a stream.
    pub max_item: u32,
    /// Most that is read into memory of a pipe or a device, in bytes.
    pub max_stream: u64,
}

impl Limits {
    /// The defaults: 64 MiB for one item, 4 GiB for a stream.
    pub const DEFAULT: Limits = Limits { max_item: 64 << 20, max_stream: 4 << 30 };

    /// These limits with another bound for one item.
    #[must_use]
    pub fn max_item(mut self, bytes: u32) -> Limits {
        self.max_item = bytes;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DEFAULT
    }
}

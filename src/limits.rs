//! Bounds that no file can move.

/// How much memory reading may take, and how much it may give.
///
/// Nothing is ever allocated by a number found in a file alone: a length must
/// fit the file, and what is put together in memory must fit these limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest key or value, in bytes, that is assembled in memory from an
    /// overflow chain, or read from an external file. Longer ones can still be read as a stream.
    pub max_item: u32,
    /// Most that is read into memory of a pipe or a device, in bytes.
    pub max_stream: u64,
    /// Most that the pages take, in bytes, which a database keeps that reads them on demand or
    /// decrypts them (see [`OpenOptions::on_demand`](crate::OpenOptions::on_demand)).
    pub max_kept: u64,
    /// How often the pairs of one page may give as many bytes as the page has, beyond
    /// those that stand there: pairs that share a key give it again and again.
    ///
    /// What a walk gives is thereby bounded by the size of the file: by this many times
    /// its pages, and 16 times as much for pages of off-page duplicates. With the
    /// default, no file that a genuine release wrote meets it whose keys have up to 1536
    /// bytes: the library moves the duplicates of a key off the page before there are
    /// more of them on it than a 24th of its bytes.
    pub max_repeats: u32,
}

impl Limits {
    /// The defaults: 64 MiB for one item and for the pages that are kept, 1 GiB for a stream,
    /// 64 times its size for what a page repeats.
    pub const DEFAULT: Limits =
        Limits { max_item: 64 << 20, max_stream: 1 << 30, max_kept: 64 << 20, max_repeats: 64 };

    /// These limits with another bound for one item.
    #[must_use]
    pub fn max_item(mut self, bytes: u32) -> Limits {
        self.max_item = bytes;
        self
    }

    /// These limits with another bound for a pipe or a device.
    #[must_use]
    pub fn max_stream(mut self, bytes: u64) -> Limits {
        self.max_stream = bytes;
        self
    }

    /// These limits with another bound for pages that are kept.
    #[must_use]
    pub fn max_kept(mut self, bytes: u64) -> Limits {
        self.max_kept = bytes;
        self
    }

    /// These limits with another bound for what the pairs of one page repeat.
    #[must_use]
    pub fn max_repeats(mut self, times: u32) -> Limits {
        self.max_repeats = times;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DEFAULT
    }
}

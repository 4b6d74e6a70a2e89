//! The image: anything that can be read by position.

use std::io::{self, Read, Seek, SeekFrom};

use super::error::CarveError;

/// The most that is looked at in one piece, in bytes: a page of the largest size.
pub(super) const WINDOW: usize = 65536;

/// How often all of an image may be read for what may turn out to be nothing.
const LOOKS: u64 = 4;

/// An image, and a piece of it in memory.
pub(super) struct Image<'i, R> {
    reader: &'i mut R,
    len: u64,
    window: Vec<u8>,
    start: u64,
    /// How many bytes may still be read for what may turn out to be nothing.
    budget: u64,
}

impl<'i, R: Read + Seek> Image<'i, R> {
    /// An image of a length that is known: by what was searched of it.
    pub(super) fn new(reader: &'i mut R, len: u64) -> Self {
        Image { reader, len, window: Vec::new(), start: 0, budget: len.saturating_mul(LOOKS) }
    }

    /// Length in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The bytes at an offset, as many of them as there are, but no more than [`WINDOW`].
    pub(super) fn bytes(&mut self, at: u64, len: usize) -> Result<&[u8], CarveError> {
        let len = len.min(WINDOW);
        let until = |start: u64, len: usize| start.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        let wanted = until(at, len).min(self.len);
        if at < self.start || wanted > until(self.start, self.window.len()) {
            let failed = |cause| CarveError::Read { at, cause };
            self.window.resize(WINDOW, 0);
            self.start = at;
            self.reader.seek(SeekFrom::Start(at)).map_err(failed)?;
            let read = read_all(self.reader, &mut self.window).map_err(failed)?;
            self.window.truncate(read);
        }
        let from = usize::try_from(at.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let rest = self.window.get(from..).unwrap_or_default();
        Ok(rest.get(..len).unwrap_or(rest))
    }

    /// Takes so many bytes from the budget; whether they were there.
    pub(super) fn spend(&mut self, bytes: u64) -> bool {
        let left = self.budget.checked_sub(bytes);
        self.budget = left.unwrap_or(self.budget);
        left.is_some()
    }
}

/// Reads until the buffer is full or nothing comes; gives how much was read.
pub(super) fn read_all(reader: &mut impl Read, mut buffer: &mut [u8]) -> io::Result<usize> {
    let whole = buffer.len();
    while !buffer.is_empty() {
        match reader.read(buffer) {
            Ok(0) => break,
            Ok(read) => buffer = buffer.get_mut(read..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(whole.saturating_sub(buffer.len()))
}

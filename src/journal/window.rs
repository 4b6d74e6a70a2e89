//! Reading a file front to back in large pieces, whatever the pieces asked for.

use std::io;

use super::disk::DiskFile;

/// As much as is read or written at once, in bytes.
pub(super) const CHUNK: usize = 1 << 20;

/// The part of a file that is in memory.
pub(super) struct Window<'f, F> {
    file: &'f F,
    size: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<'f, F: DiskFile> Window<'f, F> {
    pub(super) fn new(file: &'f F) -> io::Result<Window<'f, F>> {
        Ok(Window { file, size: file.size()?, start: 0, bytes: Vec::new() })
    }

    /// Some bytes of the file; `None` if it ends before them.
    ///
    /// Who goes on where the last piece ended gets it from one large read; who jumps
    /// about causes no more to be read than was asked for.
    pub(super) fn get(&mut self, offset: u64, len: usize) -> io::Result<Option<&[u8]>> {
        let end = offset.saturating_add(super::names::long(len));
        if end > self.size {
            return Ok(None);
        }
        let loaded = self.start.saturating_add(super::names::long(self.bytes.len()));
        if offset < self.start || end > loaded {
            let ahead = if (self.start..=loaded).contains(&offset) { len.max(CHUNK) } else { len };
            let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
            self.start = offset;
            let len = ahead.min(left);
            if self.bytes.len() != len {
                self.bytes = vec![0; len];
            }
            if let Err(error) = self.file.read_at(offset, &mut self.bytes) {
                self.bytes.clear();
                return Err(error);
            }
        }
        let skip = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        Ok(self.bytes.get(skip..).and_then(|bytes| bytes.get(..len)))
    }
}

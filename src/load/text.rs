//! A text that can be read a second time.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Where a text comes from.
pub enum Text<'t> {
    /// A file, read from its start.
    File(File),
    /// A pipe, or whatever reads: what was read is kept in a temporary file until it is clear that it
    /// will not be needed again.
    Stream(Box<dyn Read + 't>),
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Text::File(_) => "File",
            Text::Stream(_) => "Stream",
        })
    }
}

/// A text that is being read, for the first or the second time.
pub(super) struct Source<'t> {
    text: Text<'t>,
    /// What was read of a stream.
    copy: Option<File>,
    again: bool,
}

impl<'t> Source<'t> {
    pub(super) fn new(text: Text<'t>, folder: &Path) -> io::Result<Source<'t>> {
        let copy = match text {
            Text::File(_) => None,
            Text::Stream(_) => Some(tempfile::tempfile_in(folder)?),
        };
        Ok(Source { text, copy, again: false })
    }

    /// Begins anew, for the last time.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        self.again = true;
        let file = match (&mut self.text, &mut self.copy) {
            (Text::File(file), _) => file,
            (Text::Stream(_), Some(copy)) => copy,
            (Text::Stream(_), None) => return Ok(()),
        };
        file.seek(SeekFrom::Start(0)).map(drop)
    }
}

impl Read for Source<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let stream = match &mut self.text {
            Text::File(file) => return file.read(room),
            Text::Stream(stream) => stream,
        };
        if let Some(copy) = self.copy.as_mut().filter(|_| self.again) {
            let read = copy.read(room)?;
            if read > 0 || room.is_empty() {
                return Ok(read);
            }
            // What follows is new.
            self.copy = None;
        }
        let read = stream.read(room)?;
        if let Some(copy) = &mut self.copy {
            copy.write_all(room.get(..read).unwrap_or(&[]))?;
        }
        Ok(read)
    }
}

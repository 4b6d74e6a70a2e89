//! Bytes that are read where and when they are needed.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// What is read by position: a file of the system, or anything that can be read and sought.
pub(crate) struct Storage {
    reader: Reader,
    len: u64,
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("len", &self.len).finish_non_exhaustive()
    }
}

enum Reader {
    /// Several threads read at once.
    #[cfg(any(unix, windows))]
    File(File),
    /// One after the other.
    Shared(Mutex<Box<dyn ReadSeek>>),
}

trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

impl Storage {
    /// A regular file that holds anything; `None` for what can only be read from its start.
    pub(super) fn open(path: &Path) -> io::Result<Option<Storage>> {
        // To open a pipe would tell its writer that somebody reads.
        let kind = std::fs::metadata(path)?;
        if !kind.is_file() || kind.len() == 0 {
            return Ok(None);
        }
        Storage::of_file(File::open(path)?).map(Some)
    }

    /// A regular file that is open.
    pub(super) fn of_file(file: File) -> io::Result<Storage> {
        let len = file.metadata()?.len();
        #[cfg(any(unix, windows))]
        let reader = Reader::File(file);
        #[cfg(not(any(unix, windows)))]
        let reader = Reader::Shared(Mutex::new(Box::new(file)));
        Ok(Storage { reader, len })
    }

    /// Anything that can be read and sought; the length is where its end is now.
    pub(super) fn of_reader(mut reader: impl Read + Seek + Send + 'static) -> io::Result<Storage> {
        let len = reader.seek(SeekFrom::End(0))?;
        Ok(Storage { reader: Reader::Shared(Mutex::new(Box::new(reader))), len })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Fills a buffer with what stands at an offset.
    pub(super) fn read(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        match &self.reader {
            #[cfg(unix)]
            Reader::File(file) => std::os::unix::fs::FileExt::read_exact_at(file, buffer, at),
            #[cfg(windows)]
            Reader::File(file) => read_exact_at(file, buffer, at),
            Reader::Shared(reader) => {
                let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
                reader.seek(SeekFrom::Start(at))?;
                reader.read_exact(buffer)
            }
        }
    }

    /// Up to so many of the first bytes; all, if there are no more.
    pub(crate) fn first(&self, most: u64) -> io::Result<Vec<u8>> {
        const STEP: u64 = 1 << 20;
        let (mut bytes, end) = (Vec::new(), self.len.min(most));
        let mut at = 0;
        while at < end {
            let step = usize::try_from(STEP.min(end.saturating_sub(at))).unwrap_or(0);
            let old = bytes.len();
            bytes.resize(old.saturating_add(step), 0);
            self.read(bytes.get_mut(old..).unwrap_or_default(), at)?;
            at = at.saturating_add(STEP);
        }
        Ok(bytes)
    }
}

/// As the function of this name for files of Unix.
#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut at: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;

    while !buffer.is_empty() {
        match file.seek_read(buffer, at) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            Ok(read) => {
                buffer = buffer.get_mut(read..).unwrap_or_default();
                at = at.saturating_add(u64::try_from(read).unwrap_or(0));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

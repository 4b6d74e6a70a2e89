//! The LSNs of pages as they stand on disk, without the rest of the file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use super::sealing::Sealing;
use super::target::Head;
use crate::error::Error;
use crate::meta::FileKind;
use crate::method::Method;
use crate::order::Endianness;
use crate::pages::OpenOptions;
use crate::types::{FileId, Lsn, PageNo};

/// So much of a file tells what it is, in bytes.
const HEAD: u64 = 512;

/// The LSNs of the pages of a file, each read when it is asked for.
pub(super) struct PageLsns {
    file: File,
    pub(super) id: FileId,
    pub(super) method: Method,
    order: Endianness,
    page_size: u64,
    known: HashMap<PageNo, Option<Lsn>>,
    /// What kept a page from being read.
    pub(super) failed: Option<io::Error>,
}

impl PageLsns {
    /// `None` if the file is no database, or has no id by which a log could know it.
    pub(super) fn open(path: &Path, options: OpenOptions<'static>) -> Result<Option<PageLsns>, Error> {
        let error = |source: std::io::Error| Error::Open { path: path.to_owned(), cause: source.into() };
        let mut file = File::open(path).map_err(error)?;
        let mut head = Vec::new();
        file.by_ref().take(HEAD).read_to_end(&mut head).map_err(error)?;
        let encrypted = FileKind::of(&head).database().filter(|kind| kind.encrypted).cloned();
        let head = match encrypted {
            // Most of the id is hidden.
            Some(kind) => Head::of(&Sealing::of(&options.file(path)?, &kind)?.first(&head)),
            None => Head::of(&head),
        };
        let Some(Head { method, order, size, id, .. }) = head else { return Ok(None) };
        let page_size = u64::from(size.get());
        Ok(Some(PageLsns { file, id, method, order, page_size, known: HashMap::new(), failed: None }))
    }

    /// The LSN of a page, if the file has it.
    pub(super) fn of(&mut self, no: PageNo) -> Option<Lsn> {
        if let Some(known) = self.known.get(&no) {
            return *known;
        }
        let lsn = self.read(no).unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            None
        });
        self.known.insert(no, lsn);
        lsn
    }

    fn read(&mut self, no: PageNo) -> io::Result<Option<Lsn>> {
        let mut bytes = [0; 8];
        self.file.seek(SeekFrom::Start(u64::from(no.0).saturating_mul(self.page_size)))?;
        match self.file.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let lsn = self.order.u32_at(&bytes, 0).zip(self.order.u32_at(&bytes, 4));
        Ok(lsn.map(|(file, offset)| Lsn { file, offset }))
    }
}

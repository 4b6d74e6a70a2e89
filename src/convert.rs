//! The other byte order as an operation of its own (database-format, "Byte order").

use std::path::Path;

use byteorder::ByteOrder;

use crate::access::Database;
use crate::edit::{
    self, Counter, Draft, Edit, ExtentDraft, Notice, Operation, Prepared, Ready, Reason, Refusal, Result,
    Turn, expect_empty_main, leaves, list, normalise, structure, with_content,
};
use crate::error::file_bytes;
use crate::format::page::{Page, PageKind};
use crate::journal::{self, Disk, Identity, Options, SystemDisk};
use crate::meta::{FileKind, Meta};
use crate::method::Method;
use crate::order::{Endianness, with_order};
use crate::pages::Pages;
use crate::types::{Lsn, PageNo};

/// A change of one file, or of several as one unit, to a byte order: for machines of that order.
///
/// Every method and version is converted; a QUEUE together with its extents. Of a partitioned database
/// all files are to be given, the main file and the partitions, and none can be copied by itself.
/// An encrypted file needs its password, and is encrypted anew; one with extents is refused. A library reads files
/// of either order, but for what some releases do wrong: those of release 2 misread keys with
/// several values, and those of 5.2 and later a HEAP, that another kind of machine wrote. And files
/// of the order of the machine are faster.
///
/// ```
/// use bdbkit::Endianness;
/// use bdbkit::upgrade::Convert;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("folder.db");
/// # std::fs::copy("testdata/btree-v9-be-levels/data.db", &path)?;
/// let report = Convert::open(&path, Endianness::Little).run()?;
/// assert_eq!((report.files[0].from_order, report.files[0].to_order), (Endianness::Big, Endianness::Little));
/// assert_eq!(bdbkit::Database::open(&path)?.meta().endianness(), Endianness::Little);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Convert<'d, D> = Edit<'d, D, ConvertTo>;

/// What a conversion leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvertTo {
    /// The byte order of all pages afterwards.
    pub order: Endianness,
    /// The byte order of the machine that is to use the files, if it is another. It matters for a HEAP
    /// of releases 5.2 and 5.3, on whose pages they have some numbers in that order, whatever that of the
    /// file is; and for encrypted files, as the keys that a password gives depend on it.
    pub machine: Option<Endianness>,
    /// Whether the LSNs of all pages are reset, too: for files that leave their logs behind.
    pub reset_lsn: bool,
}

impl Convert<'_, SystemDisk> {
    /// A conversion of a file. Nothing is read yet.
    #[must_use]
    pub fn open(path: impl AsRef<Path>, to: Endianness) -> Self {
        Convert::open_all([path], to)
    }

    /// A conversion of several files of one folder: all of them or none.
    #[must_use]
    pub fn open_all(paths: impl IntoIterator<Item = impl AsRef<Path>>, to: Endianness) -> Self {
        Convert::on(&SystemDisk::MAPPED, paths, to)
    }
}

impl<'d, D: Disk> Convert<'d, D> {
    /// A conversion of files of some disk.
    #[must_use]
    pub fn on(disk: &'d D, paths: impl IntoIterator<Item = impl AsRef<Path>>, to: Endianness) -> Self {
        Edit::new(disk, paths, ConvertTo { order: to, machine: None, reset_lsn: false })
    }

    /// The password of encrypted files.
    #[must_use]
    pub fn password(self, password: impl Into<String>) -> Self {
        self.opened_with(password)
    }

    /// The byte order of the machine that is to use the files, if it is not the one asked for.
    #[must_use]
    pub fn machine(self, machine: Option<Endianness>) -> Self {
        self.with(|to| to.machine = machine)
    }

    /// Whether to reset the LSNs of all pages, too.
    #[must_use]
    pub fn reset_lsn(self, reset: bool) -> Self {
        self.with(|to| to.reset_lsn = reset)
    }
}

impl ConvertTo {
    /// A file that is in memory in this order, and what is worth knowing about it.
    ///
    /// ```
    /// use bdbkit::Endianness;
    /// use bdbkit::upgrade::ConvertTo;
    ///
    /// let old = std::fs::read("testdata/btree-v9-be-levels/data.db")?;
    /// let there = |order| ConvertTo { order, machine: None, reset_lsn: false };
    /// let (new, _) = there(Endianness::Little).in_memory(&old)?;
    /// assert_eq!(bdbkit::Database::from_bytes(&new)?.meta().endianness(), Endianness::Little);
    /// assert_eq!(there(Endianness::Big).in_memory(&new)?.0, old);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Why the file is refused, or that the result would be wrong. Logs are not looked at.
    pub fn in_memory(self, file: &[u8]) -> Result<(Vec<u8>, Vec<Notice>)> {
        edit::in_memory(&self, file)
    }

    /// Whether something on pages of a file is not in the order, whatever its first page says.
    fn is_due(self, file: &Database<'_>) -> bool {
        let meta = file.meta();
        let has_body = meta.method() == Method::Heap && !meta.generation().has_one_order();
        let keys = self.has_other_keys(file.pages());
        meta.endianness() != self.order || keys || (has_body && file.pages().body_order() != self.machine())
    }

    /// Whether pages are encrypted for another machine.
    fn has_other_keys(self, pages: &Pages<'_>) -> bool {
        pages.cipher().is_some_and(|cipher| cipher.machine() != self.machine())
    }

    /// Encrypts pages for the machine that is to use them, if they are encrypted.
    fn reseal(self, draft: &mut Draft<'_>) {
        let pages = draft.pages();
        if let Some([cipher, _]) =
            pages.cipher().and_then(|_| pages.file().password().ciphers(self.machine()))
        {
            draft.reseal(cipher);
        }
    }

    /// The byte order of the machine that is to use the files.
    fn machine(self) -> Endianness {
        self.machine.unwrap_or(self.order)
    }

    /// How pages are turned of which the first has this number.
    fn turn(self, first: PageNo) -> Turn {
        Turn { to: self.order, body: self.machine(), first }
    }
}

impl Operation for ConvertTo {
    fn name(&self) -> journal::Operation {
        journal::Operation::Convert
    }

    fn may_change(&self) -> &'static [Reason] {
        &[Reason::ByteOrder, Reason::KeyOrder, Reason::DatabaseList, Reason::Lsn]
    }

    fn takes(&self, _: Method) -> bool {
        true
    }

    fn takes_partitions(&self) -> bool {
        true
    }

    fn takes_encrypted(&self) -> bool {
        true
    }

    fn ready(&self, file: &[u8]) -> Result<Option<Ready>> {
        let kind = FileKind::of(file);
        let Some(kind) = kind.database().filter(|kind| kind.order == self.order && !self.reset_lsn) else {
            return Ok(None);
        };
        // What cannot be opened says so later.
        let Ok(db) = Database::from_bytes(file) else { return Ok(None) };
        if self.is_due(&db) || may_have_reversed(db.meta()) || db.tail() > 0 {
            return Ok(None);
        }
        Ok(Some(Ready { version: kind.version, pages: db.pages().count(), order: kind.order }))
    }

    fn prepare<'p>(
        &self,
        file: &'p Database<'_>,
        _: Option<Identity>,
        counter: Counter<'_>,
    ) -> Result<Prepared<'p>> {
        with_order!(file.meta().endianness(), O => prepare::<O>(*self, file, counter))
    }

    fn extent(&self, extent: &mut ExtentDraft<'_>) {
        if self.reset_lsn {
            extent.draft.reset_lsn(Lsn::NOT_LOGGED);
        }
        let pages = extent.draft.pages();
        if pages.order() != self.order || self.has_other_keys(pages) {
            // Of records no page can fail.
            let _ = extent.draft.turn(self.turn(extent.first));
            self.reseal(&mut extent.draft);
        }
    }
}

/// Whether shared keys may stand in the order of another machine.
fn may_have_reversed(meta: &Meta) -> bool {
    meta.method() == Method::Btree && meta.shared_keys_may_be_reversed()
}

fn prepare<'p, O: ByteOrder>(
    to: ConvertTo,
    file: &'p Database<'_>,
    counter: Counter<'_>,
) -> Result<Prepared<'p>> {
    let (pages, meta) = (file.pages(), file.meta());
    expect_empty_main(pages)?;
    // No page loses anything, so what nothing leads to stays.
    let mut notices = structure(file, true, counter)?;
    // Records in extents are looked at there.
    let (draft, promise) = with_content(file, pages.extents().is_none(), || {
        let mut draft = Draft::new(pages);
        if may_have_reversed(meta) {
            let keys = normalise::<O>(&mut draft, leaves_of_all::<O>(pages));
            notices.extend((keys > 0).then_some(Notice::KeyOrder { keys }));
        }
        if let Some(root) = meta.root().filter(|_| file.is_directory()) {
            list::<O>(&mut draft, &leaves::<O>(pages, root)?, meta.directory_order_in(to.order))?;
        }
        if to.reset_lsn {
            draft.reset_lsn(Lsn::NOT_LOGGED);
        }
        if to.is_due(file) {
            draft.turn(to.turn(PageNo::META)).map_err(|no| unfit(pages, no))?;
            to.reseal(&mut draft);
        }
        Ok(draft)
    })?;
    let (version, id) = (meta.version(), meta.file_id());
    let options = Options::default();
    Ok(Prepared { draft, promise, notices, options, order: to.order, from: version, to: version, id })
}

/// All leaves of a BTREE, whether anything leads to them or not.
fn leaves_of_all<'p, O: ByteOrder>(pages: &'p Pages<'_>) -> impl Iterator<Item = PageNo> + use<'p, O> {
    let is_leaf = |page: Page<'_, O>| PageKind::from_byte(page.type_byte()) == Some(PageKind::BtreeLeaf);
    (1..pages.count()).map(PageNo).filter(move |no| pages.raw(*no).and_then(Page::new).is_some_and(is_leaf))
}

/// That a page cannot be turned: no rule says so, if nothing leads to it.
fn unfit(pages: &Pages<'_>, no: PageNo) -> edit::EditError {
    let at = file_bytes(no.0, pages.size());
    let first = format!("page {no}, at byte {at}: what stands on it does not fit it");
    Refusal::Damaged { errors: 1, first }.into()
}

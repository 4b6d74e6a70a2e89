//! What can go wrong when a database file is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::method::{Feature, Method};
use crate::order::Endianness;
use crate::shown::ShowName;
use crate::types::{PageNo, PageSize};

/// The result of reading.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a database file, or a part of it, could not be read.
///
/// A message says all there is to say, the cause included; `source()` gives only what it has not said.
///
/// Errors about a page name it, with the offset of the byte that was wrong,
/// what stood there, and what was expected.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to open, map or read the file.
    #[error("{}: {cause}", .path.shown())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: Arc<std::io::Error>,
    },
    /// The operating system, or whatever else the file is read from, gave an error for a page.
    #[error("page {page}: {cause}")]
    Read {
        /// The page.
        page: PageNo,
        /// What was said.
        cause: Arc<std::io::Error>,
    },
    /// The file holds no bytes: created, but never written.
    #[error("the file is empty: a database that was never written")]
    Empty,
    /// Too short to be a database of any version.
    #[error("{len} bytes are too few for a database file, which has 512 at least")]
    TooShort {
        /// Length in bytes.
        len: u64,
    },
    /// No magic number of Berkeley DB where one should stand.
    #[error("not a Berkeley DB file: byte 12 holds {found:#010x}, which is no known magic number")]
    NotADatabase {
        /// The four bytes at 12, as a little-endian number.
        found: u32,
    },
    /// A transaction log, not a database.
    #[error("a Berkeley DB transaction log of version {version} ({order}), not a database")]
    LogFile {
        /// Version of the log's format.
        version: u32,
        /// Byte order of its header.
        order: Endianness,
    },
    /// The placeholder of an unfinished rename or remove.
    #[error("a placeholder that an unfinished rename or remove left behind: it holds no data")]
    Placeholder,
    /// A change in place was interrupted: the file is half-written, and a journal beside it
    /// knows how to go on.
    #[error(
        "half-written: a change of this file was interrupted; to resume it completes the file, to roll it back \
         brings the old one back"
    )]
    Interrupted,
    /// Records of a QUEUE, whose metadata is in another file.
    #[error("an extent of a QUEUE: its records belong to the database whose name it has behind \"__dbq.\"")]
    Extent,
    /// A database whose records are in files beside it, in memory, where there is nothing
    /// beside it.
    #[error(
        "its records are in files beside it (\"__dbq.NAME.N\" or \"__dbp.NAME.NNN\"): open it by its path"
    )]
    NoFolder,
    /// A file beside the database is not there, although it holds records.
    #[error("{} is missing: it holds records of this database", .path.shown())]
    MissingFile {
        /// The file that is missing.
        path: PathBuf,
    },
    /// Partitions of the database are not there.
    #[error("{} is missing{}: a partition of this database", .path.shown(), and_more(*more))]
    MissingPartition {
        /// The first one that is missing.
        path: PathBuf,
        /// How many more that follow it are missing, too.
        more: u32,
    },
    /// A partition of the database, or a part of it, could not be read.
    #[error("{}: {error}", .path.shown())]
    Partition {
        /// The partition.
        path: PathBuf,
        /// What is wrong with it.
        error: Box<Error>,
    },
    /// The database is partitioned, and a question was asked that a tree answers.
    #[error("{asked}: the pairs are in partitions, each of which can answer that")]
    InPartitions {
        /// What was asked.
        asked: &'static str,
    },
    /// The database is not partitioned.
    #[error("the database is not partitioned")]
    NotPartitioned,
    /// A region file: what programs that have an environment open share.
    #[error("a region file of an environment (cache, locks), not a database")]
    Region,
    /// A file of the 1.x series (1.85, 1.86).
    #[error("a {method} file of the 1.x series (version {version}, {order}): {}", series1(*method, *version))]
    Series1 {
        /// Access method.
        method: Method,
        /// File version.
        version: u32,
        /// Byte order of the file.
        order: Endianness,
    },
    /// An access method that is recognised but not read, or not changed.
    #[error("a {method} file, version {version}, {order}: not supported")]
    UnsupportedMethod {
        /// Access method.
        method: Method,
        /// File version.
        version: u32,
        /// Byte order of the file.
        order: Endianness,
    },
    /// A version that is not read.
    #[error("{method} version {version} ({order}) is {}", unsupported(*method, *version))]
    UnsupportedVersion {
        /// Access method.
        method: Method,
        /// File version.
        version: u32,
        /// Byte order of the file.
        order: Endianness,
    },
    /// A feature that is recognised but not read.
    #[error("{method} version {version}, {order}, {feature}: not supported{}", built_without(*feature))]
    UnsupportedFeature {
        /// Access method.
        method: Method,
        /// File version.
        version: u32,
        /// Byte order of the file.
        order: Endianness,
        /// The feature.
        feature: Feature,
    },
    /// The database is encrypted, and no password was given.
    ///
    /// [`OpenOptions::password`](crate::OpenOptions::password) takes it.
    #[error("{method} version {version}, {order}, encrypted: its password is needed")]
    Encrypted {
        /// Access method.
        method: Method,
        /// File version.
        version: u32,
        /// Byte order of the file.
        order: Endianness,
    },
    /// The database is encrypted, and the password opens none of its pages.
    #[error("encrypted, and the password does not fit")]
    Password,
    /// A page size that no file can have.
    #[error("page 0: byte 20: page size {found}, expected a power of two from 512 to 65536")]
    PageSize {
        /// What stood there.
        found: u32,
    },
    /// A byte on a page is wrong.
    #[error("page {page}: byte {offset}: {defect}")]
    Corrupt {
        /// The page.
        page: PageNo,
        /// Offset in the page, in bytes.
        offset: usize,
        /// What was found and expected.
        defect: Defect,
    },
    /// The checksum stored on a page is not that of its bytes.
    #[error("page {page}: byte {offset}: checksum {stored:#010x}, expected {computed:#010x}")]
    Checksum {
        /// The page.
        page: PageNo,
        /// Offset of the stored checksum in the page, in bytes.
        offset: usize,
        /// The checksum on the page.
        stored: u32,
        /// The checksum of the bytes.
        computed: u32,
    },
    /// The authentication code stored on an encrypted page is not that of its bytes.
    #[error(
        "page {page}: byte {offset}: the authentication code is not that of the page: it was damaged or changed"
    )]
    Authentication {
        /// The page.
        page: PageNo,
        /// Offset of the stored code in the page, in bytes.
        offset: usize,
    },
    /// Reading on would take more than the caller allowed.
    #[error(
        "page {page}: an item of {len} bytes exceeds the limit of {limit}: read it as a stream, or raise the limit"
    )]
    LimitExceeded {
        /// First page of the item's overflow chain.
        page: PageNo,
        /// Length of the item in bytes.
        len: u32,
        /// The limit in bytes.
        limit: u32,
    },
    /// A value is in an external file that cannot be given: nothing is wrong with other pairs.
    #[error("page {page}: byte {offset}: {file}")]
    External {
        /// The page with the item that stands for the value.
        page: PageNo,
        /// Where that item stands on its page, in bytes.
        offset: usize,
        /// Which file, and why.
        file: Box<ExternalFileError>,
    },
    /// Pages are read on demand, or decrypted, and as many are kept as the caller allowed.
    #[error(
        "page {page}: {limit} bytes of pages are kept already, the limit (Limits::max_kept): let go of them \
         (Database::release), read with an iterator that owns its entries, or raise the limit"
    )]
    KeptPages {
        /// The page that would have been read.
        page: PageNo,
        /// The limit in bytes.
        limit: u64,
    },
    /// More bytes in a pipe or a device than the caller allowed to read into memory.
    #[error(
        "more than {limit} bytes, the limit for what has no known length (Limits::max_stream): \
         copy it to a file, or raise the limit"
    )]
    StreamTooLong {
        /// The limit in bytes.
        limit: u64,
    },
    /// The file ends within its first page.
    #[error("the file was cut: it has {len} bytes, one page has {page_size}")]
    Cut {
        /// Length in bytes.
        len: u64,
        /// Size of a page as the metadata says.
        page_size: PageSize,
    },
    /// The file holds several databases, and pairs of one were asked for.
    ///
    /// [`Database::subdatabases`](crate::Database::subdatabases) gives them,
    /// [`Database::directory`](crate::Database::directory) the list itself.
    #[error("the file holds several databases ({count}): open one of them by its name")]
    SeveralDatabases {
        /// How many its list names, as far as it can be read.
        count: u32,
    },
    /// The file has no database of this name.
    #[error("the file holds no database named {}", .name.shown())]
    NoSuchDatabase {
        /// The name asked for.
        name: Vec<u8>,
    },
    /// An entry of a file's list of databases is wrong.
    #[error("database {}: {what}", .name.shown())]
    Directory {
        /// The name in the list.
        name: Vec<u8>,
        /// What is wrong.
        what: &'static str,
    },
    /// The file does not hold several databases.
    #[error("the file does not hold several databases")]
    NotMultiple,
    /// Keys of a HASH database were placed by another hash function: they can be read one
    /// after the other, but not looked up.
    ///
    /// [`OpenOptions::key_hash`](crate::OpenOptions::key_hash) takes the right one.
    #[error(
        "page {page}: byte {offset}: the keys were not placed by {function} (its check value is \
         {computed:#010x}, that of the database {stored:#010x}): a look-up needs the program's own"
    )]
    HashFunction {
        /// The metadata page.
        page: PageNo,
        /// Where the check value stands on it, in bytes.
        offset: usize,
        /// Which function was tried.
        function: &'static str,
        /// The check value of the database.
        stored: u32,
        /// That of the function.
        computed: u32,
    },
    /// A question that files of the 1.x series do not answer: they are read forwards, by key or by
    /// number.
    #[error("{asked}: a file of the 1.x series is read forwards only, by key or by number")]
    ForwardsOnly {
        /// What was asked.
        asked: &'static str,
    },
    /// A question that does not fit the kind of database.
    #[error("{asked}: a {} database cannot answer that", method.name())]
    WrongMethod {
        /// What was asked.
        asked: &'static str,
        /// The access method of the database.
        method: Method,
    },
}

/// Whether a feature would be supported by another build.
fn built_without(feature: Feature) -> &'static str {
    let missing = feature == Feature::Encrypted && !cfg!(feature = "encryption");
    if missing { " (built without the feature \"encryption\")" } else { "" }
}

fn and_more(more: u32) -> String {
    if more == 0 { String::new() } else { format!(" (and {more} more)") }
}

/// Why the value of a pair cannot be read that is in an external file (other-releases, "Where the
/// bytes are").
#[derive(Clone, Debug, thiserror::Error)]
#[error("a value of {size} bytes is in the external file {id}, {}{fault}", named(.path.as_deref()))]
#[non_exhaustive]
pub struct ExternalFileError {
    /// The number of the file in its folder.
    pub id: u64,
    /// Bytes of the value, as its item says.
    pub size: u64,
    /// Where the file should be; `None` if no folder of external files is known.
    pub path: Option<PathBuf>,
    /// What is wrong.
    pub fault: ExternalFault,
}

/// What is wrong with an external file.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExternalFault {
    /// Nobody named the folder of external files, and there is none beside the database or above.
    #[error("whose folder is not known: there is no __db_bl beside the database or in a folder above")]
    NoFolder,
    /// The file is not there.
    #[error("which is missing")]
    Missing,
    /// It, or a folder on the way to it, is a link or of a kind that is not followed.
    #[error("which is not followed: it, or a folder on the way, is a link or no regular file")]
    NotFollowed,
    /// It has another length than the item says.
    #[error("which has {found} bytes")]
    Length {
        /// Its length in bytes.
        found: u64,
    },
    /// It is longer than what may be read into memory.
    #[error("which exceeds the limit of {limit}: read it as a stream, or raise the limit")]
    TooLong {
        /// The limit in bytes.
        limit: u32,
    },
    /// The operating system refused to open or read it.
    #[error("{cause}")]
    Io {
        /// What the operating system said.
        cause: Arc<std::io::Error>,
    },
}

/// A path before what is said of it.
fn named(path: Option<&Path>) -> String {
    path.map_or(String::new(), |path| format!("{}, ", path.shown()))
}

/// What can be done with a file of the 1.x series.
fn series1(method: Method, version: u32) -> &'static str {
    match (method, version) {
        (Method::Hash, 1..=3) | (Method::Btree | Method::Recno, 3) => {
            "not supported here; what dump prints of it db_load writes anew"
        }
        _ => "not supported",
    }
}

/// What is known of a version that is not read.
fn unsupported(method: Method, version: u32) -> String {
    let newest = method.newest_version();
    if version > newest {
        return format!("newer than {newest}: written by a release later than 18.1, and not supported");
    }
    let oldest = method.oldest_version();
    format!("older than {oldest}: written by the 1.x series or a pre-release, and not supported")
}

/// What kind of error an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused something.
    Io,
    /// The file is something else.
    NotADatabase,
    /// A file of Berkeley DB, but of a kind that is not supported.
    Unsupported,
    /// A database that is damaged, cut, or was never written.
    Damaged,
    /// A change in place was interrupted, and has to be completed or taken back first.
    Interrupted,
    /// More memory would be needed than the caller allows.
    Limit,
    /// The question does not fit the database.
    Question,
    /// The database is encrypted, and its password is missing, or another one.
    Password,
}

impl ErrorKind {
    /// A word for it, which stays the same.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Io => "io",
            ErrorKind::NotADatabase => "not-a-database",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::Damaged => "damaged",
            ErrorKind::Interrupted => "interrupted",
            ErrorKind::Limit => "limit",
            ErrorKind::Question => "question",
            ErrorKind::Password => "password",
        }
    }
}

/// What is wrong with a byte of a page: found and expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Defect {
    /// A metadata field has an illegal value.
    #[error("{field} is {found}, expected {expected}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        found: u64,
        /// What would be legal.
        expected: &'static str,
    },
    /// A link leads outside the file.
    #[error("{what} {target} lies beyond the end: the file has {pages} pages")]
    BeyondEnd {
        /// What kind of link.
        what: &'static str,
        /// The page number found.
        target: u32,
        /// Number of whole pages in the file.
        pages: u32,
    },
    /// A link leads to a page that stood before the first one that is left.
    #[error("{what} {target} is missing: the first page here says that it is page {first}")]
    CutOff {
        /// What kind of link.
        what: &'static str,
        /// The page number found.
        target: u32,
        /// The number on the first page that is there.
        first: u32,
    },
    /// The page carries another page's number.
    #[error("the page says that it is page {found}")]
    PageNumber {
        /// The number on the page.
        found: u32,
    },
    /// The page is zero where it matters.
    #[error("the page is empty: zeroed, or never written (page {page}, byte {offset} leads to it)")]
    Unwritten {
        /// The page with the link to this one.
        page: PageNo,
        /// Where the link stands on that page, in bytes.
        offset: usize,
    },
    /// The page is of the wrong type for its place.
    #[error("page type {found}, expected {expected}")]
    PageType {
        /// The type byte.
        found: u8,
        /// The type or types that fit.
        expected: &'static str,
    },
    /// The page stands at the wrong level of the tree.
    #[error("level {found}, expected {expected}")]
    Level {
        /// The level on the page.
        found: u8,
        /// The level that fits.
        expected: u8,
    },
    /// The number of index slots cannot be right.
    #[error("{found} entries: {why}")]
    Entries {
        /// The number found.
        found: u16,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The start of the item area cannot be right.
    #[error("the item area starts at {found}, expected between {lowest} and {highest}")]
    ItemArea {
        /// The offset found.
        found: usize,
        /// Lowest legal offset.
        lowest: usize,
        /// Highest legal offset.
        highest: usize,
    },
    /// An index slot does not point into the item area.
    #[error("slot {slot} points to {found}, expected a multiple of 4 from {lowest} to below {end}")]
    ItemOffset {
        /// The slot.
        slot: u16,
        /// The offset found.
        found: u16,
        /// Lowest legal offset.
        lowest: usize,
        /// End of the page.
        end: usize,
    },
    /// An item reaches past the end of the page.
    #[error("item of {len} bytes in slot {slot} reaches past the end of the page at {end}")]
    ItemLength {
        /// The slot.
        slot: u16,
        /// Length in bytes.
        len: u32,
        /// End of the page.
        end: usize,
    },
    /// An item is of a kind that does not belong here.
    #[error("item type {found:#04x} in slot {slot}, expected {expected}")]
    ItemKind {
        /// The slot.
        slot: u16,
        /// The type byte.
        found: u8,
        /// What would be legal.
        expected: &'static str,
    },
    /// The items do not fill the item area exactly.
    #[error(
        "the items take {items} bytes but the item area has {area}, or they overlap: an item is missing or damaged"
    )]
    Packing {
        /// Padded size of all items, in bytes.
        items: usize,
        /// Size of the item area, in bytes.
        area: usize,
    },
    /// Two neighbours of a chain do not agree.
    #[error("{link} page is {found}, expected {expected}")]
    Link {
        /// Which link: previous or next.
        link: &'static str,
        /// The page number found (0: none).
        found: u32,
        /// The page number that fits (0: none).
        expected: u32,
    },
    /// A count of records disagrees with the records.
    #[error("{found} records, but {counted} are counted")]
    Count {
        /// The number kept in the tree.
        found: u32,
        /// The number there are.
        counted: u32,
    },
    /// An overflow chain does not have the length that its item states.
    #[error("overflow chain holds {found} bytes, its item says {expected}")]
    ChainLength {
        /// Bytes found so far.
        found: u64,
        /// Length stated by the item.
        expected: u32,
    },
    /// The pieces of a record do not have the length that its first one states.
    #[error("the pieces of the record hold {found} bytes, its first one says {expected}")]
    SplitLength {
        /// Bytes found so far.
        found: u64,
        /// Length stated by the first piece.
        expected: u32,
    },
    /// Pieces on this page that no record leads to, or more records than there are pieces.
    #[error("{pieces} pieces stand on this page, records lead to {led_to} of them")]
    Pieces {
        /// Pieces on the page, without those with which a record begins.
        pieces: u32,
        /// How often records lead to one of them.
        led_to: u32,
    },
    /// Records whose numbers the metadata leaves out.
    #[error(
        "{records} records stand on this page, the first of them {record}, which are not among {first} to {last}"
    )]
    Stray {
        /// How many.
        records: u32,
        /// The number of the first of them.
        record: u32,
        /// The first number of the QUEUE, by its metadata.
        first: u32,
        /// Its last number.
        last: u32,
    },
    /// A length that the whole file could not hold.
    #[error("a length of {found} bytes, but the whole file has {file}")]
    LengthBeyondFile {
        /// The length found.
        found: u32,
        /// Bytes in the file's pages.
        file: u64,
    },
    /// An entry of a compressed database cannot be taken apart.
    #[error("byte {at} of the compressed entry: {fault}: damage, or a compression of the database's own")]
    Compressed {
        /// Offset in the entry, in bytes.
        at: usize,
        /// What is wrong.
        fault: &'static str,
    },
    /// Keys in an entry of a compressed database are not in the order of the database.
    #[error(
        "byte {at} of the compressed entry: its key is out of order: damage, or a database with an order of \
         its own"
    )]
    CompressedOrder {
        /// Offset in the entry, in bytes.
        at: usize,
    },
    /// A partition holds keys that are not those of its range.
    #[error("the first or the last key of the tree does not belong to this partition")]
    OutsidePartition,
    /// Keys are not in the order of the database.
    #[error("the key in slot {slot} is out of order: damage, or a database with an order of its own")]
    KeyOrder {
        /// The slot.
        slot: u16,
    },
    /// A key stands in a bucket in which no look-up would seek it.
    #[error(
        "the key in slot {slot} belongs to bucket {expected}, not {found}: damage, or keys that another \
         function placed"
    )]
    Bucket {
        /// The slot.
        slot: u16,
        /// The bucket in which it stands.
        found: u32,
        /// The bucket that its hash gives.
        expected: u32,
    },
    /// Many records share a key, and to repeat it with each of them would take too much.
    #[error("a key of {len} bytes is shared by so many records that it is left out of the rest")]
    Repeated {
        /// Length of the key in bytes.
        len: usize,
    },
    /// Two values are in the same external file.
    #[error("the external file {id} is that of another value too")]
    ExternalTwice {
        /// The number of the file.
        id: u64,
    },
    /// A page was reached a second time in one walk.
    #[error("page {target} is reached a second time")]
    ReachedTwice {
        /// The page.
        target: u32,
    },
    /// More pages than the file has were visited: the links form a loop.
    #[error("the links of the tree form a loop")]
    Loop,
    /// Too many links lead to pages that have another place already: only the first ones
    /// are reported one by one.
    #[error("{number} or more other pages of this table of buckets have another place already")]
    Crowded {
        /// Number of pages that are not reported on their own.
        number: u32,
    },
    /// A bucket page is empty that was in use.
    #[error(
        "the page is empty: zeroed, or never written; it is that of a bucket, and of {counted} keys that \
         the metadata counts (page {meta}, byte {offset}) {found} were found"
    )]
    EmptyBucket {
        /// Keys by the metadata of the database.
        counted: u32,
        /// Keys that were found.
        found: u32,
        /// The metadata page.
        meta: PageNo,
        /// Where the number stands on the metadata page, in bytes.
        offset: usize,
    },
    /// The records of compressed entries give too many bytes that stand there once.
    #[error(
        "records give more than {limit} bytes of the entries on this page, past the limit (Limits::max_repeats)"
    )]
    Unpacked {
        /// The limit in bytes.
        limit: u64,
    },
    /// The pairs of a page give too many bytes that stand there once.
    #[error("pairs repeat more than {limit} bytes of this page, past the limit (Limits::max_repeats)")]
    Repeats {
        /// The limit in bytes.
        limit: u64,
    },
    /// A page with records belongs to no tree.
    #[error("{entries} entries stand on this page, but nothing leads to it")]
    Unreachable {
        /// Slots on the page.
        entries: u16,
    },
}

impl Error {
    pub(crate) fn corrupt(page: PageNo, offset: usize, defect: Defect) -> Error {
        Error::Corrupt { page, offset, defect }
    }

    pub(crate) fn field(
        page: PageNo,
        offset: usize,
        field: &'static str,
        found: impl Into<u64>,
        expected: &'static str,
    ) -> Error {
        Error::corrupt(page, offset, Defect::Field { field, found: found.into(), expected })
    }

    /// Whether the error is about the items of a page as a whole, not one of them.
    pub(crate) fn is_packing(&self) -> bool {
        matches!(self, Error::Corrupt { defect: Defect::Packing { .. }, .. })
    }

    /// What kind of error it is: for callers that treat all of one kind alike.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Partition { error, .. } => error.kind(),
            Error::Open { .. } | Error::Read { .. } => ErrorKind::Io,
            Error::External { file, .. } => match file.fault {
                ExternalFault::Io { .. } => ErrorKind::Io,
                ExternalFault::TooLong { .. } => ErrorKind::Limit,
                _ => ErrorKind::Damaged,
            },
            Error::NoFolder => ErrorKind::Question,
            Error::NotADatabase { .. } | Error::LogFile { .. } | Error::Region => ErrorKind::NotADatabase,
            Error::Extent
            | Error::Series1 { .. }
            | Error::UnsupportedMethod { .. }
            | Error::UnsupportedVersion { .. }
            | Error::UnsupportedFeature { .. } => ErrorKind::Unsupported,
            Error::Interrupted => ErrorKind::Interrupted,
            Error::Encrypted { .. } | Error::Password => ErrorKind::Password,
            Error::LimitExceeded { .. }
            | Error::KeptPages { .. }
            | Error::StreamTooLong { .. }
            | Error::Corrupt { defect: Defect::Repeats { .. } | Defect::Unpacked { .. }, .. } => {
                ErrorKind::Limit
            }
            Error::NoSuchDatabase { .. }
            | Error::NotMultiple
            | Error::InPartitions { .. }
            | Error::NotPartitioned
            | Error::SeveralDatabases { .. }
            | Error::HashFunction { .. }
            | Error::ForwardsOnly { .. }
            | Error::WrongMethod { .. } => ErrorKind::Question,
            Error::Empty
            | Error::TooShort { .. }
            | Error::Cut { .. }
            | Error::MissingFile { .. }
            | Error::MissingPartition { .. }
            | Error::Placeholder
            | Error::PageSize { .. }
            | Error::Corrupt { .. }
            | Error::Checksum { .. }
            | Error::Authentication { .. }
            | Error::Directory { .. } => ErrorKind::Damaged,
        }
    }

    /// Whether pages that were read could not be kept: reading anew with none kept may do.
    pub(crate) fn is_of_kept_pages(&self) -> bool {
        match self {
            Error::KeptPages { .. } => true,
            Error::Partition { error, .. } => error.is_of_kept_pages(),
            _ => false,
        }
    }

    /// The page that the error is about, where there is one.
    #[must_use]
    pub fn page(&self) -> Option<PageNo> {
        match self {
            Error::Corrupt { page, .. }
            | Error::Checksum { page, .. }
            | Error::Authentication { page, .. }
            | Error::Read { page, .. }
            | Error::External { page, .. }
            | Error::KeptPages { page, .. }
            | Error::LimitExceeded { page, .. }
            | Error::HashFunction { page, .. } => Some(*page),
            Error::PageSize { .. } => Some(PageNo::META),
            Error::Partition { error, .. } => error.page(),
            _ => None,
        }
    }
}

/// Bytes in `pages` pages of this size.
pub(crate) fn file_bytes(pages: u32, size: PageSize) -> u64 {
    u64::from(pages).saturating_mul(u64::from(size.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who prints an error and then its sources prints nothing twice.
    #[test]
    fn a_source_is_not_said_by_the_message_already() {
        let cause = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let words = cause.to_string();
        let error = Error::Open { path: PathBuf::from("a.db"), cause: cause.into() };
        let sources = std::iter::successors(std::error::Error::source(&error), |error| error.source());
        let whole = sources.fold(error.to_string(), |whole, source| format!("{whole}: {source}"));
        assert_eq!(whole, format!("a.db: {words}"));
    }
}

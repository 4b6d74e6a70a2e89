//! What records mean, whatever the version that wrote them (log-format, "Record
//! types").

use super::TxnId;
use crate::types::{FileId, Lsn, PageNo};

/// What a record says, without the differences between versions.
///
/// Records about housekeeping, and those that only recovery needs, are
/// [`Event::Other`]; their fields are still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The transaction committed; since release 3.1 with the time, in seconds since
    /// 1970.
    Commit {
        /// When.
        time: Option<i64>,
    },
    /// A prepared transaction aborted. Others leave no record of it.
    Abort {
        /// When.
        time: Option<i64>,
    },
    /// The transaction was prepared: whether it commits is decided elsewhere.
    Prepare {
        /// The global id given by the application.
        id: &'a [u8],
    },
    /// A nested transaction committed to its parent.
    ChildCommit {
        /// The nested transaction.
        child: TxnId,
        /// Its parent.
        parent: TxnId,
        /// The last record of the nested transaction.
        last: Lsn,
    },
    /// A checkpoint: every transaction with a record before `lsn` had ended.
    Checkpoint {
        /// Recovery need not begin before this.
        lsn: Lsn,
        /// The checkpoint before.
        last: Lsn,
        /// When.
        time: Option<i64>,
    },
    /// A database was opened, closed, or listed as open.
    Register(Register<'a>),
    /// An item was put on a page or taken from it.
    Item {
        /// Where.
        place: ChangePlace,
        /// Whether it was put there.
        add: bool,
        /// The whole item or its head; empty if `data` is a plain item's data.
        head: &'a [u8],
        /// What follows the head.
        data: &'a [u8],
    },
    /// A pair was marked as deleted. On a leaf with pairs the index is that of the key.
    Delete {
        /// Where.
        place: ChangePlace,
    },
    /// An item was replaced; only the middle that differs is recorded.
    Replace {
        /// Where.
        place: ChangePlace,
        /// Whether the item had been marked as deleted.
        deleted: bool,
        /// The middle before.
        old: &'a [u8],
        /// The middle afterwards.
        new: &'a [u8],
        /// How many bytes before the middle are the same.
        prefix: u32,
        /// How many bytes behind the middle are the same.
        suffix: u32,
    },
    /// A slot was added to a page, or taken from it, without its item: a key that
    /// several pairs share.
    Slot {
        /// Where.
        place: ChangePlace,
        /// The slot of which this one is a copy.
        copy: u32,
        /// Whether it was added.
        add: bool,
    },
    /// A page of an overflow chain was written or given up.
    Overflow {
        /// Where; the index is 0.
        place: ChangePlace,
        /// Whether it was written.
        add: bool,
        /// The page before in the chain.
        prev: Option<PageNo>,
        /// The page behind.
        next: Option<PageNo>,
        /// What stands on the page.
        data: &'a [u8],
    },
    /// A page was split in two.
    Split {
        /// The log's number of the database.
        file: i32,
        /// The page before the split.
        image: &'a [u8],
        /// The lower half.
        left: PageNo,
        /// The upper half.
        right: PageNo,
        /// How many slots went to the lower half.
        slots: u32,
    },
    /// The root took over the contents of its only child.
    Collapse {
        /// The log's number of the database.
        file: i32,
        /// The child.
        child: PageNo,
        /// The root.
        root: PageNo,
        /// The page that was the child's.
        image: &'a [u8],
    },
    /// What a page holds afterwards, or held before.
    Image {
        /// Where; the index is 0. The LSN before is unknown if it is `[0][0]`.
        place: ChangePlace,
        /// The page, or its beginning.
        image: &'a [u8],
        /// Its tail, if that is recorded apart.
        tail: &'a [u8],
        /// Whether the page was like this before, and is empty afterwards.
        emptied: bool,
    },
    /// A page took the items of another behind its own, or became a copy of it.
    Merge {
        /// The page; the index is 0.
        place: ChangePlace,
        /// The other page.
        from: PageNo,
        /// The head of the other page.
        head: &'a [u8],
        /// The items of the other page.
        tail: &'a [u8],
        /// Whether the page became a copy.
        copy: bool,
    },
    /// A page was moved: its neighbours in a chain have another one beside them.
    Move {
        /// The log's number of the database.
        file: i32,
        /// The neighbours before and behind.
        beside: [Option<PageNo>; 2],
        /// Where the page is now.
        to: PageNo,
    },
    /// An item refers to a page that was moved.
    Refer {
        /// Where the item stands.
        place: ChangePlace,
        /// Where the page was.
        from: PageNo,
        /// Where it is now.
        to: PageNo,
    },
    /// A page was taken into use.
    Allocate {
        /// Where; the index is 0.
        place: ChangePlace,
        /// The type of page that it becomes.
        kind: u32,
    },
    /// A page was given back.
    Free {
        /// Where; the index is 0.
        place: ChangePlace,
        /// The page's header.
        header: &'a [u8],
    },
    /// A pair was put on a page of a HASH database or taken from it.
    Pair {
        /// Where.
        place: ChangePlace,
        /// Whether it was put there.
        add: bool,
        /// The key, or a reference to it.
        key: HashItem<'a>,
        /// The data, or a reference to it.
        data: HashItem<'a>,
    },
    /// A part of an item of a HASH database was replaced.
    HashReplace {
        /// Where.
        place: ChangePlace,
        /// The item afterwards, if it is recorded whole: then its type may have
        /// changed.
        whole: Option<HashItem<'a>>,
        /// Offset of the part in the item.
        offset: u32,
        /// The part before.
        old: &'a [u8],
        /// The part afterwards.
        new: &'a [u8],
    },
    /// A record of a QUEUE database was written.
    QueuePut {
        /// The log's number of the database.
        file: i32,
        /// Record number.
        record: u32,
        /// What it holds afterwards.
        data: &'a [u8],
        /// What it held before; empty if nothing.
        old: &'a [u8],
    },
    /// A record of a QUEUE database was deleted.
    QueueDelete {
        /// The log's number of the database.
        file: i32,
        /// Record number.
        record: u32,
        /// What it held, if that is recorded.
        data: Option<&'a [u8]>,
    },
    /// A file was made.
    FileCreate {
        /// Its name.
        name: &'a [u8],
    },
    /// A file was removed.
    FileRemove {
        /// Its name.
        name: &'a [u8],
    },
    /// A file was renamed.
    FileRename {
        /// Its name before.
        old: &'a [u8],
        /// Its name afterwards.
        new: &'a [u8],
        /// The id of the file, where it is recorded.
        id: Option<FileId>,
    },
    /// Bytes were written to a file directly: a page of a new database.
    FileWrite {
        /// The file's name.
        name: &'a [u8],
        /// Number of the page.
        page: PageNo,
        /// The page.
        image: &'a [u8],
    },
    /// Anything else.
    Other,
}

/// Where a change was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangePlace {
    /// The log's number of the database: [`Files`](crate::log::Files) knows its name.
    pub file: i32,
    /// The page.
    pub page: PageNo,
    /// The slot on the page.
    pub index: u32,
    /// The LSN of the page before the change.
    pub before: Lsn,
    /// The type of the page, where it is recorded: from version 17 on.
    pub kind: Option<u8>,
}

/// A key or the data of a pair in a HASH database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashItem<'a> {
    /// The bytes themselves.
    Plain(&'a [u8]),
    /// Several duplicates, each with its length before it and behind it.
    Set(&'a [u8]),
    /// A reference to an overflow chain or to duplicates on other pages, as it stands on
    /// the page.
    Reference(&'a [u8]),
}

impl<'a> HashItem<'a> {
    /// An item that is recorded with its type.
    pub(crate) fn typed(item: &'a [u8]) -> HashItem<'a> {
        match item {
            [1, data @ ..] => HashItem::Plain(data),
            [2, set @ ..] => HashItem::Set(set),
            _ => HashItem::Reference(item),
        }
    }

    /// An item whose type is recorded apart.
    pub(crate) fn of(kind: u32, item: &'a [u8]) -> HashItem<'a> {
        match kind {
            1 => HashItem::Plain(item),
            2 => HashItem::Set(item),
            _ => HashItem::Reference(item),
        }
    }
}

/// A database that a log number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Register<'a> {
    /// What happened.
    pub operation: RegisterOperation,
    /// The number by which records name the database.
    pub file: i32,
    /// The file's name, as it was given when it was opened; empty for a database
    /// without a file.
    pub name: &'a [u8],
    /// The id of the file.
    pub id: Option<FileId>,
    /// Access method: 1 BTREE, 2 HASH, 3 RECNO, 4 QUEUE, 6 HEAP.
    pub method: u32,
    /// Metadata page of the database; 0 if it has the file to itself.
    pub meta: PageNo,
    /// Whether the database is big-endian; recorded from version 17 on.
    pub big_endian: Option<bool>,
}

/// What a register record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterOperation {
    /// The database was open at a checkpoint.
    Checkpoint,
    /// It was opened.
    Open,
    /// It was closed, by its user or at the end of a recovery.
    Close,
}

impl RegisterOperation {
    pub(crate) fn of(version: u32, opcode: u32) -> Option<RegisterOperation> {
        let opcode = if version >= 17 { opcode & 0xf } else { opcode };
        Some(match opcode {
            1 | 7 => RegisterOperation::Checkpoint,
            2 => RegisterOperation::Close,
            4 if version < 11 => RegisterOperation::Close,
            5 => RegisterOperation::Close,
            3 | 4 | 6 | 8 | 9 => RegisterOperation::Open,
            _ => return None,
        })
    }
}

//! What is worth knowing about a file that is changed.

use std::fmt;

use crate::shown::{ShowName, counted};
use crate::types::PageNo;

/// Something that does not stop a change, but that somebody should know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The metadata asks for fewer than two keys on a page, which newer verifiers reject.
    MinKey {
        /// The metadata page.
        page: PageNo,
        /// What it says.
        keys: u32,
    },
    /// Records of fixed length, but the length is not stored: version 6 never does.
    RecordLength {
        /// The length that all records have, if they have one.
        length: Option<u32>,
    },
    /// An earlier run left a journal: the next one goes on with that first.
    Unfinished,
    /// Processes of other users, of which this user cannot tell whether they have a file open.
    Unseen {
        /// How many.
        processes: u64,
    },
    /// Extended attributes that the copy could not be given.
    Attributes {
        /// Their names.
        names: Vec<String>,
    },
    /// Pages that nothing leads to and that are not on the free list.
    Unreferenced {
        /// How many.
        pages: u64,
        /// The first of them.
        first: PageNo,
    },
    /// Items that a crash left marked as deleted: they stay, and newer verifiers reject them.
    Deleted {
        /// How many.
        items: u64,
        /// The first page that has some.
        first: PageNo,
    },
    /// The stored number of the last page was wrong.
    LastPage {
        /// What the file said.
        stored: u32,
        /// What is right.
        last: u32,
    },
    /// Bytes that 4.1 and later would take for an encryption algorithm were cleared, or one
    /// beside them.
    StaleMaxKey,
    /// Bytes that 4.8 and later would take for a number of partitions were cleared.
    StaleAllocation,
    /// Shared keys with a length in the wrong byte order were turned round.
    KeyOrder {
        /// How many.
        keys: u64,
    },
    /// Duplicates were taken as sorted, or not, by looking at them.
    Sorted {
        /// Name of the database, of several.
        database: Option<Vec<u8>>,
        /// Whether they are sorted.
        sorted: bool,
    },
    /// Pages are newer than the logs beside the file, or foreign to them.
    ForeignLog {
        /// What was seen, in words.
        text: String,
    },
    /// The logs beside the file were not looked at, as asked.
    LogsIgnored,
    /// Keys were placed by a hash function of the application's own: whether each is in its bucket
    /// is not known.
    CustomHash {
        /// Name of the database, of several.
        database: Option<Vec<u8>>,
    },
    /// Entries of the table of buckets were cleared that later releases would take for pages that
    /// are kept for buckets to come.
    StaleSpares {
        /// How many.
        entries: u32,
    },
    /// Pages of buckets are sorted, as release 4.6 and later write them: earlier ones reject them,
    /// whatever the version of the file.
    SortedBuckets {
        /// How many.
        pages: u64,
        /// The first of them.
        first: PageNo,
    },
    /// What was found before and is right now.
    Mended {
        /// The rule, by its name in the specification.
        rule: &'static str,
        /// How many findings there were.
        findings: u64,
        /// The page of the first.
        first: PageNo,
    },
    /// What was found and stays as it is: nothing is lost by it, or only an application knows.
    Left {
        /// The rule, by its name in the specification.
        rule: &'static str,
        /// How many findings there are.
        findings: u64,
        /// The page of the first.
        first: PageNo,
    },
    /// That duplicates are sorted is told no more: the version has no place for it.
    SortingLost {
        /// Name of the database, of several.
        database: Option<Vec<u8>>,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::MinKey { page, keys } => {
                let keys = counted((*keys).into(), "key");
                write!(
                    f,
                    "page {page} asks for {keys} on a page, which newer verifiers reject; left as it is"
                )
            }
            Notice::RecordLength { length } => {
                f.write_str("records of fixed length, but version 6 does not store it: newer releases read them and refuse to add any")?;
                match length {
                    Some(length) => {
                        write!(
                            f,
                            "; all records have {}: choose that length",
                            counted((*length).into(), "byte")
                        )
                    }
                    None => Ok(()),
                }
            }
            Notice::Unfinished => f.write_str("an earlier run left a journal, which comes first"),
            Notice::Attributes { names } => {
                write!(f, "the copy could not be given these extended attributes: {}", names.join(", "))
            }
            Notice::Unreferenced { pages, first } => {
                let pages = counted(*pages, "page");
                write!(f, "{pages} that nothing leads to, the first is {first}: newer verifiers report that")
            }
            Notice::Deleted { items, first } => {
                let items = counted(*items, "item");
                write!(
                    f,
                    "{items} marked as deleted, the first on page {first}: left as it is, and reported by newer verifiers"
                )
            }
            Notice::Unseen { processes } => write!(
                f,
                "{} of other users cannot be looked at: whether one of them has the file open is not known",
                if *processes == 1 { "1 process".to_owned() } else { format!("{processes} processes") }
            ),
            Notice::LastPage { stored, last } => {
                let danger = *stored != 0 && stored < last;
                let danger = if danger { ": releases from 4.7 on would write over pages" } else { "" };
                write!(f, "the last page was stored as {stored}, but is {last}{danger}")
            }
            Notice::StaleMaxKey => f.write_str(
                "bytes of a setting of release 2 are cleared that 4.1 and later take for encryption",
            ),
            Notice::StaleAllocation => f.write_str(
                "half of an LSN of release 3.1 is cleared that 4.8 and later take for a number of partitions",
            ),
            Notice::KeyOrder { keys } => {
                write!(
                    f,
                    "{} turned round: the length stood in the wrong byte order",
                    counted(*keys, "shared key")
                )
            }
            Notice::Sorted { database, sorted } => {
                let how = if *sorted { "sorted" } else { "unsorted" };
                match database {
                    Some(name) => {
                        write!(f, "database {}: duplicates are taken as {how}", name.shown())
                    }
                    None => write!(f, "duplicates are taken as {how}"),
                }
            }
            Notice::ForeignLog { text } => f.write_str(text),
            Notice::LogsIgnored => f.write_str("the logs beside the file were not looked at, as asked"),
            Notice::CustomHash { database } => {
                if let Some(name) = database {
                    write!(f, "database {}: ", name.shown())?;
                }
                f.write_str(
                    "custom hash function: the keys were placed by one of the application's own, and stay where they are",
                )
            }
            Notice::StaleSpares { entries } => {
                let entries = if *entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") };
                write!(
                    f,
                    "{entries} of the table of buckets cleared: newer releases would have put keys over other pages"
                )
            }
            Notice::Mended { rule, findings, first } => {
                let findings = counted(*findings, "finding");
                write!(f, "{findings} of rule {rule} mended, the first on page {first}")
            }
            Notice::Left { rule, findings, first } => {
                let findings = counted(*findings, "finding");
                write!(f, "{findings} of rule {rule} left as found, the first on page {first}")
            }
            Notice::SortingLost { database } => {
                if let Some(name) = database {
                    write!(f, "database {}: ", name.shown())?;
                }
                f.write_str(
                    "that duplicates are sorted is told no more, as the version has no place for it: the application must ask for it",
                )
            }
            Notice::SortedBuckets { pages, first } => {
                let pages = counted(*pages, "page");
                write!(f, "{pages} of buckets sorted, the first is {first}: releases before 4.6 reject that")
            }
        }
    }
}

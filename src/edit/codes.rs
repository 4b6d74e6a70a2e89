//! The codes of refusals and notices.

use super::error::Refusal;
use super::notice::Notice;
use crate::codes::codes;

codes! { Refusal:
    Downgrade = "R-DOWNGRADE",
    Earlier = "R-EARLIER",
    Older = "R-OLDER",
    ListOrder = "R-LIST-ORDER",
    NotMended = "R-NOT-MENDED",
    NotKept = "R-NOT-KEPT",
    Tail = "R-TAIL",
    Damaged = "R-DAMAGED",
    Unreachable = "R-UNREACHABLE",
    Unreadable = "R-UNREADABLE",
    Encrypted = "R-ENCRYPTED",
    OldHash = "R-OLD-HASH",
    Growth = "R-GROWTH",
    QueueStart = "R-QUEUE-START",
    KeyOrder = "R-KEY-ORDER",
    RecordLength = "R-RECORD-LENGTH",
    Chain = "R-CHAIN",
    DatabaseList = "R-DATABASE-LIST",
    NoSuchDatabase = "R-NO-SUCH-DATABASE",
    Unsorted = "R-UNSORTED",
    Environment = "R-ENVIRONMENT",
    Recovery = "R-RECOVERY",
    Exists = "R-EXISTS",
    Twice = "R-TWICE",
    Folders = "R-FOLDERS",
}

codes! { Notice:
    MinKey = "W-MINKEY",
    RecordLength = "W-RECORD-LENGTH",
    Unfinished = "W-UNFINISHED",
    Unseen = "W-UNSEEN",
    Attributes = "W-ATTRIBUTES",
    Unreferenced = "W-UNREFERENCED",
    Deleted = "W-DELETED",
    LastPage = "W-LAST-PAGE",
    StaleMaxKey = "W-STALE-MAX-KEY",
    StaleAllocation = "W-STALE-ALLOCATION",
    KeyOrder = "W-KEY-ORDER",
    Sorted = "W-SORTED",
    ForeignLog = "W-FOREIGN-LOG",
    LogsIgnored = "W-LOGS-IGNORED",
    CustomHash = "W-CUSTOM-HASH",
    StaleSpares = "W-STALE-SPARES",
    SortedBuckets = "W-SORTED-BUCKETS",
    Mended = "W-MENDED",
    Left = "W-LEFT",
    SortingLost = "W-SORTING-LOST",
}

//! What a check can find.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::shown::ShowName;
use crate::types::PageNo;

/// Something that a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule that does not hold.
    pub rule: Rule,
    /// How bad it is.
    pub severity: Severity,
    /// The file, if it is a partition of the database.
    pub partition: Option<Arc<Path>>,
    /// The database, of several in the file.
    pub database: Option<Arc<[u8]>>,
    /// The page.
    pub page: PageNo,
    /// Offset in the page, in bytes.
    pub offset: usize,
    /// What was found and what was expected, in words.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.severity, self.rule.id())?;
        if let Some(name) = self.partition.as_ref().and_then(|path| path.file_name()) {
            write!(f, "{}: ", Path::new(name).shown())?;
        }
        write!(f, "page {}: byte {}: ", self.page, self.offset)?;
        if let Some(name) = &self.database {
            write!(f, "database {}: ", name.shown())?;
        }
        f.write_str(&self.text)
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// A habit of some release, or what a crash leaves behind: nothing is lost.
    Warning,
    /// Damage: something is wrong, and something may be lost.
    Error,
}

impl Severity {
    /// In one word: `note`, `warning` or `error`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $id:literal;)*) => {
        /// An invariant of a file (database-format, "Invariants for a verifier").
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])* $name,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Rule] = &[$(Rule::$name),*];

            /// The name of the rule in the specification.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self {
                    $(Rule::$name => $id,)*
                }
            }
        }
    };
}

impl Rule {
    /// Whether the rule is about the order of keys or of duplicates, which a database may have of
    /// its own: [`Verify::check_order`](crate::verify::Verify::check_order) leaves such rules out.
    #[must_use]
    pub fn is_of_order(self) -> bool {
        matches!(
            self,
            Rule::KeyOrder
                | Rule::InternalOrder
                | Rule::KeyRange
                | Rule::DuplicateOrder
                | Rule::BucketOrder
                | Rule::ChunkOrder
        )
    }
}

rules! {
    /// The file has whole pages, two at least.
    FileSize = "F-SIZE";
    /// The last page is the one that the metadata names.
    LastPage = "F-LAST";
    /// Every page is in one place: in one tree, one chain, the free list.
    Once = "F-ONCE";
    /// Every page has a place.
    Unreferenced = "F-ONCE";
    /// Magic number, version, page size of a metadata page.
    Metadata = "M-MAGIC";
    /// The type of a metadata page.
    MetadataType = "M-TYPE";
    /// Only flags that the version knows, and that go together.
    Flags = "M-FLAGS";
    /// At least two keys on a page.
    MinKey = "M-MINKEY";
    /// A record length only where records have one.
    RecordLength = "M-RELEN";
    /// The root is a page of the file, and not the metadata page.
    Root = "M-ROOT";
    /// The free list begins on page 0 only.
    Free = "M-FREE";
    /// Free pages are empty.
    FreeType = "FL-TYPE";
    /// The free list leads to pages of the file.
    FreeLink = "FL-LINK";
    /// The free list ends.
    FreeCycle = "FL-CYCLE";
    /// A page carries its own number.
    PageNumber = "P-NUM";
    /// A page is of the type that its place needs.
    PageType = "P-TYPE";
    /// A page is at the level that its place needs.
    Level = "P-LEVEL";
    /// The index of a page fits before its items.
    Entries = "P-ENT";
    /// The item area starts with the lowest item.
    ItemArea = "P-HF";
    /// Links between pages stay within the file.
    Link = "P-LINK";
    /// Index slots point to items.
    ItemOffset = "I-OFF";
    /// Items end within the page.
    ItemLength = "I-LEN";
    /// Items are of a kind that belongs there.
    ItemKind = "I-KIND";
    /// Only keys of duplicates share an item.
    ItemShare = "I-SHARE";
    /// Items do not overlap and leave no gaps.
    ItemPacking = "I-PACK";
    /// Deleted items are not left behind.
    ItemDeleted = "I-DEL";
    /// References to overflow chains stay within the file.
    OverflowItem = "I-OVF";
    /// Items that stand for external files lead to one of their own each, in the folder of the
    /// database.
    ExternalId = "B-ID";
    /// External files are there, and as long as their items say.
    ExternalFile = "B-FILE";
    /// The pairs of a page do not give the bytes of others again and again.
    Repeats = "I-REP";
    /// The keys of a leaf increase.
    KeyOrder = "K-ORD";
    /// The keys of an internal page increase.
    InternalOrder = "K-ORDI";
    /// The keys below an internal page lie between its keys.
    KeyRange = "K-RANGE";
    /// Keys were compared as far as the bound for comparisons allows.
    Uncompared = "K-PART";
    /// Keys increase from leaf to leaf.
    KeyChain = "K-CHAIN";
    /// Sorted duplicates increase.
    DuplicateOrder = "D-ORD";
    /// Duplicates only where they are allowed.
    DuplicateFlag = "D-FLAG";
    /// Off-page duplicates have the form of their version.
    DuplicateType = "D-TYPE";
    /// The links between leaves follow the tree.
    LeafChain = "T-CHAIN";
    /// Internal pages have children.
    EmptyNode = "T-EMPTY";
    /// Counts of records are right.
    Count = "N-SUM";
    /// Records of fixed length have it.
    FixedLength = "N-RELEN";
    /// Overflow chains are made of overflow pages.
    OverflowType = "O-TYPE";
    /// Overflow pages link back.
    OverflowLink = "O-PREV";
    /// Overflow chains are as long as their items say.
    OverflowLength = "O-LEN";
    /// Overflow chains are referred to as often as they say.
    OverflowCount = "O-REF";
    /// The list of databases leads to metadata pages.
    Directory = "S-NAME";
    /// The checksum of a page, or the code of an encrypted one, is that of its bytes.
    Checksum = "C-SUM";
    /// An encrypted metadata page repeats its magic number.
    CryptoMagic = "C-META";
    /// The files of a partitioned database are there, and fit one another.
    Partition = "PART-FILE";
    /// The main file of a database that is partitioned by keys has one key for each.
    PartitionKeys = "PART-KEYS";
    /// The lengths in a compressed entry are numbers.
    ChunkNumber = "X-INT";
    /// The records of a compressed entry fill it.
    ChunkLength = "X-LEN";
    /// The records of compressed entries increase.
    ChunkOrder = "X-ORD";
    /// A page of a QUEUE holds as many records as fit.
    QueuePage = "Q-RECPAGE";
    /// The records of a QUEUE have the numbers that its metadata says.
    QueueRange = "Q-RANGE";
    /// The flags of a record of a QUEUE.
    QueueFlag = "Q-FLAG";
    /// The slots of a HEAP page are those that it counts, and lead to items.
    HeapTable = "E-TAB";
    /// The items of a HEAP page do not overlap.
    HeapOverlap = "E-OVER";
    /// The pieces of a HEAP record lead to one another, and add up to it.
    Split = "E-SPLIT";
    /// The flags of a HEAP item go together.
    HeapFlag = "E-FLAG";
    /// A HEAP is divided into the regions that its metadata says.
    Region = "E-REGION";
    /// A page of a HASH database that is reserved for a bucket is empty.
    Hash = "H-PAGE";
    /// The table of a HASH database leads to pages of buckets.
    Spares = "H-SPARE";
    /// The numbers that give the bucket of a hash fit one another.
    Masks = "H-MASK";
    /// Keys are in the bucket of their hash.
    Bucket = "H-BUCKET";
    /// The pages of a bucket link back.
    BucketChain = "H-CHAIN";
    /// Items of buckets are of a kind and a length that belong there.
    BucketItem = "H-ITEM";
    /// Keys on a sorted page of a bucket are in order.
    BucketOrder = "H-SORT";
    /// Keys of HASH have several values only where that is allowed.
    BucketDuplicates = "H-DUP";
    /// A HASH database has as many keys as it counts.
    Elements = "H-NELEM";
}

//! What records do, whatever their releases call them, and the pages they touch
//! (log-format, "Record types"; recovery, "Record actions" and the annex).

use super::name::Name;
use super::pages::Before::{Image, InList, Lsn, Unrecorded};
use super::pages::Number::{At, AtOr, AtOrOfDatabase, Bucket, File, LastOf, Listed, OfDatabase, OfImage};
use super::pages::{Number, PageOf, Part};

/// Writes the table of operations: the names of their records, and their pages, each with its
/// part, its number, and the LSN that it had before.
macro_rules! ops {
    ($(
        $(#[$doc:meta])*
        $op:ident $($name:literal)+ { $($part:ident $number:expr, $before:expr;)* }
    )*) => {
        /// What a record does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Op { $($(#[$doc])* $op),* }

        impl Op {
            /// What the records of a name do. Releases from 4.1 on put underscores before
            /// their names.
            #[allow(clippy::panic)]
            pub(super) const fn of(name: &str) -> Op {
                let mut name = name.as_bytes();
                while let [b'_', rest @ ..] = name {
                    name = rest;
                }
                match name {
                    $($($name)|+ => Op::$op,)*
                    // Runs in the compiler only, which stops at a name that is not known.
                    _ => panic!("no operation has a record of this name"),
                }
            }

            /// The pages that such records touch, in the order in which recovery takes them. A
            /// page that is named twice is touched once, as it is named first.
            pub(crate) fn pages(self) -> &'static [PageOf] {
                match self {
                    $(Op::$op => &[$(PageOf { part: Part::$part, number: $number, before: $before }),*],)*
                }
            }
        }
    };
}

/// The metadata page of the file, or the one that is named.
const META: Number = AtOr(Name::meta_pgno, 0);

ops! {
    // Transactions and files.

    /// A transaction committed, or was ended in another way that its opcode tells.
    TxnRegop b"txn_regop" b"txn_old_regop" {}
    /// A transaction was prepared under an XA id.
    TxnXaRegop b"txn_xa_regop" b"txn_xa_regop_old" {}
    /// A transaction was prepared.
    TxnPrepare b"txn_prepare" {}
    /// A nested transaction committed to its parent.
    TxnChild b"txn_child" b"txn_child_old" {}
    /// A checkpoint.
    TxnCkp b"txn_ckp" b"txn_old_ckp" {}
    /// Numbers of transactions begin anew.
    TxnRecycle b"txn_recycle" {}
    /// A database was opened, closed, or listed as open.
    Register b"log_register" b"log_register1" b"dbreg_register" {}
    /// The members of a replication group changed.
    RepmgrMember b"repmgr_member" {}
    /// Something was written for a reader of the log.
    Debug b"db_debug" {}
    /// A page with a wrong checksum was met.
    Cksum b"db_cksum" {}
    /// A file is made.
    FileCreate b"crdel_fileopen" b"fop_create" {}
    /// A file is removed.
    FileRemove b"crdel_delete" b"crdel_old_delete" b"fop_remove" {}
    /// A file gets another name.
    FileRename b"crdel_rename" b"fop_rename" b"fop_rename_noundo" {}
    /// A file is removed that another replaces.
    FileReplace b"fop_file_remove" {}
    /// Bytes are written to a file directly.
    FileWrite b"fop_write" b"fop_write_file" {}
    /// The metadata page of a new file. The page is judged by whether it is there at all.
    Metapage b"crdel_metapage" {}
    /// A database in memory.
    InMemory b"crdel_inmem_create" b"crdel_inmem_rename" b"crdel_inmem_remove" {}

    // Pages of all methods.

    /// An item is put on a page or taken from it.
    Addrem b"db_addrem" { Own At(Name::pgno), Lsn(Name::pagelsn); }
    /// A page before or after it was split (2.x).
    SplitPage b"db_split" { Own At(Name::pgno), Lsn(Name::pagelsn); }
    /// A page of an overflow chain is written or given up.
    Big b"db_big" {
        Own At(Name::pgno), Lsn(Name::pagelsn);
        Neighbour At(Name::prev_pgno), Lsn(Name::prevlsn);
        Neighbour At(Name::next_pgno), Lsn(Name::nextlsn);
    }
    /// The reference count of an overflow item changes.
    Ovref b"db_ovref" { Own At(Name::pgno), Lsn(Name::lsn); }
    /// A page leaves a chain, or is replaced in it.
    Relink b"db_relink" b"bam_relink" {
        Own At(Name::pgno), Lsn(Name::lsn);
        Neighbour At(Name::next), Lsn(Name::lsn_next);
        Neighbour At(Name::next_pgno), Lsn(Name::lsn_next);
        Neighbour At(Name::prev), Lsn(Name::lsn_prev);
        Neighbour At(Name::prev_pgno), Lsn(Name::lsn_prev);
    }
    /// A page is put behind another (2.x).
    AddPage b"db_addpage" {
        Own At(Name::pgno), Lsn(Name::lsn);
        Neighbour At(Name::nextpgno), Lsn(Name::nextlsn);
    }
    /// Nothing but the LSN of a page changes.
    Noop b"db_noop" { Own At(Name::pgno), Lsn(Name::prevlsn); }
    /// A page is taken into use.
    PgAlloc b"db_pg_alloc" b"bam_pg_alloc" b"bam_pg_alloc1" {
        Own At(Name::pgno), Lsn(Name::page_lsn);
        Meta META, Lsn(Name::meta_lsn);
    }
    /// A page is given back.
    PgFree b"db_pg_free" b"bam_pg_free" b"bam_pg_free1" {
        Own At(Name::pgno), Image(Name::header);
        Meta META, Lsn(Name::meta_lsn);
    }
    /// A page is given back with what stands on it.
    PgFreedata b"db_pg_freedata" {
        Own At(Name::pgno), Image(Name::header);
        Meta META, Lsn(Name::meta_lsn);
    }
    /// A page is about to be prepared.
    PgPrepare b"db_pg_prepare" {}
    /// A page at the end of the file: it is remembered, not changed.
    PgNew b"db_pg_new" {}
    /// A page is emptied and stays.
    PgInit b"db_pg_init" { Own At(Name::pgno), Image(Name::header); }
    /// The free pages are sorted, and those at the end of the file cut off.
    PgSort b"db_pg_sort" {
        Meta At(Name::meta), Lsn(Name::meta_lsn);
        Free At(Name::last_free), Lsn(Name::last_lsn);
        Free Listed(Name::list), InList;
    }
    /// The same, as releases from 4.8 on do it.
    PgTrunc b"db_pg_trunc" {
        Meta At(Name::meta), Lsn(Name::meta_lsn);
        Free At(Name::last_free), Lsn(Name::last_lsn);
        Free Listed(Name::list), InList;
    }
    /// A run of free pages is taken for hash buckets.
    Realloc b"db_realloc" {
        Free Listed(Name::list), InList;
        Meta At(Name::prev_pgno), Lsn(Name::page_lsn);
    }
    /// The items of a page go to another.
    Merge b"bam_merge" b"db_merge" {
        Own At(Name::pgno), Lsn(Name::lsn);
        Source At(Name::npgno), Lsn(Name::nlsn);
    }
    /// An item refers to a page that was moved.
    Pgno b"bam_pgno" b"db_pgno" { Own At(Name::pgno), Lsn(Name::lsn); }
    /// The metadata page of one of several databases in a file.
    Metasub b"crdel_metasub" { Own At(Name::pgno), Lsn(Name::lsn); }

    // BTREE and RECNO.

    /// A page is split in two.
    Split b"bam_split" b"bam_split1" {
        Own At(Name::left), Lsn(Name::llsn);
        Own At(Name::right), Lsn(Name::rlsn);
        Source OfImage(Name::pg), Image(Name::pg);
        Neighbour At(Name::npgno), Lsn(Name::nlsn);
        Parent At(Name::ppgno), Lsn(Name::plsn);
    }
    /// The root takes over the contents of its only child.
    Rsplit b"bam_rsplit" b"bam_rsplit1" {
        Own AtOr(Name::root_pgno, 1), Lsn(Name::rootlsn);
        Source At(Name::pgno), Image(Name::pgdbt);
    }
    /// A slot of a key that several pairs share.
    Adj b"bam_adj" { Own At(Name::pgno), Lsn(Name::lsn); }
    /// The count of records below changes.
    Cadjust b"bam_cadjust" { Own At(Name::pgno), Lsn(Name::lsn); }
    /// A pair is marked as deleted.
    Cdel b"bam_cdel" { Own At(Name::pgno), Lsn(Name::lsn); }
    /// An item is replaced.
    Repl b"bam_repl" { Own At(Name::pgno), Lsn(Name::lsn); }
    /// An item of an internal page is replaced.
    Irep b"bam_irep" { Own At(Name::pgno), Lsn(Name::lsn); }
    /// A database has another root.
    Root b"bam_root" { Meta META, Lsn(Name::meta_lsn); }
    /// Cursors move.
    Curadj b"bam_curadj" b"bam_rcuradj" b"ham_curadj" b"ham_chgpg" {}

    // HASH.

    /// A pair is put on a page or taken from it.
    Insdel b"ham_insdel" { Own At(Name::pgno), Lsn(Name::pagelsn); }
    /// A page is put into a chain or taken from it.
    Newpage b"ham_newpage" {
        Own At(Name::new_pgno), Lsn(Name::pagelsn);
        Neighbour At(Name::prev_pgno), Lsn(Name::prevlsn);
        Neighbour At(Name::next_pgno), Lsn(Name::nextlsn);
    }
    /// The table grows by a bucket (2.x).
    SplitMeta b"ham_splitmeta" { Meta File(0), Lsn(Name::metalsn); }
    /// A page before or after its bucket was split.
    SplitData b"ham_splitdata" { Own At(Name::pgno), Lsn(Name::pagelsn); }
    /// A part of an item is replaced.
    Replace b"ham_replace" { Own At(Name::pgno), Lsn(Name::pagelsn); }
    /// A page is taken into use or given back (2.x).
    NewPgno b"ham_newpgno" {
        Own At(Name::pgno), Lsn(Name::pagelsn);
        Meta File(0), Lsn(Name::metalsn);
    }
    /// Overflow pages are made (2.x).
    Ovfl b"ham_ovfl" { Meta File(0), Lsn(Name::metalsn); }
    /// The first page of a bucket takes over the contents of the next one.
    CopyPage b"ham_copypage" {
        Own At(Name::pgno), Lsn(Name::pagelsn);
        Source At(Name::next_pgno), Lsn(Name::nextlsn);
        Neighbour At(Name::nnext_pgno), Lsn(Name::nnextlsn);
    }
    /// The table grows by a bucket.
    MetaGroup b"ham_metagroup" {
        Own Bucket, Lsn(Name::pagelsn);
        Meta AtOrOfDatabase(Name::mpgno), Lsn(Name::metalsn);
        Meta At(Name::mmpgno), Lsn(Name::mmetalsn);
    }
    /// The first pages of a database beside others in its file.
    GroupAlloc b"ham_groupalloc" b"ham_groupalloc1" b"ham_groupalloc2" {
        Own LastOf(Name::start_pgno, Name::num), Unrecorded;
        Meta File(0), Lsn(Name::meta_lsn);
    }
    /// The pages of a group of buckets stand elsewhere.
    ChangeSlot b"ham_changeslot" { Meta OfDatabase, Lsn(Name::meta_lsn); }
    /// The table shrinks by a bucket.
    Contract b"ham_contract" { Meta At(Name::meta), Lsn(Name::meta_lsn); }

    // QUEUE.

    /// A record is written.
    QamAdd b"qam_add" { Record At(Name::pgno), Lsn(Name::lsn); }
    /// A record is deleted.
    QamDel b"qam_del" { Record At(Name::pgno), Lsn(Name::lsn); }
    /// A record of an extent is deleted.
    QamDelext b"qam_delext" { Record At(Name::pgno), Lsn(Name::lsn); }
    /// The queue has one record more (3.x).
    QamInc b"qam_inc" { Meta File(0), Lsn(Name::lsn); }
    /// The first record moves on.
    QamIncfirst b"qam_incfirst" { Record META, Unrecorded; }
    /// The first or the current record is another.
    QamMvptr b"qam_mvptr" { Meta META, Lsn(Name::metalsn); }
    /// A file of extents is removed or renamed (3.2).
    QamFile b"qam_delete" b"qam_rename" {}

    // HEAP.

    /// A record is put on a page or taken from it.
    HeapAddrem b"heap_addrem" { Own At(Name::pgno), Lsn(Name::pagelsn); }
    /// A page is taken into use.
    HeapAlloc b"heap_pg_alloc" {
        Own At(Name::pgno), Unrecorded;
        Meta META, Lsn(Name::meta_lsn);
    }
    /// The file is emptied: its metadata page.
    HeapTruncMeta b"heap_trunc_meta" { Own At(Name::pgno), Lsn(Name::pagelsn); }
    /// The same: another of its pages.
    HeapTruncPage b"heap_trunc_page" { Own At(Name::pgno), Lsn(Name::pagelsn); }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::log::schema::pages::Before;

    /// Operations that touch no page by its LSN: those of transactions and whole files, moves of
    /// cursors, and what recovery only remembers.
    const WITHOUT_PAGES: [Op; 21] = [
        Op::TxnRegop,
        Op::TxnXaRegop,
        Op::TxnPrepare,
        Op::TxnChild,
        Op::TxnCkp,
        Op::TxnRecycle,
        Op::Register,
        Op::RepmgrMember,
        Op::Debug,
        Op::Cksum,
        Op::FileCreate,
        Op::FileRemove,
        Op::FileRename,
        Op::FileReplace,
        Op::FileWrite,
        Op::Metapage,
        Op::InMemory,
        Op::PgPrepare,
        Op::PgNew,
        Op::Curadj,
        Op::QamFile,
    ];

    /// Fields with numbers of pages that are not touched under them, and LSNs that are of no page
    /// of the record: what a page refers to afterwards or before, the last page of the file, a
    /// page in use that is moved. What release 3.0 and 3.1 wrote besides is not described.
    const LEFT_OUT: [(Op, &str); 34] = [
        (Op::PgAlloc, "next"),
        (Op::PgAlloc, "last_pgno"),
        (Op::PgAlloc, "alloc_lsn"),
        (Op::PgFree, "next"),
        (Op::PgFree, "last_pgno"),
        (Op::PgFree, "alloc_lsn"),
        (Op::PgFreedata, "next"),
        (Op::PgFreedata, "last_pgno"),
        (Op::PgSort, "last_pgno"),
        (Op::PgTrunc, "last_pgno"),
        (Op::PgTrunc, "next_free"),
        (Op::Realloc, "next_free"),
        (Op::Relink, "new_pgno"),
        (Op::Pgno, "opgno"),
        (Op::Pgno, "npgno"),
        (Op::Root, "root_pgno"),
        (Op::Split, "root_pgno"),
        (Op::Rsplit, "nrec"),
        (Op::NewPgno, "free_pgno"),
        (Op::NewPgno, "old_pgno"),
        (Op::Ovfl, "start_pgno"),
        (Op::Ovfl, "free_pgno"),
        (Op::MetaGroup, "last_pgno"),
        (Op::GroupAlloc, "free"),
        (Op::GroupAlloc, "unused"),
        (Op::GroupAlloc, "last_pgno"),
        (Op::GroupAlloc, "alloc_lsn"),
        (Op::GroupAlloc, "pgno"),
        (Op::GroupAlloc, "metalsn"),
        (Op::GroupAlloc, "mmetalsn"),
        (Op::Contract, "pgno"),
        (Op::ChangeSlot, "old"),
        (Op::ChangeSlot, "new"),
        (Op::HeapAlloc, "last_pgno"),
    ];

    /// The fields that tell the pages of an operation, and their LSNs.
    fn named(op: Op) -> BTreeSet<String> {
        let number = |page: &PageOf| match page.number {
            At(field) | AtOr(field, _) | AtOrOfDatabase(field) | Listed(field) | OfImage(field) => {
                vec![field]
            }
            LastOf(first, count) => vec![first, count],
            Bucket => vec![Name::pgno, Name::bucket, Name::newalloc],
            File(_) | OfDatabase => vec![],
        };
        let before = |page: &PageOf| match page.before {
            Lsn(field) | Before::Image(field) => vec![field],
            InList | Unrecorded => vec![],
        };
        let fields = op.pages().iter().flat_map(|page| [number(page), before(page)].concat());
        fields.map(|field| format!("{field:?}")).collect()
    }

    #[test]
    fn the_pages_of_all_record_types_are_named_or_left_out_on_purpose() {
        let tables: toml::Table =
            std::fs::read_to_string("testdata/log-records.toml").unwrap().parse().unwrap();
        let logs = tables.iter().filter(|(name, _)| name.starts_with("log"));
        let [mut met, mut all] = [BTreeSet::new(), BTreeSet::new()];
        let (mut left, mut checked) = (BTreeSet::new(), 0);
        let entries = logs.flat_map(|(log, all)| all.as_array().unwrap().iter().map(move |one| (log, one)));
        for (log, entry) in entries {
            let record = entry["name"].as_str().unwrap();
            let op = Op::of(record);
            assert_eq!(op.pages().is_empty(), WITHOUT_PAGES.contains(&op), "{log} {record}");
            for field in entry["fields"].as_array().unwrap() {
                let [field, kind] = ["name", "type"].map(|key| field[key].as_str().unwrap());
                met.insert((format!("{op:?}"), field.to_owned()));
                if !matches!(kind, "pgno" | "lsn" | "pglist") || op.pages().is_empty() {
                    continue;
                }
                checked += 1;
                if LEFT_OUT.contains(&(op, field)) {
                    left.insert((format!("{op:?}"), field));
                    assert!(!named(op).contains(field), "{record}: {field} is left out and named");
                } else {
                    assert!(named(op).contains(field), "{log} {record}: {field}");
                }
            }
            all.extend(named(op).into_iter().map(|field| (format!("{op:?}"), field)));
        }
        assert!(
            all.is_subset(&met),
            "fields that no record has: {:?}",
            all.difference(&met).collect::<Vec<_>>()
        );
        assert!(checked > 1000, "{checked} fields");
        assert_eq!(left.len(), LEFT_OUT.len(), "all that is left out is there: {left:?}");
    }
}

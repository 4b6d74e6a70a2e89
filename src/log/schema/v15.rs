//! What log version 15 (release 4.8 before its second patch) changed.

use super::layout::{Schema, records};
use super::v14::V14;

/// Log version 15, release 4.8 before its second patch.
pub(super) static V15: Schema = Schema::new(
    15,
    Some(&V14),
    &[],
    records! {
        13 __txn_prepare { opcode: u32, gid: dbt, begin_lsn: lsn, locks: locks }
        62 __bam_split {
            fileid: fileid, left: pgno, llsn: lsn, right: pgno, rlsn: lsn, indx: u32, npgno: pgno,
            nlsn: lsn, ppgno: pgno, plsn: lsn, pindx: u32, pg: pgdbt, pentry: dbt, rentry: dbt,
            opflags: u32,
        }
        143 __fop_create { name: dbt, dirname: dbt, appname: u32, mode: u32 as o }
        145 __fop_write {
            name: dbt, dirname: dbt, appname: u32, pgsize: u32, pageno: pgno, offset: u32, page: dbt,
            flag: u32,
        }
        146 __fop_rename { oldname: dbt, newname: dbt, dirname: dbt, fileid: dbt, appname: u32 }
        150 __fop_rename_noundo printed __fop_rename {
            oldname: dbt, newname: dbt, dirname: dbt, fileid: dbt, appname: u32,
        }
    },
);

//! What log version 13 (release 4.6) changed.

use super::layout::{Schema, records};
use super::v12::V12;

/// Log version 13, release 4.6.
pub(super) static V13: Schema = Schema::new(
    13,
    Some(&V12),
    &[],
    records! {
        10 __txn_regop { opcode: u32, timestamp: time, envid: u32, locks: locks }
        11 __txn_ckp { ckp_lsn: lsn, last_ckp: lsn, timestamp: time, envid: u32, spare: u32 }
        13 __txn_xa_regop {
            opcode: u32, xid: dbt, formatID: i32, gtrid: u32, bqual: u32, begin_lsn: lsn, locks: locks,
        }
        14 __txn_recycle { min: u32, max: u32 }
        65 __bam_rcuradj {
            fileid: fileid, mode: u32 as ld, root: pgno as ld, recno: recno as ld, order: u32,
        }
        150 __fop_rename_noundo printed __fop_rename {
            oldname: dbt, newname: dbt, fileid: dbt, appname: u32,
        }
    },
);

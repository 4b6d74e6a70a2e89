//! What log version 22 (release 6.1) changed (other-releases, "Logs 20 – 23").

use super::layout::{Schema, records};
use super::v21::V21;

/// Log version 22, release 6.1.
pub(super) static V22: Schema = Schema::new(
    22,
    Some(&V21),
    &[],
    records! {
        2 __dbreg_register {
            opcode: regop, name: dbt, uid: dbt, fileid: fileid, ftype: u32 as lx, meta_pgno: pgno,
            id: u32 as lx, blob_fid_lo: u32, blob_fid_hi: u32,
        }
        151 __heap_addrem {
            opcode: op, fileid: fileid as db, pgno: pgno, indx: u32, nbytes: u32, hdr: hdr, dbt: data,
            pagelsn: lsn,
        }
    },
);

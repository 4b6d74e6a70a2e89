//! What log version 18 (release 5.2) changed.

use super::layout::{Schema, records};
use super::v17::V17;

/// Log version 18, release 5.2.
pub(super) static V18: Schema = Schema::new(
    18,
    Some(&V17),
    &[],
    records! {
        151 __heap_addrem {
            opcode: u32, fileid: fileid as db, pgno: pgno, indx: u32, nbytes: u32, hdr: dbt, dbt: dbt,
            pagelsn: lsn,
        }
        152 __heap_pg_alloc {
            fileid: fileid as db, meta_lsn: lsn, meta_pgno: pgno, pgno: pgno, ptype: u32, last_pgno: pgno,
        }
        153 __heap_trunc_meta {
            fileid: fileid as db, pgno: pgno, last_pgno: u32, key_count: u32, record_count: u32,
            curregion: u32, nregions: u32, pagelsn: lsn,
        }
        154 __heap_trunc_page {
            fileid: fileid as db, pgno: pgno, old_data: dbt, is_region: u32, pagelsn: lsn,
        }
        200 __repmgr_member { version: u32, prev_status: u32, status: u32, host: dbt, port: u32 }
    },
);

//! What log version 14 (release 4.7) changed.

use super::layout::{Schema, records};
use super::v13::V13;

/// Log version 14, release 4.7.
pub(super) static V14: Schema = Schema::new(
    14,
    Some(&V13),
    &[53, 54],
    records! {
        41 __db_addrem {
            opcode: u32, fileid: fileid, pgno: pgno, indx: u32, nbytes: u32, hdr: dbt, dbt: dbt,
            pagelsn: lsn,
        }
        52 __db_pg_freedata {
            fileid: fileid, pgno: pgno, meta_lsn: lsn, meta_pgno: pgno, header: pgdbt, next: pgno,
            last_pgno: pgno, data: pgddbt,
        }
        60 __db_pg_init { fileid: fileid, pgno: pgno, header: pgdbt, data: pgddbt }
        145 __fop_write {
            name: dbt, appname: u32, pgsize: u32, pageno: pgno, offset: u32, page: dbt, flag: u32,
        }
        148 __bam_merge {
            fileid: fileid, pgno: pgno, lsn: lsn, npgno: pgno, nlsn: lsn, hdr: pgdbt, data: pgddbt,
            pg_copy: i32 as lu,
        }
    },
);

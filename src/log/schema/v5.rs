//! What log version 5 (release 4.0) changed.

use super::layout::{Schema, records};
use super::v4::V4;

/// Log version 5, release 4.0.
pub(super) static V5: Schema = Schema::new(
    5,
    Some(&V4),
    &[1, 6, 7, 8, 9, 23, 26, 27, 30, 31, 42, 46, 51, 52, 53, 54, 60, 61, 77, 78, 144],
    records! {
        24 ham_splitdata { fileid: fileid, opcode: u32, pgno: pgno, pageimage: pgdbt, pagelsn: lsn }
        28 ham_copypage {
            fileid: fileid, pgno: pgno, pagelsn: lsn, next_pgno: pgno, nextlsn: lsn, nnext_pgno: pgno,
            nnextlsn: lsn, page: pgdbt,
        }
        29 ham_metagroup {
            fileid: fileid, bucket: u32, mmpgno: pgno, mmetalsn: lsn, mpgno: pgno, metalsn: lsn,
            pgno: pgno, pagelsn: lsn, newalloc: u32,
        }
        41 db_addrem {
            opcode: u32, fileid: fileid, pgno: pgno, indx: u32, nbytes: u32, hdr: pgdbt, dbt: dbt,
            pagelsn: lsn,
        }
        49 db_pg_alloc {
            fileid: fileid, meta_lsn: lsn, meta_pgno: pgno, page_lsn: lsn, pgno: pgno, ptype: u32,
            next: pgno,
        }
        50 db_pg_free {
            fileid: fileid, pgno: pgno, meta_lsn: lsn, meta_pgno: pgno, header: pgdbt, next: pgno,
        }
        62 bam_split {
            fileid: fileid, left: pgno, llsn: lsn, right: pgno, rlsn: lsn, indx: u32, npgno: pgno,
            nlsn: lsn, root_pgno: pgno, pg: pgdbt, opflags: u32,
        }
        63 bam_rsplit {
            fileid: fileid, pgno: pgno, pgdbt: pgdbt, root_pgno: pgno, nrec: pgno, rootent: dbt,
            rootlsn: lsn,
        }
        84 qam_incfirst { fileid: fileid, recno: recno, meta_pgno: pgno }
        85 qam_mvptr {
            opcode: u32, fileid: fileid, old_first: recno, new_first: recno, old_cur: recno,
            new_cur: recno, metalsn: lsn, meta_pgno: pgno,
        }
        142 crdel_metasub { fileid: fileid, pgno: pgno, page: pgdbt, lsn: lsn }
        143 crdel_metapage { fileid: fileid, name: dbt, pgno: pgno, page: pgdbt }
    },
);

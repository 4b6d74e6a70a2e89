//! What log version 7 (release 4.1) changed.

use super::layout::{Schema, records};
use super::v5::V5;

/// Log version 7, release 4.1.
pub(super) static V7: Schema = Schema::new(
    7,
    Some(&V5),
    &[81, 82],
    records! {
        2 __dbreg_register {
            opcode: u32, name: dbt, uid: dbt, fileid: fileid, ftype: u32 as lx, meta_pgno: pgno,
            id: u32 as lx,
        }
        10 __txn_regop { opcode: u32, timestamp: i32 }
        11 __txn_ckp { ckp_lsn: lsn, last_ckp: lsn, timestamp: i32 }
        12 __txn_child { child: u32 as lx, c_lsn: lsn }
        13 __txn_xa_regop {
            opcode: u32, xid: dbt, formatID: i32, gtrid: u32 as u, bqual: u32 as u, begin_lsn: lsn,
        }
        14 __txn_recycle { min: u32 as u, max: u32 as u }
        21 __ham_insdel {
            opcode: u32, fileid: fileid, pgno: pgno, ndx: u32, pagelsn: lsn, key: dbt, data: dbt,
        }
        22 __ham_newpage {
            opcode: u32, fileid: fileid, prev_pgno: pgno, prevlsn: lsn, new_pgno: pgno, pagelsn: lsn,
            next_pgno: pgno, nextlsn: lsn,
        }
        24 __ham_splitdata { fileid: fileid, opcode: u32, pgno: pgno, pageimage: pgdbt, pagelsn: lsn }
        25 __ham_replace {
            fileid: fileid, pgno: pgno, ndx: u32, pagelsn: lsn, off: i32, olditem: dbt, newitem: dbt,
            makedup: u32,
        }
        28 __ham_copypage {
            fileid: fileid, pgno: pgno, pagelsn: lsn, next_pgno: pgno, nextlsn: lsn, nnext_pgno: pgno,
            nnextlsn: lsn, page: pgdbt,
        }
        29 __ham_metagroup {
            fileid: fileid, bucket: u32, mmpgno: pgno, mmetalsn: lsn, mpgno: pgno, metalsn: lsn,
            pgno: pgno, pagelsn: lsn, newalloc: u32,
        }
        32 __ham_groupalloc { fileid: fileid, meta_lsn: lsn, start_pgno: pgno, num: u32, free: pgno }
        33 __ham_curadj {
            fileid: fileid, pgno: pgno, indx: u32, len: u32, dup_off: u32, add: i32, is_dup: i32,
            order: u32,
        }
        34 __ham_chgpg {
            fileid: fileid, mode: u32 as ld, old_pgno: pgno, new_pgno: pgno, old_indx: u32, new_indx: u32,
        }
        41 __db_addrem {
            opcode: u32, fileid: fileid, pgno: pgno, indx: u32, nbytes: u32, hdr: pgdbt, dbt: dbt,
            pagelsn: lsn,
        }
        43 __db_big {
            opcode: u32, fileid: fileid, pgno: pgno, prev_pgno: pgno, next_pgno: pgno, dbt: dbt,
            pagelsn: lsn, prevlsn: lsn, nextlsn: lsn,
        }
        44 __db_ovref { fileid: fileid, pgno: pgno, adjust: i32, lsn: lsn }
        45 __db_relink {
            opcode: u32, fileid: fileid, pgno: pgno, lsn: lsn, prev: pgno, lsn_prev: lsn, next: pgno,
            lsn_next: lsn,
        }
        47 __db_debug { op: dbt, fileid: fileid, key: dbt, data: dbt, arg_flags: u32 }
        48 __db_noop { fileid: fileid, pgno: pgno, prevlsn: lsn }
        49 __db_pg_alloc {
            fileid: fileid, meta_lsn: lsn, meta_pgno: pgno, page_lsn: lsn, pgno: pgno, ptype: u32,
            next: pgno,
        }
        50 __db_pg_free {
            fileid: fileid, pgno: pgno, meta_lsn: lsn, meta_pgno: pgno, header: pgdbt, next: pgno,
        }
        51 __db_cksum {}
        55 __bam_adj { fileid: fileid, pgno: pgno, lsn: lsn, indx: u32, indx_copy: u32, is_insert: u32 }
        56 __bam_cadjust { fileid: fileid, pgno: pgno, lsn: lsn, indx: u32, adjust: i32, opflags: u32 }
        57 __bam_cdel { fileid: fileid, pgno: pgno, lsn: lsn, indx: u32 }
        58 __bam_repl {
            fileid: fileid, pgno: pgno, lsn: lsn, indx: u32, isdeleted: u32, orig: dbt, repl: dbt,
            prefix: u32, suffix: u32,
        }
        59 __bam_root { fileid: fileid, meta_pgno: pgno, root_pgno: pgno, meta_lsn: lsn }
        62 __bam_split {
            fileid: fileid, left: pgno, llsn: lsn, right: pgno, rlsn: lsn, indx: u32, npgno: pgno,
            nlsn: lsn, root_pgno: pgno, pg: pgdbt, opflags: u32,
        }
        63 __bam_rsplit {
            fileid: fileid, pgno: pgno, pgdbt: pgdbt, root_pgno: pgno, nrec: pgno, rootent: dbt,
            rootlsn: lsn,
        }
        64 __bam_curadj {
            fileid: fileid, mode: u32 as ld, from_pgno: pgno, to_pgno: pgno, left_pgno: pgno,
            first_indx: u32, from_indx: u32, to_indx: u32,
        }
        65 __bam_rcuradj {
            fileid: fileid, mode: u32 as ld, root: pgno as ld, recno: recno as ld, order: u32 as ld,
        }
        79 __qam_del { fileid: fileid, lsn: lsn, pgno: pgno, indx: u32, recno: recno }
        80 __qam_add {
            fileid: fileid, lsn: lsn, pgno: pgno, indx: u32, recno: recno, data: dbt, vflag: u32,
            olddata: dbt,
        }
        83 __qam_delext { fileid: fileid, lsn: lsn, pgno: pgno, indx: u32, recno: recno, data: dbt }
        84 __qam_incfirst { fileid: fileid, recno: recno, meta_pgno: pgno }
        85 __qam_mvptr {
            opcode: u32, fileid: fileid, old_first: recno, new_first: recno, old_cur: recno,
            new_cur: recno, metalsn: lsn, meta_pgno: pgno,
        }
        141 __fop_file_remove { real_fid: dbt, tmp_fid: dbt, name: dbt, appname: u32, child: u32 as lx }
        142 __crdel_metasub { fileid: fileid, pgno: pgno, page: pgdbt, lsn: lsn }
        143 __fop_create { name: dbt, appname: u32, mode: u32 as o }
        144 __fop_remove { name: dbt, fid: dbt, appname: u32 }
        145 __fop_write { name: dbt, appname: u32, offset: u32, page: pgdbt, flag: u32 }
        146 __fop_rename { oldname: dbt, newname: dbt, fileid: dbt, appname: u32 }
    },
);

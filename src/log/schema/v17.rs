//! What log version 17 (releases 5.0 and 5.1) changed.

use super::layout::{Schema, records};
use super::v16::V16;

/// Log version 17, releases 5.0 and 5.1.
pub(super) static V17: Schema = Schema::new(
    17,
    Some(&V16),
    &[],
    records! {
        2 __dbreg_register {
            opcode: regop, name: dbt, uid: dbt, fileid: fileid, ftype: u32 as lx, meta_pgno: pgno,
            id: u32 as lx,
        }
        21 __ham_insdel {
            opcode: u32, fileid: fileid as db, pgno: pgno, ndx: u32, pagelsn: lsn, keytype: op, key: hdr,
            datatype: op, data: hdr,
        }
        22 __ham_newpage {
            opcode: u32, fileid: fileid as db, prev_pgno: pgno, prevlsn: lsn, new_pgno: pgno, pagelsn: lsn,
            next_pgno: pgno, nextlsn: lsn,
        }
        24 __ham_splitdata { fileid: fileid as db, opcode: u32, pgno: pgno, pageimage: pgdbt, pagelsn: lsn }
        25 __ham_replace {
            fileid: fileid as db, pgno: pgno, ndx: u32, pagelsn: lsn, off: i32, oldtype: op, olditem: hdr,
            newtype: op, newitem: hdr,
        }
        28 __ham_copypage {
            fileid: fileid as db, pgno: pgno, pagelsn: lsn, next_pgno: pgno, nextlsn: lsn,
            nnext_pgno: pgno, nnextlsn: lsn, page: pgdbt,
        }
        29 __ham_metagroup {
            fileid: fileid as db, bucket: u32, mmpgno: pgno, mmetalsn: lsn, mpgno: pgno, metalsn: lsn,
            pgno: pgno, pagelsn: lsn, newalloc: u32, last_pgno: pgno,
        }
        32 __ham_groupalloc {
            fileid: fileid as db, meta_lsn: lsn, start_pgno: pgno, num: u32, unused: pgno, last_pgno: pgno,
        }
        33 __ham_curadj {
            fileid: fileid as db, pgno: pgno, indx: u32, len: u32, dup_off: u32, add: i32, is_dup: i32,
            order: u32,
        }
        34 __ham_chgpg {
            fileid: fileid as db, mode: u32 as ld, old_pgno: pgno, new_pgno: pgno, old_indx: u32,
            new_indx: u32,
        }
        35 __ham_changeslot { fileid: fileid as db, meta_lsn: lsn, slot: u32, old: pgno, new: pgno }
        36 __db_realloc {
            fileid: fileid as db, prev_pgno: pgno, page_lsn: lsn, next_free: pgno, ptype: u32,
            list: pglist,
        }
        37 __ham_contract { fileid: fileid as db, meta: pgno, meta_lsn: lsn, bucket: u32, pgno: pgno }
        41 __db_addrem {
            opcode: op, fileid: fileid as db, pgno: pgno, indx: u32, nbytes: u32, hdr: hdr, dbt: dbt,
            pagelsn: lsn,
        }
        43 __db_big {
            opcode: op, fileid: fileid as db, pgno: pgno, prev_pgno: pgno, next_pgno: pgno, dbt: hdr,
            pagelsn: lsn, prevlsn: lsn, nextlsn: lsn,
        }
        44 __db_ovref { fileid: fileid as db, pgno: pgno, adjust: i32, lsn: lsn }
        48 __db_noop { fileid: fileid as db, pgno: pgno, prevlsn: lsn }
        49 __db_pg_alloc {
            fileid: fileid as db, meta_lsn: lsn, meta_pgno: pgno, page_lsn: lsn, pgno: pgno, ptype: u32,
            next: pgno, last_pgno: pgno,
        }
        50 __db_pg_free {
            fileid: fileid as db, pgno: pgno, meta_lsn: lsn, meta_pgno: pgno, header: pgdbt, next: pgno,
            last_pgno: pgno,
        }
        52 __db_pg_freedata {
            fileid: fileid as db, pgno: pgno, meta_lsn: lsn, meta_pgno: pgno, header: pgdbt, next: pgno,
            last_pgno: pgno, data: pgddbt,
        }
        55 __bam_adj {
            fileid: fileid as db, pgno: pgno, lsn: lsn, indx: u32, indx_copy: u32, is_insert: u32,
        }
        56 __bam_cadjust {
            fileid: fileid as db, pgno: pgno, lsn: lsn, indx: u32, adjust: i32, opflags: u32,
        }
        57 __bam_cdel { fileid: fileid as db, pgno: pgno, lsn: lsn, indx: u32 }
        58 __bam_repl {
            fileid: fileid as db, pgno: pgno, lsn: lsn, indx: u32, isdeleted: u32, orig: dbt, repl: dbt,
            prefix: u32, suffix: u32,
        }
        59 __bam_root { fileid: fileid as db, meta_pgno: pgno, root_pgno: pgno, meta_lsn: lsn }
        60 __db_pg_init { fileid: fileid as db, pgno: pgno, header: pgdbt, data: pgddbt }
        62 __bam_split {
            fileid: fileid as db, opflags: op, left: pgno, llsn: lsn, right: pgno, rlsn: lsn, indx: u32,
            npgno: pgno, nlsn: lsn, ppgno: pgno, plsn: lsn, pindx: u32, pg: pgdbt, pentry: hdr,
            rentry: hdr,
        }
        63 __bam_rsplit {
            fileid: fileid as db, pgno: pgno, pgdbt: pgdbt, root_pgno: pgno, nrec: pgno, rootent: dbt,
            rootlsn: lsn,
        }
        64 __bam_curadj {
            fileid: fileid as db, mode: u32 as ld, from_pgno: pgno, to_pgno: pgno, left_pgno: pgno,
            first_indx: u32, from_indx: u32, to_indx: u32,
        }
        65 __bam_rcuradj {
            fileid: fileid as db, mode: u32 as ld, root: pgno as ld, recno: recno as ld, order: u32,
        }
        66 __db_pg_trunc {
            fileid: fileid as db, meta: pgno, meta_lsn: lsn, last_free: pgno, last_lsn: lsn,
            next_free: pgno, last_pgno: pgno, list: pglist,
        }
        67 __bam_irep {
            fileid: fileid as db, pgno: pgno, lsn: lsn, indx: u32, ptype: op, hdr: hdr, data: data,
            old: hdr,
        }
        79 __qam_del { fileid: fileid as db, lsn: lsn, pgno: pgno, indx: u32, recno: recno }
        80 __qam_add {
            fileid: fileid as db, lsn: lsn, pgno: pgno, indx: u32, recno: recno, data: dbt, vflag: u32,
            olddata: dbt,
        }
        83 __qam_delext { fileid: fileid as db, lsn: lsn, pgno: pgno, indx: u32, recno: recno, data: dbt }
        84 __qam_incfirst { fileid: fileid as db, recno: recno, meta_pgno: pgno }
        85 __qam_mvptr {
            opcode: u32, fileid: fileid as db, old_first: recno, new_first: recno, old_cur: recno,
            new_cur: recno, metalsn: lsn, meta_pgno: pgno,
        }
        142 __crdel_metasub { fileid: fileid as db, pgno: pgno, page: pgdbt, lsn: lsn }
        147 __db_relink {
            fileid: fileid as db, pgno: pgno, new_pgno: pgno, prev_pgno: pgno, lsn_prev: lsn,
            next_pgno: pgno, lsn_next: lsn,
        }
        148 __db_merge {
            fileid: fileid as db, pgno: pgno, lsn: lsn, npgno: pgno, nlsn: lsn, hdr: pgdbt, data: pgddbt,
            pg_copy: i32 as lu,
        }
        149 __db_pgno { fileid: fileid as db, pgno: pgno, lsn: lsn, indx: u32, opgno: pgno, npgno: pgno }
    },
);

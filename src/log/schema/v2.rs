//! Log version 2, in the three dialects of the releases that wrote it.

use super::layout::{Schema, records};

/// Log version 2, releases 2.x.
pub(super) static V2_7: Schema = Schema::new(
    2,
    None,
    &[],
    records! {
        1 log_register { opcode: u32, name: dbt, uid: dbt, id: u32, ftype: u32 as lx }
        6 txn_regop { opcode: u32 }
        7 txn_ckp { ckp_lsn: lsn, last_ckp: lsn }
        8 txn_xa_regop {
            opcode: u32, xid: dbt, formatID: i32, gtrid: u32 as u, bqual: u32 as u, begin_lsn: lsn,
        }
        9 txn_child { opcode: u32, parent: u32 }
        21 ham_insdel { opcode: u32, fileid: u32, pgno: pgno, ndx: u32, pagelsn: lsn, key: dbt, data: dbt }
        22 ham_newpage {
            opcode: u32, fileid: u32, prev_pgno: pgno, prevlsn: lsn, new_pgno: pgno, pagelsn: lsn,
            next_pgno: pgno, nextlsn: lsn,
        }
        23 ham_splitmeta { fileid: u32, bucket: u32, ovflpoint: u32, spares: u32, metalsn: lsn }
        24 ham_splitdata { fileid: u32, opcode: u32, pgno: pgno, pageimage: dbt, pagelsn: lsn }
        25 ham_replace {
            fileid: u32, pgno: pgno, ndx: u32, pagelsn: lsn, off: i32, olditem: dbt, newitem: dbt,
            makedup: u32,
        }
        26 ham_newpgno {
            opcode: u32, fileid: u32, pgno: pgno, free_pgno: pgno, old_type: u32, old_pgno: pgno,
            new_type: u32, pagelsn: lsn, metalsn: lsn,
        }
        27 ham_ovfl {
            fileid: u32, start_pgno: pgno, npages: u32, free_pgno: pgno, ovflpoint: u32, metalsn: lsn,
        }
        28 ham_copypage {
            fileid: u32, pgno: pgno, pagelsn: lsn, next_pgno: pgno, nextlsn: lsn, nnext_pgno: pgno,
            nnextlsn: lsn, page: dbt,
        }
        41 db_addrem {
            opcode: u32, fileid: u32, pgno: pgno, indx: u32, nbytes: size, hdr: dbt, dbt: dbt,
            pagelsn: lsn,
        }
        42 db_split { opcode: u32, fileid: u32, pgno: pgno, pageimage: dbt, pagelsn: lsn }
        43 db_big {
            opcode: u32, fileid: u32, pgno: pgno, prev_pgno: pgno, next_pgno: pgno, dbt: dbt, pagelsn: lsn,
            prevlsn: lsn, nextlsn: lsn,
        }
        44 db_ovref { fileid: u32, pgno: pgno, adjust: i32, lsn: lsn }
        45 db_relink {
            opcode: u32, fileid: u32, pgno: pgno, lsn: lsn, prev: pgno, lsn_prev: lsn, next: pgno,
            lsn_next: lsn,
        }
        46 db_addpage { fileid: u32, pgno: pgno, lsn: lsn, nextpgno: pgno, nextlsn: lsn }
        47 db_debug { op: dbt, fileid: u32, key: dbt, data: dbt, arg_flags: u32 }
        51 bam_pg_alloc { fileid: u32, meta_lsn: lsn, page_lsn: lsn, pgno: pgno, ptype: u32, next: pgno }
        52 bam_pg_free { fileid: u32, pgno: pgno, meta_lsn: lsn, header: dbt, next: pgno }
        53 bam_split {
            fileid: u32, left: pgno, llsn: lsn, right: pgno, rlsn: lsn, indx: u32, npgno: pgno, nlsn: lsn,
            pg: dbt,
        }
        54 bam_rsplit { fileid: u32, pgno: pgno, pgdbt: dbt, nrec: pgno, rootent: dbt, rootlsn: lsn }
        55 bam_adj { fileid: u32, pgno: pgno, lsn: lsn, indx: u32, indx_copy: u32, is_insert: u32 }
        56 bam_cadjust { fileid: u32, pgno: pgno, lsn: lsn, indx: u32, adjust: i32, total: i32 }
        57 bam_cdel { fileid: u32, pgno: pgno, lsn: lsn, indx: u32 }
        58 bam_repl {
            fileid: u32, pgno: pgno, lsn: lsn, indx: u32, isdeleted: u32, orig: dbt, repl: dbt,
            prefix: u32, suffix: u32,
        }
    },
);

/// Log version 2, release 3.0.
pub(super) static V3_0: Schema = Schema::new(
    2,
    Some(&V2_7),
    &[],
    records! {
        8 txn_xa_regop { opcode: u32, xid: dbt, formatID: i32, gtrid: u32 as u, bqual: u32 as u }
        9 txn_child { opcode: u32, parent: u32 as lx }
        21 ham_insdel {
            opcode: u32, fileid: fileid as lu, pgno: pgno, ndx: u32, pagelsn: lsn, key: dbt, data: dbt,
        }
        22 ham_newpage {
            opcode: u32, fileid: fileid as lu, prev_pgno: pgno, prevlsn: lsn, new_pgno: pgno, pagelsn: lsn,
            next_pgno: pgno, nextlsn: lsn,
        }
        23 ham_splitmeta { fileid: fileid as lu, bucket: u32, ovflpoint: u32, spares: u32, metalsn: lsn }
        24 ham_splitdata { fileid: fileid as lu, opcode: u32, pgno: pgno, pageimage: dbt, pagelsn: lsn }
        25 ham_replace {
            fileid: fileid as lu, pgno: pgno, ndx: u32, pagelsn: lsn, off: i32, olditem: dbt, newitem: dbt,
            makedup: u32,
        }
        26 ham_newpgno {
            opcode: u32, fileid: fileid as lu, pgno: pgno, free_pgno: pgno, old_type: u32, old_pgno: pgno,
            new_type: u32, pagelsn: lsn, metalsn: lsn,
        }
        27 ham_ovfl {
            fileid: fileid as lu, start_pgno: pgno, npages: u32, free_pgno: pgno, ovflpoint: u32,
            metalsn: lsn,
        }
        28 ham_copypage {
            fileid: fileid as lu, pgno: pgno, pagelsn: lsn, next_pgno: pgno, nextlsn: lsn,
            nnext_pgno: pgno, nnextlsn: lsn, page: dbt,
        }
        29 ham_metagroup { fileid: fileid as lu, bucket: u32, pgno: pgno, metalsn: lsn, pagelsn: lsn }
        30 ham_groupalloc {
            fileid: fileid as lu, pgno: pgno, metalsn: lsn, mmetalsn: lsn, start_pgno: pgno, num: u32,
        }
        41 db_addrem {
            opcode: u32, fileid: fileid as lu, pgno: pgno, indx: u32, nbytes: size, hdr: dbt, dbt: dbt,
            pagelsn: lsn,
        }
        42 db_split { opcode: u32, fileid: fileid as lu, pgno: pgno, pageimage: dbt, pagelsn: lsn }
        43 db_big {
            opcode: u32, fileid: fileid as lu, pgno: pgno, prev_pgno: pgno, next_pgno: pgno, dbt: dbt,
            pagelsn: lsn, prevlsn: lsn, nextlsn: lsn,
        }
        44 db_ovref { fileid: fileid as lu, pgno: pgno, adjust: i32, lsn: lsn }
        45 db_relink {
            opcode: u32, fileid: fileid as lu, pgno: pgno, lsn: lsn, prev: pgno, lsn_prev: lsn, next: pgno,
            lsn_next: lsn,
        }
        46 db_addpage { fileid: fileid as lu, pgno: pgno, lsn: lsn, nextpgno: pgno, nextlsn: lsn }
        47 db_debug { op: dbt, fileid: fileid as lu, key: dbt, data: dbt, arg_flags: u32 }
        48 db_noop { fileid: fileid as lu, pgno: pgno, prevlsn: lsn }
        51 bam_pg_alloc {
            fileid: fileid as lu, meta_lsn: lsn, page_lsn: lsn, pgno: pgno, ptype: u32, next: pgno,
        }
        52 bam_pg_free { fileid: fileid as lu, pgno: pgno, meta_lsn: lsn, header: dbt, next: pgno }
        53 bam_split {
            fileid: fileid as lu, left: pgno, llsn: lsn, right: pgno, rlsn: lsn, indx: u32, npgno: pgno,
            nlsn: lsn, pg: dbt,
        }
        54 bam_rsplit {
            fileid: fileid as lu, pgno: pgno, pgdbt: dbt, nrec: pgno, rootent: dbt, rootlsn: lsn,
        }
        55 bam_adj { fileid: fileid as lu, pgno: pgno, lsn: lsn, indx: u32, indx_copy: u32, is_insert: u32 }
        56 bam_cadjust { fileid: fileid as lu, pgno: pgno, lsn: lsn, indx: u32, adjust: i32, total: i32 }
        57 bam_cdel { fileid: fileid as lu, pgno: pgno, lsn: lsn, indx: u32 }
        58 bam_repl {
            fileid: fileid as lu, pgno: pgno, lsn: lsn, indx: u32, isdeleted: u32, orig: dbt, repl: dbt,
            prefix: u32, suffix: u32,
        }
        59 bam_root { fileid: fileid as lu, meta_pgno: pgno, root_pgno: pgno, meta_lsn: lsn }
        76 qam_inc { fileid: fileid as lu, lsn: lsn }
        77 qam_incfirst { fileid: fileid as lu, recno: recno }
        78 qam_mvptr {
            opcode: u32, fileid: fileid as lu, old_first: recno, new_first: recno, old_cur: recno,
            new_cur: recno, metalsn: lsn,
        }
        79 qam_del { fileid: fileid as lu, lsn: lsn, pgno: pgno, indx: u32, recno: recno }
        80 qam_add {
            fileid: fileid as lu, lsn: lsn, pgno: pgno, indx: u32, recno: recno, data: dbt, vflag: u32,
            olddata: dbt,
        }
        141 crdel_fileopen { name: dbt, mode: u32 as o }
        142 crdel_metasub { fileid: u32, pgno: pgno as d, page: dbt, lsn: lsn }
        143 crdel_metapage { fileid: u32, name: dbt, pgno: pgno as d, page: dbt }
        144 crdel_delete { name: dbt }
    },
);

/// Log version 2, release 3.1.
pub(super) static V3_1: Schema = Schema::new(
    2,
    Some(&V3_0),
    &[],
    records! {
        1 log_register1 { opcode: u32, name: dbt, uid: dbt, fileid: fileid, ftype: u32 as lx }
        2 log_register {
            opcode: u32, name: dbt, uid: dbt, fileid: fileid, ftype: u32 as lx, meta_pgno: pgno,
        }
        6 txn_old_regop { opcode: u32 }
        7 txn_old_ckp { ckp_lsn: lsn, last_ckp: lsn }
        10 txn_regop { opcode: u32, timestamp: i32 }
        11 txn_ckp { ckp_lsn: lsn, last_ckp: lsn, timestamp: i32 }
        21 ham_insdel {
            opcode: u32, fileid: fileid, pgno: pgno, ndx: u32, pagelsn: lsn, key: dbt, data: dbt,
        }
        22 ham_newpage {
            opcode: u32, fileid: fileid, prev_pgno: pgno, prevlsn: lsn, new_pgno: pgno, pagelsn: lsn,
            next_pgno: pgno, nextlsn: lsn,
        }
        23 ham_splitmeta { fileid: fileid, bucket: u32, ovflpoint: u32, spares: u32, metalsn: lsn }
        24 ham_splitdata { fileid: fileid, opcode: u32, pgno: pgno, pageimage: dbt, pagelsn: lsn }
        25 ham_replace {
            fileid: fileid, pgno: pgno, ndx: u32, pagelsn: lsn, off: i32, olditem: dbt, newitem: dbt,
            makedup: u32,
        }
        26 ham_newpgno {
            opcode: u32, fileid: fileid, pgno: pgno, free_pgno: pgno, old_type: u32, old_pgno: pgno,
            new_type: u32, pagelsn: lsn, metalsn: lsn,
        }
        27 ham_ovfl {
            fileid: fileid, start_pgno: pgno, npages: u32, free_pgno: pgno, ovflpoint: u32, metalsn: lsn,
        }
        28 ham_copypage {
            fileid: fileid, pgno: pgno, pagelsn: lsn, next_pgno: pgno, nextlsn: lsn, nnext_pgno: pgno,
            nnextlsn: lsn, page: dbt,
        }
        29 ham_metagroup { fileid: fileid, bucket: u32, pgno: pgno, metalsn: lsn, pagelsn: lsn }
        30 ham_groupalloc1 {
            fileid: fileid, pgno: pgno, metalsn: lsn, mmetalsn: lsn, start_pgno: pgno, num: u32,
        }
        31 ham_groupalloc {
            fileid: fileid, meta_lsn: lsn, alloc_lsn: lsn, start_pgno: pgno, num: u32, free: pgno,
        }
        41 db_addrem {
            opcode: u32, fileid: fileid, pgno: pgno, indx: u32, nbytes: size, hdr: dbt, dbt: dbt,
            pagelsn: lsn,
        }
        42 db_split { opcode: u32, fileid: fileid, pgno: pgno, pageimage: dbt, pagelsn: lsn }
        43 db_big {
            opcode: u32, fileid: fileid, pgno: pgno, prev_pgno: pgno, next_pgno: pgno, dbt: dbt,
            pagelsn: lsn, prevlsn: lsn, nextlsn: lsn,
        }
        44 db_ovref { fileid: fileid, pgno: pgno, adjust: i32, lsn: lsn }
        45 db_relink {
            opcode: u32, fileid: fileid, pgno: pgno, lsn: lsn, prev: pgno, lsn_prev: lsn, next: pgno,
            lsn_next: lsn,
        }
        46 db_addpage { fileid: fileid, pgno: pgno, lsn: lsn, nextpgno: pgno, nextlsn: lsn }
        47 db_debug { op: dbt, fileid: fileid, key: dbt, data: dbt, arg_flags: u32 }
        48 db_noop { fileid: fileid, pgno: pgno, prevlsn: lsn }
        51 bam_pg_alloc1 {
            fileid: fileid, meta_lsn: lsn, page_lsn: lsn, pgno: pgno, ptype: u32, next: pgno,
        }
        52 bam_pg_free1 { fileid: fileid, pgno: pgno, meta_lsn: lsn, header: dbt, next: pgno }
        53 bam_split1 {
            fileid: fileid, left: pgno, llsn: lsn, right: pgno, rlsn: lsn, indx: u32, npgno: pgno,
            nlsn: lsn, pg: dbt,
        }
        54 bam_rsplit1 { fileid: fileid, pgno: pgno, pgdbt: dbt, nrec: pgno, rootent: dbt, rootlsn: lsn }
        55 bam_adj { fileid: fileid, pgno: pgno, lsn: lsn, indx: u32, indx_copy: u32, is_insert: u32 }
        56 bam_cadjust { fileid: fileid, pgno: pgno, lsn: lsn, indx: u32, adjust: i32, opflags: u32 }
        57 bam_cdel { fileid: fileid, pgno: pgno, lsn: lsn, indx: u32 }
        58 bam_repl {
            fileid: fileid, pgno: pgno, lsn: lsn, indx: u32, isdeleted: u32, orig: dbt, repl: dbt,
            prefix: u32, suffix: u32,
        }
        59 bam_root { fileid: fileid, meta_pgno: pgno, root_pgno: pgno, meta_lsn: lsn }
        60 bam_pg_alloc {
            fileid: fileid, meta_lsn: lsn, alloc_lsn: lsn, page_lsn: lsn, pgno: pgno, ptype: u32,
            next: pgno,
        }
        61 bam_pg_free {
            fileid: fileid, pgno: pgno, meta_lsn: lsn, alloc_lsn: lsn, header: dbt, next: pgno,
        }
        62 bam_split {
            fileid: fileid, left: pgno, llsn: lsn, right: pgno, rlsn: lsn, indx: u32, npgno: pgno,
            nlsn: lsn, root_pgno: pgno, pg: dbt, opflags: u32,
        }
        63 bam_rsplit {
            fileid: fileid, pgno: pgno, pgdbt: dbt, root_pgno: pgno, nrec: pgno, rootent: dbt,
            rootlsn: lsn,
        }
        64 bam_curadj {
            fileid: fileid, mode: u32 as ld, from_pgno: pgno, to_pgno: pgno, left_pgno: pgno,
            first_indx: u32, from_indx: u32, to_indx: u32,
        }
        76 qam_inc { fileid: fileid, lsn: lsn }
        77 qam_incfirst { fileid: fileid, recno: recno }
        78 qam_mvptr {
            opcode: u32, fileid: fileid, old_first: recno, new_first: recno, old_cur: recno,
            new_cur: recno, metalsn: lsn,
        }
        79 qam_del { fileid: fileid, lsn: lsn, pgno: pgno, indx: u32, recno: recno }
        80 qam_add {
            fileid: fileid, lsn: lsn, pgno: pgno, indx: u32, recno: recno, data: dbt, vflag: u32,
            olddata: dbt,
        }
        142 crdel_metasub { fileid: fileid, pgno: pgno as d, page: dbt, lsn: lsn }
        143 crdel_metapage { fileid: fileid, name: dbt, pgno: pgno as d, page: dbt }
        144 crdel_old_delete { name: dbt }
        145 crdel_rename { fileid: fileid, name: dbt, newname: dbt }
        146 crdel_delete { fileid: fileid, name: dbt }
    },
);

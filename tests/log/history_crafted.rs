//! Histories of logs that are made for one question each: what genuine logs show rarely,
//! or never.

use bdbkit::Endianness::{Big, Little};
use bdbkit::Lsn;
use bdbkit::log::{Fate, History, Known, LogDir, TransactionOutcome};

use crate::common;
use crate::common::logs::{VERSIONS, lsn};
use crate::craft::{Craft, TXN, image, item};
use crate::fields;

/// A change as a line: what, key, value before and afterwards, and whether it counts.
fn lines(history: &History<'_>) -> Vec<String> {
    let content = |content: &Known<'_>| match content {
        Known::Bytes(bytes) if bytes.len() > 20 => format!("{} bytes", bytes.len()),
        Known::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Known::Record(number) => number.to_string(),
        _ => "?".to_owned(),
    };
    let value = |value: &Option<Known<'_>>| value.as_ref().map_or("-".to_owned(), content);
    let line = |change| {
        let fate = match history.fate(change) {
            Fate::Committed { time: Some(time), .. } => format!("at {time}"),
            other => format!("{other:?}").split(' ').next().unwrap().to_owned(),
        };
        let kind = format!("{:?}", change.kind).to_lowercase();
        format!("{kind} {}: {} {} ({fate})", content(&change.key), value(&change.old), value(&change.new))
    };
    history.changes().map(line).collect()
}

fn told(craft: &Craft) -> Vec<String> {
    let (_folder, log) = craft.save();
    lines(&log.history().read())
}

/// Damages the records at some LSNs, and opens the log.
fn damaged(craft: &Craft, at: &[Lsn]) -> (tempfile::TempDir, LogDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = craft.writer.clone();
    for lsn in at {
        let file = &mut writer.files[usize::try_from(lsn.file - 1).unwrap()];
        file[usize::try_from(lsn.offset).unwrap() + 20] ^= 0x55;
    }
    writer.save(folder.path());
    let log = LogDir::open(folder.path()).unwrap();
    (folder, log)
}

const P: [u32; 2] = [0, 7];

#[test]
fn put_replaced_and_deleted_in_every_version() {
    for version in VERSIONS.into_iter().filter(|version| *version != 2) {
        for order in [Little, Big] {
            if version >= 14 && order == Big {
                continue;
            }
            let mut log = Craft::of(version, order, 1 << 20);
            log.open(0, b"a.db", 1);
            log.put(TXN, P, 0, b"key", b"value");
            log.change(
                "bam_repl",
                TXN,
                P,
                fields! {indx: 1, orig: b"al", repl: b"ALL", prefix: 1, suffix: 2},
            );
            log.commit(TXN, 100);
            log.mark(TXN, P, 0);
            log.remove(TXN, P, 0, item(order, 1, b"key"));
            log.remove(TXN, P, 0, item(order, 0x81, b"vALLue"));
            log.commit(TXN, 200);
            let expected = [
                "put key: - value (at 100)",
                "replace key: value vALLue (at 100)",
                "delete key: vALLue - (at 200)",
            ];
            assert_eq!(told(&log), expected, "{version}, {order:?}");
        }
    }
}

#[test]
fn an_abort_leaves_pages_as_they_were() {
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    log.put(TXN, P, 0, b"b", b"1");
    let before = log.commit(TXN, 1);
    let page = log.page(0, 7);
    assert!(page < before);
    log.put(TXN, P, 0, b"a", b"aborted");
    log.mark(TXN, P, 2);
    log.change("bam_repl", TXN, P, fields! {indx: 1, orig: b"aborted", repl: b"x"});
    log.remove(TXN, P, 0, item(Little, 1, b"a"));
    log.abort(TXN, &[(P, page)]);
    log.mark(TXN + 1, P, 0);
    log.commit(TXN + 1, 2);
    assert_eq!(
        told(&log),
        [
            "put b: - 1 (at 1)",
            "put a: - aborted (Uncommitted)",
            "delete b: 1 - (Uncommitted)",
            "replace a: aborted x (Uncommitted)",
            "delete b: 1 - (at 2)",
        ]
    );
}

#[test]
fn a_merged_page_brings_nothing_that_was_aborted() {
    for version in [11, 14, 16] {
        let mut log = Craft::new(version);
        log.open(0, b"a.db", 1);
        let from = [0, 8];
        for page in [P, from] {
            log.change("db_pg_alloc", TXN, page, fields! {ptype: 5});
        }
        log.put(TXN, P, 0, b"a", b"1");
        log.put(TXN, from, 0, b"c", b"3");
        log.commit(TXN, 1);
        let before = log.page(0, 8);
        log.put(TXN, from, 0, b"b", b"2");
        log.abort(TXN, &[(from, before)]);
        let merge = log.change("bam_merge", TXN + 1, P, fields! {npgno: 8, nlsn: before});
        log.set_page(0, 8, merge);
        log.mark(TXN + 1, P, 2);
        log.commit(TXN + 1, 2);
        assert_eq!(told(&log).last().unwrap(), "delete c: 3 - (at 2)", "{version}");
    }
}

#[test]
fn data_that_is_taken_away_behind_its_key_is_no_key() {
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    // A page that the log does not know: the key is that of a chain that is not there.
    log.mark(TXN, P, 4);
    let mut chain = vec![0, 0, 3, 0];
    chain.extend([9u32, 5000].map(u32::to_le_bytes).concat());
    log.remove(TXN, P, 4, chain);
    log.remove(TXN, P, 4, item(Little, 0x81, b"the data"));
    log.commit(TXN, 1);
    assert_eq!(told(&log), ["delete ?: the data - (at 1)"]);
    // Here the key is one that stays.
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    let root = [0, 1];
    log.mark(TXN, root, 10);
    log.change("bam_adj", TXN, root, fields! {indx: 10, indx_copy: 8});
    log.remove(TXN, root, 10, item(Little, 0x81, b"more data"));
    log.commit(TXN, 1);
    assert_eq!(told(&log), ["delete ?: more data - (at 1)"]);
}

#[test]
fn transactions_at_the_same_time_do_not_hide_each_others_replacements() {
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    let other = [0, 9];
    log.put(TXN, P, 0, b"a", b"1");
    log.put(TXN, other, 0, b"x", b"1");
    log.commit(TXN, 1);
    log.remove(TXN + 1, P, 1, item(Little, 1, b"1"));
    log.remove(TXN + 2, other, 1, item(Little, 1, b"1"));
    log.insert(TXN + 1, P, 1, b"a longer one");
    log.insert(TXN + 2, other, 1, b"longer");
    log.commit(TXN + 1, 2);
    log.commit(TXN + 2, 3);
    let expected = ["replace a: 1 a longer one (at 2)", "replace x: 1 longer (at 3)"];
    assert_eq!(told(&log)[2..], expected);
}

#[test]
fn pages_of_duplicates_that_the_log_does_not_know_hold_no_keys() {
    // The log begins with the tree of duplicates there; another page shows that there are.
    let mut log = Craft::new(8);
    log.register(1, 0, b"a.db", 1, 1, 0);
    log.insert(TXN, P, 0, b"one value");
    log.insert(TXN, P, 1, b"another");
    log.change("bam_repl", TXN, P, fields! {indx: 1, orig: b"another", repl: b"a third"});
    log.mark(TXN, P, 0);
    log.insert(TXN, [0, 8], 3, b"alone");
    log.commit(TXN, 1);
    let lines = told(&log);
    assert!(lines.len() >= 3 && lines.iter().all(|line| line.contains(" ?: ")), "{lines:?}");
    // A shared key shows that a page is one of pairs, and page 1 always is.
    let mut log = Craft::new(8);
    log.register(1, 0, b"a.db", 1, 1, 0);
    log.insert(TXN, [0, 8], 3, b"alone");
    for page in [[0, 1], P] {
        log.insert(TXN, page, 0, b"key");
        log.change("bam_adj", TXN, page, fields! {indx: 2, indx_copy: 0, is_insert: 1});
        log.insert(TXN, page, 3, b"value");
    }
    log.commit(TXN, 1);
    assert_eq!(told(&log)[1..], ["put key: - value (at 1)", "put key: - value (at 1)"]);
}

#[test]
fn a_page_behind_a_gap_is_not_that_before_it() {
    // Whose duplicates it holds is not known, nor what kind of page it is.
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    log.insert(TXN, [0, 1], 0, b"key");
    log.change("db_pg_alloc", TXN, P, fields! {ptype: 6});
    log.insert(TXN, P, 0, b"1");
    log.insert_whole(TXN, [0, 1], 1, [&[0, 0, 2, 0][..], &7u32.to_le_bytes(), &[0; 4]].concat());
    log.insert(TXN, P, 1, b"2");
    log.commit(TXN, 1);
    let before = told(&log);
    assert_eq!(before, ["put key: - 1 (at 1)", "put key: - 2 (at 1)"]);
    log.set_page(0, 7, lsn(1, 5));
    log.insert(TXN, P, 3, b"3");
    log.commit(TXN, 2);
    assert_eq!(told(&log)[2..], ["put ?: - 3 (at 2)"]);
}

#[test]
fn a_damaged_commit_leaves_the_fate_open() {
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    log.put(TXN, P, 0, b"a", b"1");
    let commit = log.commit(TXN, 1);
    let insert = log.put(TXN + 1, P, 2, b"b", b"2");
    log.put(TXN + 1, P, 4, b"c", b"3");
    log.commit(TXN + 1, 2);
    log.insert(TXN + 2, P, 6, b"d");
    let end = log.insert(TXN + 2, P, 7, b"4");
    log.put(TXN + 3, P, 8, b"e", b"5");
    let last = log.add("txn_ckp", 0, fields! {ckp_lsn: lsn(2, 0), timestamp: 3});
    // Damage in the last file would be its end.
    log.writer.max = 0;
    log.register(1, 0, b"a.db", 1, 1, 0);
    let (_folder, dir) = damaged(&log, &[commit]);
    let transactions = dir.transactions();
    let fates: Vec<Fate> = (0..transactions.len()).map(|index| transactions.fate(index)).collect();
    assert_eq!(fates[0], Fate::Unknown);
    assert_eq!(fates[2..], [Fate::Aborted, Fate::Aborted]);
    assert!(matches!(fates[1], Fate::Committed { time: Some(2), .. }));
    // What is missing of the second transaction parts it in two; only the end of one is known.
    let (_folder, dir) = damaged(&log, &[insert]);
    let transactions = dir.transactions();
    let of: Vec<Fate> = (0..transactions.len())
        .filter(|&index| transactions.get(index).unwrap().id.0 == TXN + 1)
        .map(|index| transactions.fate(index))
        .collect();
    assert!(matches!(of[..], [Fate::Unknown, Fate::Committed { .. }]), "{of:?}");
    // What ended behind the gap is known again, and what a checkpoint told before it.
    let (_folder, dir) = damaged(&log, &[end]);
    let transactions = dir.transactions();
    assert_eq!(transactions.fate(2), Fate::Unknown);
    assert_eq!(transactions.fate(3), Fate::Aborted);
    assert!(last > end);
}

#[test]
fn records_that_recovery_skips_are_part_of_their_transaction() {
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    log.put(TXN, P, 0, b"a", b"1");
    let order = log.writer.order;
    let marked = log.add("db_debug", TXN, fields! {op: b"text"});
    let file = log.writer.files.last_mut().unwrap();
    let at = usize::try_from(marked.offset).unwrap();
    file[at + 12 + 3] |= 0x80;
    common::logs::seal(8, order, &mut file[at..]);
    log.put(TXN, P, 2, b"b", b"2");
    log.commit(TXN, 5);
    assert_eq!(told(&log), ["put a: - 1 (at 5)", "put b: - 2 (at 5)"]);
}

#[test]
fn records_of_applications_end_no_transaction() {
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    log.put(TXN, P, 0, b"a", b"1");
    let prefix = [10_001, TXN, 7, 7, 7].map(u32::to_le_bytes).concat();
    log.writer.append(&prefix);
    log.put(TXN, P, 2, b"b", b"2");
    log.commit(TXN, 5);
    assert_eq!(told(&log), ["put a: - 1 (at 5)", "put b: - 2 (at 5)"]);
}

#[test]
fn nested_transactions_share_the_fate_of_their_parents() {
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    let [parent, good, bad, lost] = [TXN, TXN + 1, TXN + 2, TXN + 3];
    log.put(parent, P, 0, b"a", b"1");
    let last = log.put(good, P, 2, b"b", b"2");
    log.add("txn_child", parent, fields! {child: good, c_lsn: last});
    log.abort(good, &[]);
    let before = log.page(0, 7);
    log.put(bad, P, 4, b"c", b"3");
    log.abort(bad, &[(P, before)]);
    log.commit(parent, 9);
    let last = log.put(good, P, 4, b"d", b"4");
    log.add("txn_child", lost, fields! {child: good, c_lsn: last});
    // That was the last of its parent: a later one of its number is another.
    log.abort(lost, &[]);
    log.put(lost, [0, 8], 0, b"e", b"5");
    log.commit(lost, 12);
    assert_eq!(
        told(&log),
        [
            "put a: - 1 (at 9)",
            "put b: - 2 (at 9)",
            "put c: - 3 (Uncommitted)",
            "put d: - 4 (Uncommitted)",
            "put e: - 5 (at 12)"
        ]
    );
}

#[test]
fn before_3_2_a_child_does_not_join_a_later_transaction_of_its_parents_number() {
    for restarted in [false, true] {
        let mut log = Craft::new(2);
        log.register(3, 0, b"a.db", 1, 1, 0);
        log.put(TXN + 1, P, 0, b"a", b"1");
        log.add("txn_child", TXN + 1, fields! {opcode: 1, parent: TXN});
        if restarted {
            let here = lsn(1, u32::try_from(log.size()).unwrap());
            log.add("txn_ckp", 0, fields! {ckp_lsn: here});
        }
        log.put(TXN, [0, 8], 0, b"b", b"2");
        log.commit(TXN, 5);
        let lines = told(&log);
        let fate = if restarted { "put a: - 1 (Uncommitted)" } else { "put a: - 1 (at 5)" };
        assert_eq!(lines, [fate, "put b: - 2 (at 5)"]);
    }
}

#[test]
fn an_undone_prepare_is_an_abort() {
    for version in [8, 14] {
        let mut log = Craft::new(version);
        log.open(0, b"a.db", 1);
        log.put(TXN, P, 0, b"a", b"1");
        log.add("txn_xa_regop", TXN, fields! {opcode: 2, xid: b"an id"});
        assert_eq!(told(&log), ["put a: - 1 (Prepared)"]);
        log.add("txn_xa_regop", TXN, fields! {opcode: 3, xid: b"an id"});
        assert_eq!(told(&log), ["put a: - 1 (Aborted)"]);
    }
}

#[test]
fn numbers_mean_nothing_behind_a_gap_until_the_log_says_so() {
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    log.put(TXN, P, 0, b"a", b"1");
    log.commit(TXN, 1);
    let closed = log.register(2, 0, b"a.db", 1, 1, 0);
    let opened = log.open(0, b"b.db", 2);
    log.put(TXN, P, 0, b"b", b"1");
    log.commit(TXN, 2);
    let part = log.clone();
    log.register(1, 0, b"b.db", 2, 1, 0);
    for (mut log, expected) in [(part, 0), (log, 1)] {
        log.writer.max = 0;
        log.add("txn_recycle", 0, &[]);
        let (_folder, dir) = damaged(&log, &[closed, opened]);
        assert_eq!(dir.history().database("a.db").read().changes().count(), 1);
        assert_eq!(dir.history().database("b.db").read().changes().count(), expected);
    }
    // One record cannot give a number another meaning.
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    let lost = log.put(TXN, P, 0, b"a", b"1");
    log.put(TXN, P, 2, b"b", b"1");
    log.commit(TXN, 1);
    log.writer.max = 0;
    log.add("txn_recycle", 0, &[]);
    let (_folder, dir) = damaged(&log, &[lost]);
    assert_eq!(lines(&dir.history().database("a.db").read()), ["put b: - 1 (at 1)"]);
}

#[test]
fn a_chain_behind_a_gap_is_not_that_before_it() {
    let reference = [&[0, 0, 3, 0][..], &9u32.to_le_bytes(), &4u32.to_le_bytes()].concat();
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    log.insert(TXN, P, 0, b"a");
    log.change("db_big", TXN, [0, 9], fields! {opcode: 3, dbt: b"long"});
    log.insert_whole(TXN, P, 1, reference.clone());
    log.commit(TXN, 1);
    let lost = log.change("db_big", TXN, [0, 9], fields! {opcode: 3, dbt: b"else"});
    log.commit(TXN, 1);
    log.mark(TXN, P, 0);
    log.remove(TXN, P, 0, item(Little, 1, b"a"));
    log.remove(TXN, P, 0, [&[0, 0, 0x83, 0][..], &reference[4..]].concat());
    log.commit(TXN, 1);
    log.writer.max = 0;
    log.register(1, 0, b"a.db", 1, 1, 0);
    assert_eq!(told(&log)[..1], ["put a: - long (at 1)"]);
    let (_folder, dir) = damaged(&log, &[lost]);
    let found = lines(&dir.history().read());
    assert_eq!(found.last().unwrap(), "delete a: ? - (at 1)", "{found:?}");
}

#[test]
fn duplicates_of_2_x_that_are_divided_are_not_deleted() {
    let mut log = Craft::new(2);
    log.register(3, 0, b"a.db", 1, 1, 0);
    log.insert(TXN, [0, 1], 0, b"key");
    log.change("bam_pg_alloc", TXN, P, fields! {ptype: 1});
    log.insert(TXN, P, 0, b"1");
    log.insert(TXN, P, 1, b"2");
    log.insert_whole(TXN, [0, 1], 1, [&[0, 0, 2, 0][..], &7u32.to_le_bytes(), &[0; 4]].concat());
    let items = [b"1", b"2"].map(|data| item(Little, 1, data));
    let whole = image(Little, 7, log.page(0, 7), 1, &items);
    log.change("db_split", TXN, P, fields! {opcode: 0x50, pageimage: whole});
    for (page, item) in [7, 8].into_iter().zip(items) {
        let half = image(Little, page, log.page(0, page), 1, &[item]);
        log.change("db_split", TXN, [0, page], fields! {opcode: 0x60, pageimage: half});
    }
    log.insert(TXN, [0, 8], 1, b"3");
    log.commit(TXN, 1);
    assert_eq!(told(&log), ["put key: - 1 (at 1)", "put key: - 2 (at 1)", "put key: - 3 (at 1)"]);
}

#[test]
fn a_split_sends_each_pair_to_its_half() {
    for version in [3, 8, 14] {
        let mut log = Craft::new(version);
        log.open(0, b"a.db", 1);
        let pairs = [b"a", b"1", b"b", b"2", b"c", b"3"];
        log.change("db_noop", TXN, P, &[]);
        let whole = image(Little, 7, log.page(0, 7), 5, &pairs.map(|data| item(Little, 1, data)));
        let split = log.add("bam_split", TXN, fields! {fileid: 0, left: 7, right: 8, indx: 4, pg: whole});
        log.set_page(0, 7, split);
        log.set_page(0, 8, split);
        log.mark(TXN, [0, 8], 0);
        log.mark(TXN, P, 2);
        log.commit(TXN, 1);
        assert_eq!(told(&log), ["delete c: 3 - (at 1)", "delete b: 2 - (at 1)"], "{version}");
    }
}

#[test]
fn a_page_that_another_database_had_is_deleted_by_its_own() {
    let mut log = Craft::new(8);
    log.register(3, 0, b"m.db", 1, 1, 2);
    log.register(3, 1, b"m.db", 1, 1, 3);
    log.insert(TXN, P, 0, b"a");
    log.change("db_pg_alloc", TXN, P, &[]);
    log.change("db_pg_alloc", TXN, [0, 8], fields! {ptype: 5});
    log.put(TXN, [0, 8], 0, b"x", b"0");
    let freed = log.page(0, 8);
    let header = image(Little, 8, freed, 5, &[])[..26].to_vec();
    let freed = log.add("db_pg_free", TXN, fields! {fileid: 0, pgno: 8, header: header});
    log.set_page(1, 8, freed);
    log.change("db_pg_alloc", TXN, [1, 8], fields! {ptype: 5});
    let items = [b"a", b"1"].map(|data| item(Little, 1, data));
    let whole = image(Little, 8, log.page(1, 8), 5, &items);
    let data = whole[512 - 8..].to_vec();
    let header = whole[..30].to_vec();
    log.add("db_pg_freedata", TXN, fields! {fileid: 1, pgno: 8, header: header, data: data});
    log.commit(TXN, 1);
    let (_folder, dir) = log.save();
    let history = dir.history().read();
    let last = history.changes().last().unwrap();
    assert_eq!(lines(&history).last().unwrap(), "delete a: 1 - (at 1)");
    assert_eq!(history.database(last).unwrap().number, 1);
}

#[test]
fn references_to_the_level_below_are_no_records() {
    let mut log = Craft::new(8);
    log.register(3, 0, b"a.db", 1, 3, 0);
    log.remove(TXN, P, 1, [5u32, 20].map(u32::to_le_bytes).concat());
    log.remove(TXN, [0, 8], 1, item(Little, 1, b"a record"));
    log.commit(TXN, 1);
    assert_eq!(told(&log), ["delete ?: a record - (at 1)"]);
}

#[test]
fn names_of_databases_in_a_file() {
    let mut log = Craft::new(8);
    log.open(0, b"dir/m.db", 1);
    let listed = [0, 1];
    // A list names metadata pages; other databases have pairs of four bytes, too.
    log.put(TXN, listed, 0, b"zero", &[0; 4]);
    log.put(TXN, listed, 2, b"one", &[0, 0, 0, 2]);
    let mut meta = vec![0; 512];
    meta[12..16].copy_from_slice(&0x0005_3162u32.to_le_bytes());
    meta[16..20].copy_from_slice(&9u32.to_le_bytes());
    meta[20..24].copy_from_slice(&512u32.to_le_bytes());
    meta[25] = 9;
    log.change("crdel_metasub", TXN, [0, 2], fields! {page: meta.clone()});
    log.register(3, 1, b"dir/m.db", 1, 1, 2);
    log.register(2, 1, b"dir/m.db", 1, 1, 2);
    log.put(TXN, listed, 2, b"renamed", &[0, 0, 0, 2]);
    log.register(3, 1, b"dir/m.db", 1, 1, 2);
    log.register(2, 1, b"dir/m.db", 1, 1, 2);
    // Another database gets the page.
    log.put(TXN, listed, 2, b"two", &[0, 0, 0, 2]);
    log.change("crdel_metasub", TXN, [0, 2], fields! {page: meta});
    log.register(3, 1, b"dir/m.db", 1, 1, 2);
    log.register(2, 1, b"dir/m.db", 1, 1, 2);
    let id = [1; 20];
    log.add("fop_rename", TXN, fields! {oldname: b"dir/m.db\0", newname: b"n.db\0", fileid: &id});
    log.add("fop_rename", TXN, fields! {oldname: b"n.db\0", newname: b"__db.gone\0", fileid: &id});
    let (_folder, dir) = log.save();
    let files = dir.files();
    let named = |name: &str| -> Vec<u32> {
        let all: Vec<_> = files.bindings().collect();
        files
            .named(name.as_bytes())
            .map(|found| u32::try_from(all.iter().position(|other| *other == found).unwrap()).unwrap())
            .collect()
    };
    for name in ["m.db", "dir/m.db", "n.db"] {
        assert_eq!(named(name), [0, 1, 2, 3], "{name}");
    }
    for name in ["m.db/one", "dir/m.db/renamed", "n.db/one", "one", "renamed"] {
        assert_eq!(named(name), [1, 2], "{name}");
    }
    assert_eq!(named("m.db/two"), [3]);
    for name in ["zero", "m.db/zero", "other/m.db", "db", "", "m.db/", "/two", "dir"] {
        assert_eq!(named(name), [0; 0], "{name}");
    }
    let names: Vec<Vec<Vec<u8>>> = files.bindings().map(|binding| files.names(binding)).collect();
    assert_eq!(names[0], [&b"n.db"[..], b"dir/m.db", b"__db.gone"]);
    assert_eq!(names[1][0], b"n.db/renamed");
    assert_eq!(names[3], [&b"n.db/two"[..], b"dir/m.db/two", b"__db.gone/two"]);
}

#[test]
fn files_of_one_name_one_after_the_other() {
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    log.put(TXN, P, 0, b"old", b"1");
    log.register(2, 0, b"a.db", 1, 1, 0);
    log.open(0, b"a.db", 2);
    log.mark(TXN, P, 0);
    log.put(TXN, [0, 9], 0, b"new", b"1");
    log.open(1, b"a.db", 2);
    log.set_page(1, 9, log.page(0, 9));
    log.mark(TXN, [1, 9], 0);
    log.commit(TXN, 1);
    assert_eq!(
        told(&log),
        ["put old: - 1 (at 1)", "delete ?: ? - (at 1)", "put new: - 1 (at 1)", "delete new: 1 - (at 1)"]
    );
}

#[test]
fn the_machine_is_that_of_the_records_that_show_it() {
    let mut log = Craft::of(16, Little, 1 << 20);
    log.open(0, b"a.db", 1);
    log.writer.max = 0;
    log.writer.version = 19;
    log.add("txn_recycle", 0, &[]);
    log.writer.version = 16;
    log.remove(TXN, P, 0, item(Big, 1, b"a key"));
    let (_folder, dir) = log.save();
    assert_eq!(dir.files().machine(), Some(Big));
    assert_eq!(dir.transactions().iter().filter(|txn| txn.outcome == TransactionOutcome::Open).count(), 1);
}

#[test]
fn duplicates_in_a_set_of_a_hash_database() {
    let set = |values: &[&[u8]]| -> Vec<u8> {
        let element = |value: &&[u8]| {
            let len = u16::try_from(value.len()).unwrap().to_le_bytes();
            [&len[..], value, &len].concat()
        };
        values.iter().map(element).collect::<Vec<_>>().concat()
    };
    let mut log = Craft::new(8);
    log.register(3, 0, b"h.db", 1, 2, 0);
    log.change("ham_insdel", TXN, P, fields! {opcode: 0x20, ndx: 0, key: b"k", data: b"b"});
    let whole = set(&[b"b", b"a"]);
    log.change(
        "ham_replace",
        TXN,
        P,
        fields! {ndx: 1, off: u32::MAX, olditem: b"\x01b", newitem: [&[2][..], &whole].concat()},
    );
    log.change("ham_replace", TXN, P, fields! {ndx: 1, off: 5, newitem: set(&[b"b", b"c"])});
    log.change(
        "ham_replace",
        TXN,
        P,
        fields! {ndx: 1, off: 0, olditem: set(&[b"b", b"b"]), newitem: set(&[b"d"])},
    );
    log.commit(TXN, 1);
    assert_eq!(
        told(&log),
        [
            "put k: - b (at 1)",
            "put k: - a (at 1)",
            "put k: - b (at 1)",
            "put k: - c (at 1)",
            "replace k: b d (at 1)",
            "delete k: b - (at 1)",
        ]
    );
}

#[test]
fn a_root_takes_over_its_child() {
    for version in [2, 3, 8, 14] {
        let mut log = Craft::new(version);
        log.open(0, b"a.db", 1);
        let root = [0, 1];
        let items = [b"a", b"1", b"b", b"2"].map(|data| item(Little, 1, data));
        let child = image(Little, 7, log.page(0, 7), 5, &items);
        let collapse = log.add("bam_rsplit", TXN, fields! {fileid: 0, pgno: 7, root_pgno: 1, pgdbt: child});
        log.set_page(0, 1, collapse);
        log.set_page(0, 7, collapse);
        log.mark(TXN, root, 2);
        let header = [collapse.file, collapse.offset, 7, 0, 0, 0, 0].map(u32::to_le_bytes).concat();
        let free = if version < 7 { "bam_pg_free" } else { "db_pg_free" };
        log.add(free, TXN, fields! {fileid: 0, pgno: 7, header: &header[..26]});
        log.commit(TXN, 1);
        assert_eq!(told(&log), ["delete b: 2 - (at 1)"], "{version}");
    }
}

#[test]
fn a_pair_that_was_marked_as_deleted_is_put_again() {
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    log.put(TXN, P, 0, b"a", b"1");
    log.mark(TXN, P, 0);
    log.change("bam_repl", TXN, P, fields! {indx: 1, isdeleted: 1, orig: b"1", repl: b"2"});
    log.commit(TXN, 1);
    assert_eq!(told(&log), ["put a: - 1 (at 1)", "delete a: 1 - (at 1)", "put a: - 2 (at 1)"]);
}

#[test]
fn what_an_aborted_transaction_wrote_to_a_chain_is_seen_by_its_own_only() {
    let reference = |kind: u8| [&[0, 0, kind, 0][..], &9u32.to_le_bytes(), &4u32.to_le_bytes()].concat();
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    log.insert(TXN, P, 0, b"a");
    log.change("db_big", TXN, [0, 9], fields! {opcode: 3, dbt: b"long"});
    log.insert_whole(TXN, P, 1, reference(3));
    log.commit(TXN, 1);
    let before = [(P, log.page(0, 7)), ([0, 9], log.page(0, 9))];
    // A nested transaction writes, its parent refers to what it wrote.
    let [parent, child] = [TXN + 1, TXN + 2];
    log.remove(parent, P, 1, reference(3));
    let last = log.change("db_big", child, [0, 9], fields! {opcode: 3, dbt: b"else"});
    log.add("txn_child", parent, fields! {child: child, c_lsn: last});
    log.insert_whole(parent, P, 1, reference(3));
    log.abort(parent, &before);
    log.mark(TXN + 3, P, 0);
    log.commit(TXN + 3, 2);
    assert_eq!(
        told(&log),
        ["put a: - long (at 1)", "replace a: long else (Uncommitted)", "delete a: long - (at 2)"]
    );
}

#[test]
fn a_chain_that_was_moved_is_found() {
    let mut log = Craft::new(14);
    log.open(0, b"a.db", 1);
    log.insert(TXN, P, 0, b"a");
    log.change("db_big", TXN, [0, 9], fields! {opcode: 3, dbt: b"long"});
    log.insert_whole(TXN, P, 1, [&[0, 0, 3, 0][..], &9u32.to_le_bytes(), &4u32.to_le_bytes()].concat());
    let mut head = [0, 0, 9, 0, 0, 0, 0].map(u32::to_le_bytes).concat();
    (head[22], head[25]) = (4, 7);
    log.change(
        "bam_merge",
        TXN,
        [0, 5],
        fields! {npgno: 9, nlsn: log.page(0, 9), hdr: &head[..26], data: b"long", pg_copy: 1},
    );
    log.change("bam_pgno", TXN, P, fields! {indx: 1, opgno: 9, npgno: 5});
    log.change("db_big", TXN, [0, 9], fields! {opcode: 3, dbt: b"else"});
    log.mark(TXN, P, 0);
    log.commit(TXN, 1);
    assert_eq!(told(&log), ["put a: - long (at 1)", "delete a: long - (at 1)"]);
}

#[test]
fn a_page_that_is_given_back_takes_its_pairs_with_it() {
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    let root = [0, 1];
    log.put(TXN, root, 0, b"a", b"1");
    log.insert(TXN, root, 5, b"3");
    log.commit(TXN, 1);
    let free = |log: &mut Craft, lsn: Lsn| {
        let header = [lsn.file, lsn.offset, 1, 0, 0, 0, 0].map(u32::to_le_bytes).concat();
        log.add("db_pg_free", TXN, fields! {fileid: 0, pgno: 1, header: &header[..26]});
        log.commit(TXN, 2);
    };
    // Not if it is not the page that it was.
    let mut other = log.clone();
    free(&mut other, lsn(1, 5));
    assert_eq!(told(&other).len(), 2);
    let page = log.page(0, 1);
    free(&mut log, page);
    assert_eq!(told(&log)[2..], ["delete a: 1 - (at 2)", "delete ?: 3 - (at 2)"]);
}

#[test]
fn a_page_that_is_taken_into_use_again_holds_nothing_of_its_last_owner() {
    let reference = [&[0, 0, 2, 0][..], &7u32.to_le_bytes(), &[0; 4]].concat();
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    for (index, key, value) in [(0, b"first", b"1"), (2, b"other", b"2")] {
        log.insert(TXN, [0, 1], index, key);
        log.change("db_pg_alloc", TXN, P, fields! {ptype: 6});
        log.insert(TXN, P, 0, value);
        log.insert_whole(TXN, [0, 1], index + 1, reference.clone());
        log.change("db_noop", TXN, P, &[]);
    }
    log.commit(TXN, 1);
    assert_eq!(told(&log), ["put first: - 1 (at 1)", "put other: - 2 (at 1)"]);
}

#[test]
fn a_page_whose_neighbour_changes_stays_known() {
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    log.put(TXN, P, 0, b"a", b"1");
    let at = log.add("db_relink", TXN, fields! {opcode: 6, pgno: 9, next: 7, lsn_next: log.page(0, 7)});
    log.set_page(0, 7, at);
    log.change("db_noop", TXN, P, &[]);
    log.change("bam_cadjust", TXN, P, &[]);
    log.mark(TXN, P, 0);
    log.commit(TXN, 1);
    assert_eq!(told(&log), ["put a: - 1 (at 1)", "delete a: 1 - (at 1)"]);
}

#[test]
fn a_record_that_is_put_elsewhere_first_is_moved() {
    let mut log = Craft::new(8);
    log.register(3, 0, b"r.db", 1, 3, 0);
    log.insert(TXN, P, 0, b"a record");
    log.insert_whole(TXN, [0, 8], 0, item(Little, 1, b"a record"));
    log.remove(TXN, P, 0, item(Little, 1, b"a record"));
    log.remove(TXN, [0, 8], 0, item(Little, 1, b"a record"));
    log.commit(TXN, 1);
    assert_eq!(told(&log), ["put ?: - a record (at 1)", "delete ?: a record - (at 1)"]);
}

#[test]
fn a_deletion_is_told_whole_when_its_pair_is_taken_away_from_another_page() {
    let mut log = Craft::new(8);
    log.open(0, b"a.db", 1);
    log.mark(TXN, P, 2);
    let mut items = [b"a", b"1", b"b", b"2"].map(|data| item(Little, 1, data));
    items[3][2] = 0x81;
    let whole = image(Little, 7, log.page(0, 7), 5, &items);
    let split = log.add("bam_split", TXN, fields! {fileid: 0, left: 7, right: 8, indx: 2, pg: whole});
    log.set_page(0, 8, split);
    log.remove(TXN, [0, 8], 0, item(Little, 1, b"b"));
    log.remove(TXN, [0, 8], 0, item(Little, 0x81, b"2"));
    log.commit(TXN, 1);
    assert_eq!(told(&log), ["delete b: 2 - (at 1)"]);
}

#[test]
fn pairs_of_a_hash_database_move_up_when_one_is_taken_away() {
    let mut log = Craft::new(8);
    log.register(3, 0, b"h.db", 1, 2, 0);
    for (index, key, data) in [(0, b"k", b"1"), (2, b"m", b"2")] {
        log.change("ham_insdel", TXN, P, fields! {opcode: 0x20, ndx: index, key: key, data: data});
    }
    log.change("ham_insdel", TXN, P, fields! {opcode: 0x30, key: b"\x01k", data: b"\x011"});
    log.change("ham_replace", TXN, P, fields! {ndx: 1, off: 0, olditem: b"2", newitem: b"3"});
    log.commit(TXN, 1);
    assert_eq!(told(&log)[2..], ["delete k: 1 - (at 1)", "replace m: 2 3 (at 1)"]);
}

//! Logs that are made to mislead the history of a log, to break it, or to cost time or
//! memory: right checksums, and records that no library would write.

use std::time::Duration;

use bdbkit::Endianness::Little;
use bdbkit::log::{LogDir, Value};

use crate::common::logs::{HEADER, log_files, lsn, put_u32, save, seal, to_u32, to_usize};
use crate::common::{Case, Watch, cases, thorough};
use crate::counting::{peak_of, taken_by};
use crate::craft;
use crate::craft::{Craft, TXN, image, item};
use crate::fields;

/// Takes everything from a log that is asked of it; says how many changes there are.
fn ask(log: &LogDir) -> usize {
    for record in log.records().past_end().flatten() {
        let _ = record.event();
    }
    let transactions = log.transactions();
    for index in 0..transactions.len() {
        let _ = transactions.fate(index);
    }
    let files = log.files();
    let named = files.named(b"a.db").count() + files.named(b"a/b/c").count();
    assert!(named <= 2 * files.bindings().len());
    let history = log.history().past_end().read();
    for change in history.changes() {
        let _ = (history.fate(change), history.transaction(change), history.database(change));
    }
    log.history().database("a.db").key_prefix("k").read().changes().count().max(history.changes().len())
}

/// Asks a log made at some cost: within 20 seconds, and memory of a small multiple of its
/// size besides what may always be put together.
fn bounded(name: &'static str, log: &Craft, multiple: usize) {
    let size = log.size();
    let (_folder, dir) = log.save();
    let watch = Watch::start(Duration::from_secs(40));
    watch.about(name);
    let peak = peak_of(|| {
        ask(&dir);
    });
    assert!(peak < multiple * size + (80 << 20), "{name}: {peak} bytes for a log of {size}");
}

#[test]
fn changed_records_of_genuine_logs_are_survived() {
    let values = [0, 1, 2, 7, 0xff, 0xffff, 0x7fff_ffff, u32::MAX];
    let mut runs = 0u32;
    let wanted = |case: &Case| !case.has("encrypted");
    for (number, case) in cases(&["env-", "mboxlist-"]).into_iter().filter(wanted).enumerate() {
        let watch = Watch::start(Duration::from_secs(60));
        let files = log_files(&case.name);
        let log = LogDir::open(case.folder()).unwrap();
        let records: Vec<_> = log.records().map(Result::unwrap).collect();
        let step = if thorough() { 1 } else { 29 };
        for record in records.iter().skip(number % step).step_by(step) {
            let start = to_usize(record.lsn().offset);
            // The prefix word by word, and each field.
            let mut places = vec![0, 4, 8, 12];
            let mut at = 16;
            for field in record.fields() {
                places.push(at);
                at += match field.value() {
                    Value::Lsn(_) => 8,
                    Value::Bytes(bytes) => {
                        places.extend((at + 4..at + 4 + bytes.len()).step_by(2).take(16));
                        4 + bytes.len()
                    }
                    Value::Size(_) => break,
                    _ => 4,
                };
            }
            for place in places {
                let value = values[to_usize(runs) % values.len()];
                runs += 1;
                if place + 4 > record.body().len() || !thorough() && runs % 5 != 0 {
                    continue;
                }
                let mut files = files.clone();
                let file = &mut files[to_usize(record.lsn().file) - 1];
                let bytes = &mut file[start..start + to_usize(record.size())];
                put_u32(record.endianness(), bytes, HEADER + place, value);
                seal(record.version(), record.endianness(), bytes);
                let folder = tempfile::tempdir().unwrap();
                for (number, bytes) in (1..).zip(&files) {
                    save(folder.path(), number, bytes);
                }
                watch.about(case.name.as_str());
                ask(&LogDir::open(folder.path()).unwrap());
            }
        }
    }
    assert!(runs > 3000, "{runs}");
}

fn opened(version: u32) -> Craft {
    let mut log = Craft::new(version);
    log.open(0, b"a.db", 1);
    log
}

#[test]
fn many_transactions_one_in_the_other() {
    let mut log = opened(8);
    let count = 30_000;
    for txn in 0..count {
        log.put(TXN + txn, [0, txn % 7], 0, b"k", b"v");
    }
    for txn in (1..count).rev() {
        let last = lsn(1, 0);
        log.add("txn_child", TXN + txn - 1, fields! {child: TXN + txn, c_lsn: last});
    }
    bounded("nested", &log, 30);
    // Each with the last record of its child, innermost first; and one number over and over.
    let mut log = opened(8);
    let mut last = log.insert(TXN + count, [0, 7], 1, b"v");
    for txn in (0..count).rev() {
        last = log.add("txn_child", TXN + txn, fields! {child: TXN + txn + 1, c_lsn: last});
    }
    for number in 0..count {
        log.add_behind("txn_regop", TXN, lsn(0, 0), fields! {opcode: number % 4});
        log.add("txn_ckp", 0, fields! {ckp_lsn: lsn(1, number)});
    }
    bounded("innermost first", &log, 30);
}

#[test]
fn many_names() {
    let mut log = opened(8);
    let name = |number: u32| format!("{}\0", number % 5000).into_bytes();
    let id = [1; 20];
    for number in 0..10_000 {
        log.add("fop_rename", TXN, fields! {oldname: name(number), newname: name(number + 1), fileid: &id});
    }
    for number in 0..10_000u32 {
        log.register(3, number, b"a.db", 1, 1, number % 3);
        log.put(TXN, [0, number], 0, &name(number), &[0, 0, 0, 1]);
    }
    bounded("by the file's id", &log, 30);
    // The same without ids, in a circle.
    let mut log = Craft::new(3);
    for number in 0..10_000u32 {
        log.add("crdel_rename", TXN, fields! {name: name(number), newname: name(number + 1)});
        log.register(3, number, &name(number), 1, 1, 0);
        log.register(2, number / 2, b"a.db", 2, 1, 0);
    }
    bounded("in a circle", &log, 30);
    // Files with a gap behind each.
    let mut log = Craft::of(8, Little, 0);
    for number in 0..300u32 {
        log.writer.max = 20_000;
        for other in 0..40 {
            log.open(number * 40 + other, b"a.db", u8::try_from(other).unwrap());
        }
        log.writer.max = 0;
    }
    for bytes in &mut log.writer.files {
        bytes.truncate(bytes.len() - 3);
    }
    bounded("gaps", &log, 200);
}

#[test]
fn the_last_slot_of_a_million_pages() {
    let mut log = opened(8);
    for page in 0..20_000 {
        log.insert(TXN, [0, page], 32767, b"v");
        log.mark(TXN, [0, page], 32760);
        log.change("bam_adj", TXN, [0, page], fields! {indx: u32::MAX, indx_copy: 32768, is_insert: 1});
    }
    bounded("slots", &log, 30);
}

#[test]
fn one_page_with_many_slots() {
    let mut log = opened(8);
    for number in 0..10_000 {
        log.put(TXN, [0, 1], 0, b"k", b"v");
        if number % 10 == 0 {
            log.mark(TXN, [0, 1], 0);
        }
    }
    bounded("a page", &log, 30);
}

#[test]
fn chains_in_a_circle() {
    for pages in [1, 2, 1000] {
        let mut log = opened(8);
        for page in 0..pages {
            let fields = fields! {opcode: 3, next_pgno: 10 + (page + 1) % pages, dbt: b"x"};
            log.change("db_big", 0, [0, 10 + page], fields);
        }
        for number in 0..4000u32 {
            let reference =
                [&[0, 0, 3, 0][..], &(10 + number % pages).to_le_bytes(), &u32::MAX.to_le_bytes()].concat();
            let page = [0, 10_000 + number];
            log.insert(0, page, 0, b"k");
            log.change("db_big", 0, [0, 10], fields! {opcode: 3, next_pgno: 10 + 1 % pages, dbt: b"x"});
            log.insert_whole(0, page, 1, reference);
            log.mark(0, page, 0);
        }
        bounded("a chain", &log, 30);
    }
}

#[test]
fn large_items_with_many_small_changes() {
    // Of a plain item, in a transaction that aborts, so that all could be undone.
    let mut log = opened(8);
    let large = vec![b'v'; 1 << 20];
    log.put(TXN, [0, 1], 0, b"k", &large);
    for number in 0..5000u32 {
        let new = number.to_le_bytes();
        let suffix = to_u32(large.len()) - 8 + if number == 0 { 4 } else { 0 };
        let old = if number == 0 { b"vvvv".to_vec() } else { (number - 1).to_le_bytes().to_vec() };
        log.change(
            "bam_repl",
            TXN,
            [0, 1],
            fields! {indx: 1, orig: old, repl: &new, prefix: 4, suffix: suffix - 4 * u32::from(number == 0)},
        );
    }
    bounded("a value", &log, 30);
    // Of a set of duplicates of a HASH database.
    let mut log = Craft::new(8);
    log.register(3, 0, b"a.db", 1, 2, 0);
    let set: Vec<u8> = (0..13_000u32).flat_map(|n| [1, 0, n.to_le_bytes()[0], 1, 0]).collect();
    log.change("ham_insdel", TXN, [0, 1], fields! {opcode: 0x24, ndx: 0, key: b"k", data: set.clone()});
    for number in 0..500u32 {
        let at = number % 1000 * 5 + 2;
        let old = [set[to_usize(at)]];
        log.change("ham_replace", TXN, [0, 1], fields! {ndx: 1, off: at, olditem: &old, newitem: &old});
        log.change(
            "ham_replace",
            TXN,
            [0, 1],
            fields! {ndx: 1, off: 0, olditem: &set[..5], newitem: &set[..5]},
        );
        // Elements in another order.
        let turned = [&set[5..], &set[..5]].concat();
        if number % 100 == 0 {
            let whole = [&[2][..], &turned].concat();
            log.change("ham_replace", TXN, [0, 1], fields! {ndx: 1, off: u32::MAX, newitem: whole});
        }
    }
    bounded("a set", &log, 100);
}

#[test]
fn pages_given_back_over_and_over() {
    let mut log = opened(8);
    let items: Vec<_> = (0..60).map(|_| item(Little, 1, b"k")).collect();
    let whole = image(Little, 1, log.page(0, 1), 5, &items);
    log.change("crdel_metasub", 0, [0, 1], fields! {page: whole});
    for _ in 0..1000 {
        log.insert(0, [0, 1], 0, b"k");
        log.insert(0, [0, 1], 1, b"v");
    }
    let page = log.page(0, 1);
    let header = [page.file, page.offset, 1, 0, 0, 0, 0].map(u32::to_le_bytes).concat();
    for _ in 0..2000 {
        log.add("db_pg_free", TXN, fields! {fileid: 0, pgno: 1, header: &header[..26]});
        // As the page was before that: it was undone.
        log.set_page(0, 1, page);
        log.change("db_noop", TXN, [0, 1], &[]);
        log.set_page(0, 1, page);
        log.change("db_noop", TXN, [0, 1], &[]);
    }
    bounded("a page", &log, 100);
}

#[test]
fn images_with_as_many_slots_as_can_be() {
    let mut log = opened(8);
    let mut whole = vec![0; 1 << 16];
    let slots = 32_000usize;
    whole[8..12].copy_from_slice(&1u32.to_le_bytes());
    whole[20..22].copy_from_slice(&u16::try_from(slots).unwrap().to_le_bytes());
    for kind in [5, 12, 6, 13, 3] {
        whole[25] = kind;
        let area = whole.len() - 4;
        whole[22..24].copy_from_slice(&u16::try_from(area).unwrap().to_le_bytes());
        whole[area..].copy_from_slice(&item(Little, 1, b"k"));
        for slot in 0..slots {
            whole[26 + 2 * slot..28 + 2 * slot].copy_from_slice(&u16::try_from(area).unwrap().to_le_bytes());
        }
        for page in 0..20 {
            log.add("bam_split", TXN, fields! {left: 1 + page, right: 30 + page, indx: 7, pg: whole.clone()});
            log.add(
                "db_pg_freedata",
                TXN,
                fields! {pgno: page, header: whole[..area].to_vec(), data: &whole[area..]},
            );
        }
    }
    bounded("images", &log, 30);
}

/// Four times the log takes about four times the memory and the work: not more than a number
/// that grows with the logarithm.
fn linear(name: &'static str, shape: impl Fn(u32) -> Craft, count: u32) {
    let watch = Watch::start(Duration::from_secs(240));
    watch.about(name);
    let [small, large] = [count, 4 * count].map(|count| {
        let log = shape(count);
        let size = log.size();
        let (_folder, dir) = log.save();
        let mut peak = 0;
        let taken = taken_by(|| {
            peak = peak_of(|| {
                ask(&dir);
            });
        });
        assert!(peak < 60 * size + (1 << 20), "{name}: {peak} bytes for a log of {size}");
        (size, peak, taken)
    });
    // In hundredths.
    let grown = |small: usize, large: usize| 100 * large / small;
    let size = grown(small.0, large.0);
    for (what, small, large) in [("memory", small.1, large.1), ("work", small.2, large.2)] {
        let by = grown(small, large);
        assert!(by < size * 14 / 10, "{name}: {size} % of the log, {by} % of the {what}: {small}, {large}");
    }
}

/// A page of very many slots, by an open transaction.
fn crowded(version: u32) -> Craft {
    let mut log = opened(version);
    log.change("db_pg_alloc", TXN, [0, 5], fields! {ptype: 5u32});
    for index in 0..12_000 {
        log.insert(TXN, [0, 5], index, b"x");
    }
    log
}

fn merge(log: &mut Craft, [to, from]: [u32; 2], copy: bool) {
    let name = if log.writer.version < 17 { "bam_merge" } else { "db_merge" };
    let before = log.page(0, from);
    let fields =
        [("npgno", craft::Of::from(from)), ("nlsn", before.into()), ("pg_copy", u32::from(copy).into())];
    let mut known = bdbkit::log::Schema::of_version(log.writer.version).flat_map(|schema| schema.records());
    let layout = known.find(|layout| layout.name().trim_start_matches('_') == name).unwrap();
    let has = |name: &str| layout.fields().iter().any(|field| field.name() == name);
    let fields: Vec<_> = fields.into_iter().filter(|(name, _)| has(name)).collect();
    log.change(name, TXN, [0, to], &fields);
}

#[test]
fn copies_of_a_page_by_an_open_transaction() {
    for version in [11, 14, 19] {
        // The same page again and again, and what is copied is changed.
        let merged = |count| {
            let mut log = crowded(version);
            for index in 0..count {
                merge(&mut log, [5, 9], false);
                log.insert(TXN, [0, 5], index, b"y");
            }
            log
        };
        linear("merges", merged, 1_000);
        // To other pages.
        let spread = |count| {
            let mut log = crowded(version);
            for page in 0..count {
                merge(&mut log, [10 + page, if page == 0 { 5 } else { 9 + page }], true);
            }
            log
        };
        linear("spread", spread, 2_000);
    }
}

#[test]
fn slots_put_before_all_others() {
    let front = |count| {
        let mut log = opened(14);
        for _ in 0..count {
            log.insert(TXN, [0, 5], 0, b"x");
        }
        log
    };
    linear("at the front", front, 5_000);
}

#[test]
fn one_overflow_page_of_many_transactions() {
    let links = |count| {
        let mut log = opened(14);
        let reference = [&[0, 0, 3, 0][..], &7u32.to_le_bytes(), &4u32.to_le_bytes()].concat();
        let write = |log: &mut Craft, txn: u32| {
            log.set_page(0, 7, lsn(0, 0));
            log.change("db_big", txn, [0, 7], fields! {opcode: 3u32, dbt: b"yyyy"});
        };
        (0..count).for_each(|txn| write(&mut log, TXN + txn));
        for txn in 0..count {
            write(&mut log, TXN + count + txn);
            log.set_page(0, 5, lsn(0, 0));
            log.insert_whole(TXN - 1, [0, 5], 1, reference.clone());
        }
        log
    };
    linear("links", links, 10_000);
}

#[test]
fn names_of_a_file_that_is_opened_often() {
    let renames = |count: u32| {
        let mut log = Craft::new(14);
        let name = |number: u32| format!("n{number}\0").into_bytes();
        for number in 0..count {
            let names = fields! {oldname: name(number), newname: name(number + 1), fileid: &[1; 20]};
            log.add("fop_rename", TXN, names);
        }
        for _ in 0..count {
            log.open(0, b"a.db", 1);
            log.insert(0, [0, 5], 1, b"x");
            log.register(2, 0, b"a.db", 1, 1, 0);
        }
        log
    };
    let log = |count| {
        let log = renames(count);
        let (_folder, dir) = log.save();
        let files = dir.files();
        let bindings: Vec<_> = files.bindings().collect();
        let taken = taken_by(|| {
            for binding in &bindings {
                assert_eq!(files.file_name(binding), Some(&b"a.db"[..]));
                assert_eq!(files.inner_name(binding), None);
            }
            assert_eq!(files.file_names(b"a.db").len(), to_usize(count) + 2);
        });
        (log, taken)
    };
    let ((_, small), (_, large)) = (log(2_000), log(8_000));
    assert!(large < 6 * small, "{small}, {large}");
    linear("renames", renames, 1_000);
}

#[test]
fn sets_of_duplicates_that_are_taken_away_and_come_back() {
    // Each replacement changes thousands of duplicates, and is undone.
    let sets = |count| {
        let mut log = Craft::new(8);
        log.register(3, 0, b"a.db", 1, 2, 0);
        let set: Vec<u8> = (0..10_000u32).flat_map(|n| [1, 0, n.to_le_bytes()[0], 1, 0]).collect();
        log.change(
            "ham_insdel",
            0,
            [0, 1],
            fields! {opcode: 0x24u32, ndx: 0u32, key: b"k", data: set.clone()},
        );
        let before = log.page(0, 1);
        for _ in 0..count {
            log.set_page(0, 1, before);
            let turned = fields! {ndx: 1u32, off: 0u32, olditem: &set[..2], newitem: &[2u8, 0]};
            log.change("ham_replace", TXN, [0, 1], turned);
        }
        log
    };
    let log = sets(4_000);
    let (_folder, dir) = log.save();
    let mut errors = Vec::new();
    let peak = peak_of(|| {
        let history = dir.history().read();
        errors = history.errors().iter().map(ToString::to_string).collect();
    });
    assert!(peak < 60 * log.size() + (160 << 20), "{peak} bytes for a log of {}", log.size());
    assert!(errors.iter().any(|error| error.contains("bytes of memory")), "{errors:?}");
    // As much as was asked for, and no more.
    let peak = peak_of(|| drop(dir.history().memory(1 << 20).read()));
    assert!(peak < 60 * log.size() + (4 << 20), "{peak} bytes for a log of {}", log.size());
}

#[test]
fn a_long_key_of_many_duplicates() {
    // What is put on a page before its key is known gets that key later.
    let mut log = opened(14);
    let long = vec![b'k'; 1 << 19];
    for (page, next) in [(20, 21), (21, 0)] {
        log.change("db_big", 0, [0, page], fields! {opcode: 3u32, next_pgno: next, dbt: &long[..]});
    }
    log.change("db_pg_alloc", 0, [0, 9], fields! {ptype: 12u32});
    for number in 0..600u32 {
        log.insert(0, [0, 9], number, &number.to_le_bytes());
    }
    let chain = [&[0, 0, 3, 0][..], &20u32.to_le_bytes(), &(1u32 << 20).to_le_bytes()].concat();
    log.insert_whole(0, [0, 5], 0, chain);
    log.insert_whole(0, [0, 5], 1, [&[0, 0, 2, 0][..], &9u32.to_le_bytes(), &[0; 4]].concat());
    let (_folder, dir) = log.save();
    let peak = peak_of(|| drop(dir.history().read()));
    assert!(peak < 30 * log.size() + (80 << 20), "{peak} bytes for a log of {}", log.size());
}

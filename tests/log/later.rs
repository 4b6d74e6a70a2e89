//! Records that logs of releases 6.0 to 18.1 have, made by the small writer: no log of these releases is kept
//! here.

use bdbkit::log::{Event, LogDir, Printer, Value};

use crate::common::logs::LATER;
use crate::craft::{Craft, Of, TXN};
use crate::fields;

/// The text of all records of a log, and how often one could not be taken apart.
fn printed(log: &LogDir) -> (String, usize) {
    let (mut text, mut notes) = (Vec::new(), 0);
    let printer = Printer::new();
    for record in log.records() {
        notes += usize::from(printer.print(&record.unwrap(), &mut text).unwrap().is_some());
    }
    (String::from_utf8(text).unwrap(), notes)
}

/// A log in which a database is opened, a value goes to an external file, and a record to a HEAP.
fn log(version: u32) -> (tempfile::TempDir, LogDir) {
    let mut craft = Craft::new(version);
    craft.register(3, 3, b"a.db", 6, 6, 0);
    let (name, folder, bytes) = (b"__db1/__db.bl001", b"", b"bytes of the value");
    let at = 0x1_0000_0002_u64;
    if version == 20 {
        let fields = fields! {
            name: name, dirname: folder, appname: 1, offset_lo: 2, offset_hi: 1, new_data: bytes, flag: 1
        };
        craft.add("fop_write_file", TXN, fields);
    } else {
        let fields = fields! { name: name, dirname: folder, appname: 1, offset: Of::Wide(at), new_data: bytes, flag: 1 };
        craft.add("fop_write_file", TXN, fields);
    }
    let (head, data) = (&[0, 0, 4, 0], b"four");
    craft.change("heap_addrem", TXN, [3, 2], fields! { opcode: 1 << 8 | 15, hdr: head, dbt: data });
    craft.commit(TXN, 100);
    craft.save()
}

#[test]
fn their_records_are_read_and_printed() {
    for version in LATER {
        let (_folder, log) = log(version);
        let (text, notes) = printed(&log);
        assert_eq!(notes, 0, "{version}: {text}");
        let offset =
            if version == 20 { "\toffset_lo: 2\n\toffset_hi: 1\n" } else { "\toffset: 4294967298\n" };
        for part in ["]__fop_write_file: rec: 86 txnp", "\tappname: 1\n", offset, "\topcode: 1 ptype: heap\n"]
        {
            assert!(text.contains(part), "{version}: no {part:?} in {text}");
        }
        assert_eq!(text.contains("blob_fid_lo"), version >= 22, "{version}");
        let write = log.records().map(Result::unwrap).find(|record| record.kind() == 86).unwrap();
        let offset = write.field("offset");
        assert_eq!(offset, (version > 20).then_some(Value::Size(0x1_0000_0002)), "{version}");
        assert_eq!(write.field("new_data").and_then(Value::bytes), Some(&b"bytes of the value"[..]));
        // What is no page of a database is no event of one.
        assert!(!matches!(write.event(), Event::FileWrite { .. }));
    }
}

#[test]
fn what_they_mean_is_told_as_of_earlier_ones() {
    for version in LATER {
        let (_folder, log) = log(version);
        let files = log.files();
        let binding = files.named(b"a.db").next().expect("the database is known");
        assert_eq!((binding.number, binding.method), (3, 6), "{version}");
        assert_eq!(log.transactions().iter().count(), 1, "{version}");
    }
}

#[test]
fn a_field_of_64_bits_that_is_cut_is_noted() {
    let mut craft = Craft::new(21);
    craft.add("fop_write_file", TXN, fields! { name: b"a", offset: Of::Wide(7) });
    let at = craft.writer.written[0].body.len() - 16;
    let mut short = craft.writer.written[0].body.clone();
    short.truncate(at);
    craft.writer.append(&short);
    let (_folder, log) = craft.save();
    let (text, notes) = printed(&log);
    assert_eq!(notes, 1, "{text}");
}

//! Upgrades beside logs that are made for one question each.

use bdbkit::upgrade::{EditError, Notice, Refusal, Upgrade};
use bdbkit::{Endianness, Lsn};

use crate::build::{Builder, Duplicates, Tree};
use crate::common::image::{DUPLICATE, Image, LEAF};
use crate::common::logs::lsn;
use crate::craft::{Craft, TXN};
use crate::fields;

/// Offset of the id in version 7.
const FILE_ID: usize = 36;
const ID: u8 = 1;

/// A database with a chain of duplicates, which the log of a test knows.
fn database() -> Image {
    let values: Vec<[u8; 4]> = (0..200_u32).map(u32::to_be_bytes).collect();
    let tree = Tree::btree().duplicates(Duplicates::Unsorted);
    let mut file =
        Image::new("a.db", Builder::new(7, Endianness::Little, 512).build(&tree, &[(b"key", values)]));
    (0..20).for_each(|byte| {
        file.put(0, FILE_ID + byte, ID);
    });
    file
}

fn set_lsn(file: &mut Image, page: u32, lsn: Lsn) {
    file.put_u32(page, 0, lsn.file).put_u32(page, 4, lsn.offset);
}

fn plan(file: &Image, log: &Craft) -> Result<Vec<Notice>, EditError> {
    let (folder, _) = log.save();
    let path = folder.path().join("a.db");
    std::fs::write(&path, &file.bytes).unwrap();
    Ok(Upgrade::open(&path).plan()?.remove(0).notices)
}

/// A log of one transaction that put a pair on a leaf, which has it.
fn put(file: &mut Image) -> Craft {
    let mut log = Craft::new(8);
    log.open(0, b"a.db", ID);
    let leaf = file.pages_of(LEAF)[0];
    let last = log.put(TXN, [0, leaf], 0, b"key", b"value");
    set_lsn(file, leaf, last);
    log
}

#[test]
fn the_lsns_of_old_duplicate_pages_mean_nothing() {
    let mut file = database();
    let mut log = put(&mut file);
    log.commit(TXN, 100);
    assert_eq!(plan(&file, &log).unwrap(), []);
    for page in file.pages_of(DUPLICATE) {
        set_lsn(&mut file, page, lsn(0xdead, 0xbeef));
    }
    assert_eq!(plan(&file, &log).unwrap(), []);
    let leaf = file.pages_of(LEAF)[0];
    set_lsn(&mut file, leaf, lsn(0xdead, 0xbeef));
    let notices = plan(&file, &log).unwrap();
    assert!(matches!(notices[..], [Notice::ForeignLog { .. }]), "{notices:?}");
}

/// Recovery brings a prepared transaction back, and needs the pages as the log knows them.
#[test]
fn a_prepared_transaction_has_to_be_settled_first() {
    for committed in [true, false] {
        let mut file = database();
        let mut log = put(&mut file);
        log.add("txn_xa_regop", TXN, fields! {opcode: 2, xid: b"an id"});
        if committed {
            log.commit(TXN, 100);
        }
        match plan(&file, &log) {
            Ok(_) => assert!(committed),
            Err(error) => {
                let refusal = error.refusal();
                assert!(!committed && matches!(refusal, Some(Refusal::Recovery { .. })), "{error}");
            }
        }
    }
}

//! From the fields of a record to what it means (log-format, "Opcodes" and "Record
//! types").

use nom::{IResult, Parser, number::complete::u32 as number};

use super::event::{Event, HashItem, Place, Register, RegisterOperation};
use super::record::{Fields, Record, TxnId, Value};
use super::schema::RecordLayout;
use crate::types::{FileId, Lsn, PageNo};

impl<'a> Record<'a> {
    /// What the record means.
    #[must_use]
    pub fn event(&self) -> Event<'a> {
        if self.debug() {
            return Event::Other;
        }
        let meaning = |(layout, fields): (&RecordLayout, Fields<'a>)| {
            self.meaning(layout.name(), &Named { version: self.version(), fields })
        };
        self.parse().ok().and_then(meaning).unwrap_or(Event::Other)
    }

    fn meaning(&self, name: &str, fields: &Named<'a>) -> Option<Event<'a>> {
        match name.trim_start_matches('_') {
            "txn_regop" | "txn_old_regop" => outcome(fields),
            "txn_xa_regop" | "txn_xa_regop_old" | "txn_prepare" if fields.number("opcode")? == 3 => {
                Some(Event::Abort { time: None })
            }
            "txn_xa_regop" | "txn_xa_regop_old" => Some(Event::Prepare { id: fields.bytes("xid")? }),
            "txn_prepare" => Some(Event::Prepare { id: fields.bytes("gid")? }),
            "txn_child" | "txn_child_old" => self.child(fields),
            "txn_ckp" | "txn_old_ckp" => Some(Event::Checkpoint {
                lsn: fields.lsn("ckp_lsn")?,
                last: fields.lsn("last_ckp")?,
                time: fields.time(),
            }),
            "log_register" | "log_register1" | "dbreg_register" => self.register(fields),
            name => self.change(name, fields),
        }
    }

    /// Before release 3.2 the child logs its commit and names the parent; since then
    /// it is the parent that names the child.
    fn child(&self, fields: &Named<'a>) -> Option<Event<'a>> {
        let own = self.txn()?;
        if let Some(parent) = fields.number("parent") {
            return Some(Event::ChildCommit { child: own, parent: TxnId(parent), last: self.lsn() });
        }
        let child = TxnId(fields.number("child")?);
        Some(Event::ChildCommit { child, parent: own, last: fields.lsn("c_lsn")? })
    }

    fn register(&self, fields: &Named<'a>) -> Option<Event<'a>> {
        let opcode = fields.number("opcode")?;
        let file = fields.signed("fileid").or_else(|| fields.signed("id"))?;
        Some(Event::Register(Register {
            operation: RegisterOperation::of(self.version(), opcode)?,
            file,
            name: text(fields.bytes("name")?),
            id: fields.bytes("uid").and_then(file_id),
            method: fields.number("ftype")?,
            meta: PageNo(fields.number("meta_pgno").unwrap_or(0)),
            big_endian: (self.version() >= 17).then_some(opcode & 0x1000 != 0),
        }))
    }

    fn change(&self, name: &str, fields: &Named<'a>) -> Option<Event<'a>> {
        Some(match name {
            "db_addrem" => Event::Item {
                place: fields.place("indx", "pagelsn")?,
                add: self.adds(fields, [0x10, 0x20], [1, 2])?,
                head: fields.bytes("hdr")?,
                data: fields.bytes("dbt")?,
            },
            "bam_cdel" => Event::Delete { place: fields.place("indx", "lsn")? },
            "bam_repl" => Event::Replace {
                place: fields.place("indx", "lsn")?,
                deleted: fields.number("isdeleted")? != 0,
                old: fields.bytes("orig")?,
                new: fields.bytes("repl")?,
                prefix: fields.number("prefix")?,
                suffix: fields.number("suffix")?,
            },
            "bam_adj" => Event::Slot {
                place: fields.place("indx", "lsn")?,
                copy: fields.number("indx_copy")?,
                add: fields.number("is_insert")? != 0,
            },
            "db_big" => Event::Overflow {
                place: fields.place("", "pagelsn")?,
                add: self.adds(fields, [0x30, 0x40], [3, 4])?,
                prev: PageNo::link(fields.number("prev_pgno")?),
                next: PageNo::link(fields.number("next_pgno")?),
                data: fields.bytes("dbt")?,
            },
            "bam_split" | "bam_split1" => Event::Split {
                file: fields.signed("fileid")?,
                image: fields.bytes("pg")?,
                left: PageNo(fields.number("left")?),
                right: PageNo(fields.number("right")?),
                slots: fields.number("indx")?,
            },
            "bam_rsplit" | "bam_rsplit1" => Event::Collapse {
                file: fields.signed("fileid")?,
                child: PageNo(fields.number("pgno")?),
                root: PageNo(fields.number("root_pgno").unwrap_or(1)),
                image: fields.bytes("pgdbt")?,
            },
            "crdel_metasub" | "ham_copypage" => fields.image("page", "lsn", false)?,
            "db_split" => fields.image("pageimage", "pagelsn", fields.number("opcode")? == 0x50)?,
            "ham_splitdata" => fields.image("pageimage", "pagelsn", fields.number("opcode")? == 0x80)?,
            "db_pg_init" | "db_pg_freedata" => Event::Image {
                place: fields.place("", "")?,
                image: fields.bytes("header")?,
                tail: fields.bytes("data")?,
                emptied: true,
            },
            "bam_merge" | "db_merge" => Event::Merge {
                place: fields.place("", "lsn")?,
                from: PageNo(fields.number("npgno")?),
                head: fields.bytes("hdr")?,
                tail: fields.bytes("data")?,
                copy: fields.number("pg_copy").is_some_and(|copy| copy != 0),
            },
            "bam_relink" | "db_relink" if fields.number("new_pgno").is_some_and(|new| new != 0) => {
                let beside = [["prev", "prev_pgno"], ["next", "next_pgno"]];
                let page = |names: [&str; 2]| {
                    names.iter().find_map(|name| fields.number(name)).and_then(PageNo::link)
                };
                Event::Move {
                    file: fields.signed("fileid")?,
                    beside: beside.map(page),
                    to: PageNo(fields.number("new_pgno")?),
                }
            }
            "bam_pgno" | "db_pgno" => Event::Refer {
                place: fields.place("indx", "lsn")?,
                from: PageNo(fields.number("opgno")?),
                to: PageNo(fields.number("npgno")?),
            },
            "bam_pg_alloc" | "bam_pg_alloc1" | "db_pg_alloc" => {
                Event::Allocate { place: fields.place("", "page_lsn")?, kind: fields.number("ptype")? }
            }
            "bam_pg_free" | "bam_pg_free1" | "db_pg_free" => {
                let (place, header) = (fields.place("", "")?, fields.bytes("header")?);
                Event::Free { place: Place { before: self.lsn_of(header)?, ..place }, header }
            }
            "ham_insdel" => self.hash_pair(fields)?,
            "ham_replace" => hash_replace(fields)?,
            "qam_add" => Event::QueuePut {
                file: fields.signed("fileid")?,
                record: fields.number("recno")?,
                data: fields.bytes("data")?,
                old: fields.bytes("olddata")?,
            },
            "qam_del" | "qam_delext" => Event::QueueDelete {
                file: fields.signed("fileid")?,
                record: fields.number("recno")?,
                data: fields.bytes("data"),
            },
            "crdel_fileopen" | "fop_create" => Event::FileCreate { name: text(fields.bytes("name")?) },
            "crdel_delete" | "crdel_old_delete" | "fop_remove" => {
                Event::FileRemove { name: text(fields.bytes("name")?) }
            }
            "crdel_rename" | "fop_rename" | "fop_rename_noundo" => Event::FileRename {
                old: text(fields.bytes("oldname").or_else(|| fields.bytes("name"))?),
                new: text(fields.bytes("newname")?),
                id: fields.bytes("fileid").and_then(file_id),
            },
            "crdel_metapage" => Event::FileWrite {
                name: text(fields.bytes("name")?),
                page: PageNo(fields.number("pgno")?),
                image: fields.bytes("page")?,
            },
            "fop_write" => Event::FileWrite {
                name: text(fields.bytes("name")?),
                page: PageNo(fields.number("pageno").unwrap_or(0)),
                image: fields.bytes("page")?,
            },
            _ => return None,
        })
    }

    /// The LSN at the beginning of a page.
    fn lsn_of(&self, page: &[u8]) -> Option<Lsn> {
        let number = || number(self.endianness().nom());
        let parse = |page| -> IResult<&[u8], (u32, u32)> { (number(), number()).parse(page) };
        parse(page).ok().map(|(_, (file, offset))| Lsn { file, offset })
    }

    /// Whether an opcode says that something was added: the values changed with
    /// version 7, and moved up by 8 bits with version 17.
    fn adds(&self, fields: &Named<'a>, old: [u32; 2], new: [u32; 2]) -> Option<bool> {
        let opcode = fields.number("opcode")?;
        let ([add, remove], opcode) = match self.version() {
            ..7 => (old, opcode),
            7..17 => (new, opcode),
            _ if opcode >> 8 == 7 => (new, 3), // a long item continued
            _ => (new, opcode >> 8),
        };
        (opcode == add || opcode == remove).then_some(opcode == add)
    }

    fn hash_pair(&self, fields: &Named<'a>) -> Option<Event<'a>> {
        let opcode = fields.number("opcode")?;
        let (key, data) = (fields.bytes("key")?, fields.bytes("data")?);
        let add = opcode & 0x70 == 0x20;
        if !add && opcode & 0x70 != 0x30 {
            return None;
        }
        let item = |bytes: &'a [u8], kind: &str, flags: [u32; 2]| match fields.number(kind) {
            Some(kind) => HashItem::of(kind >> 8, bytes),
            // Up to version 16 a deleted item is recorded with its type before it.
            None if !add => HashItem::typed(bytes),
            None if opcode & flags[0] != 0 => HashItem::Reference(bytes),
            None if opcode & flags[1] != 0 => HashItem::Set(bytes),
            None => HashItem::Plain(bytes),
        };
        Some(Event::Pair {
            place: fields.place("ndx", "pagelsn")?,
            add,
            key: item(key, "keytype", [1, 0]),
            data: item(data, "datatype", [2, 4]),
        })
    }
}

fn outcome<'a>(fields: &Named<'a>) -> Option<Event<'a>> {
    let time = fields.time();
    match fields.number("opcode")? {
        1 => Some(Event::Commit { time }),
        2 => Some(Event::Prepare { id: &[] }),
        3 => Some(Event::Abort { time }),
        _ => None,
    }
}

fn hash_replace<'a>(fields: &Named<'a>) -> Option<Event<'a>> {
    let (old, new) = (fields.bytes("olditem")?, fields.bytes("newitem")?);
    let offset = u32::try_from(fields.signed("off")?).ok();
    let kind = |name| fields.number(name).map(|kind| kind >> 8);
    let makes_set = match (kind("oldtype"), kind("newtype")) {
        (Some(before), Some(after)) => before != 2 && after == 2,
        _ => fields.number("makedup") == Some(1),
    };
    let whole = match (offset, kind("newtype")) {
        (Some(_), _) => makes_set.then_some(HashItem::Set(new)),
        (None, Some(kind)) => Some(HashItem::of(kind, new)),
        (None, None) => Some(HashItem::typed(new)),
    };
    let place = fields.place("ndx", "pagelsn")?;
    Some(Event::HashReplace { place, whole, offset: offset.unwrap_or(0), old, new })
}

/// The fields of a record by their names.
struct Named<'a> {
    version: u32,
    fields: Fields<'a>,
}

impl<'a> Named<'a> {
    fn value(&self, name: &str) -> Option<Value<'a>> {
        self.fields.clone().find(|field| field.name() == name).map(|field| field.value())
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.value(name).and_then(Value::bits)
    }

    fn signed(&self, name: &str) -> Option<i32> {
        self.value(name).and_then(Value::signed)
    }

    fn lsn(&self, name: &str) -> Option<Lsn> {
        self.value(name).and_then(Value::lsn)
    }

    fn bytes(&self, name: &str) -> Option<&'a [u8]> {
        self.value(name).and_then(Value::bytes)
    }

    fn time(&self) -> Option<i64> {
        self.signed("timestamp").map(i64::from)
    }

    /// The place of a change; an empty name stands for what is not recorded.
    fn place(&self, index: &str, before: &str) -> Option<Place> {
        let opcode = self.number("opcode").filter(|_| self.version >= 17);
        Some(Place {
            file: self.signed("fileid")?,
            page: PageNo(self.number("pgno")?),
            index: self.number(index).unwrap_or(0),
            before: self.lsn(before).unwrap_or_default(),
            kind: opcode.map(|opcode| opcode.to_be_bytes()[3]),
        })
    }

    fn image(&self, image: &str, before: &str, emptied: bool) -> Option<Event<'a>> {
        let place = self.place("", before)?;
        Some(Event::Image { place, image: self.bytes(image)?, tail: &[], emptied })
    }
}

/// A name, without the zero byte at its end.
fn text(name: &[u8]) -> &[u8] {
    name.strip_suffix(&[0]).unwrap_or(name)
}

fn file_id(bytes: &[u8]) -> Option<FileId> {
    bytes.try_into().ok().map(FileId)
}

//! From the fields of a record to what it means (log-format, "Opcodes" and "Record
//! types").

use super::decoded::{Decoded, lsn_at};
use super::event::{ChangePlace, Event, HashItem, Register, RegisterOperation};
use super::{Record, TxnId};
use crate::log::schema::{Name, Op};
use crate::types::{FileId, PageNo};

impl<'a> Record<'a> {
    /// What the record means.
    #[must_use]
    pub fn event(&self) -> Event<'a> {
        self.decode().map_or(Event::Other, |decoded| decoded.event())
    }
}

impl<'a> Decoded<'a> {
    /// What the record means.
    pub(crate) fn event(&self) -> Event<'a> {
        if self.record().debug() {
            return Event::Other;
        }
        self.meaning().unwrap_or(Event::Other)
    }

    fn version(&self) -> u32 {
        self.record().version()
    }

    fn meaning(&self) -> Option<Event<'a>> {
        Some(match self.op() {
            Op::TxnRegop => return self.outcome(),
            Op::TxnXaRegop | Op::TxnPrepare if self.number(Name::opcode)? == 3 => Event::Abort { time: None },
            Op::TxnXaRegop => Event::Prepare { id: self.bytes(Name::xid)? },
            Op::TxnPrepare => Event::Prepare { id: self.bytes(Name::gid)? },
            Op::TxnChild => return self.child(),
            Op::TxnCkp => Event::Checkpoint {
                lsn: self.lsn(Name::ckp_lsn)?,
                last: self.lsn(Name::last_ckp)?,
                time: self.time(),
            },
            Op::Register => return self.register(),
            Op::Addrem => Event::Item {
                place: self.place(Name::indx, Name::pagelsn)?,
                add: self.adds([0x10, 0x20], [1, 2])?,
                head: self.bytes(Name::hdr)?,
                data: self.bytes(Name::dbt)?,
            },
            Op::Cdel => Event::Delete { place: self.place(Name::indx, Name::lsn)? },
            Op::Repl => Event::Replace {
                place: self.place(Name::indx, Name::lsn)?,
                deleted: self.number(Name::isdeleted)? != 0,
                old: self.bytes(Name::orig)?,
                new: self.bytes(Name::repl)?,
                prefix: self.number(Name::prefix)?,
                suffix: self.number(Name::suffix)?,
            },
            Op::Adj => Event::Slot {
                place: self.place(Name::indx, Name::lsn)?,
                copy: self.number(Name::indx_copy)?,
                add: self.number(Name::is_insert)? != 0,
            },
            Op::Big => Event::Overflow {
                place: self.whole(Some(Name::pagelsn))?,
                add: self.adds([0x30, 0x40], [3, 4])?,
                prev: PageNo::link(self.number(Name::prev_pgno)?),
                next: PageNo::link(self.number(Name::next_pgno)?),
                data: self.bytes(Name::dbt)?,
            },
            Op::Split => Event::Split {
                file: self.database()?,
                image: self.bytes(Name::pg)?,
                left: PageNo(self.number(Name::left)?),
                right: PageNo(self.number(Name::right)?),
                slots: self.number(Name::indx)?,
            },
            Op::Rsplit => Event::Collapse {
                file: self.database()?,
                child: PageNo(self.number(Name::pgno)?),
                root: PageNo(self.number(Name::root_pgno).unwrap_or(1)),
                image: self.bytes(Name::pgdbt)?,
            },
            Op::Metasub | Op::CopyPage => self.image(Name::page, Name::lsn, false)?,
            Op::SplitPage => {
                self.image(Name::pageimage, Name::pagelsn, self.number(Name::opcode)? == 0x50)?
            }
            Op::SplitData => {
                self.image(Name::pageimage, Name::pagelsn, self.number(Name::opcode)? == 0x80)?
            }
            Op::PgInit | Op::PgFreedata => Event::Image {
                place: self.whole(None)?,
                image: self.bytes(Name::header)?,
                tail: self.bytes(Name::data)?,
                emptied: true,
            },
            Op::Merge => Event::Merge {
                place: self.whole(Some(Name::lsn))?,
                from: PageNo(self.number(Name::npgno)?),
                head: self.bytes(Name::hdr)?,
                tail: self.bytes(Name::data)?,
                copy: self.number(Name::pg_copy).is_some_and(|copy| copy != 0),
            },
            Op::Relink if self.number(Name::new_pgno).is_some_and(|new| new != 0) => {
                let beside = [[Name::prev, Name::prev_pgno], [Name::next, Name::next_pgno]];
                let page = |names: [Name; 2]| {
                    names.into_iter().find_map(|field| self.number(field)).and_then(PageNo::link)
                };
                Event::Move {
                    file: self.database()?,
                    beside: beside.map(page),
                    to: PageNo(self.number(Name::new_pgno)?),
                }
            }
            Op::Pgno => Event::Refer {
                place: self.place(Name::indx, Name::lsn)?,
                from: PageNo(self.number(Name::opgno)?),
                to: PageNo(self.number(Name::npgno)?),
            },
            Op::PgAlloc => {
                Event::Allocate { place: self.whole(Some(Name::page_lsn))?, kind: self.number(Name::ptype)? }
            }
            Op::PgFree => {
                let (place, header) = (self.whole(None)?, self.bytes(Name::header)?);
                Event::Free {
                    place: ChangePlace { before: lsn_at(header, self.record().endianness())?, ..place },
                    header,
                }
            }
            Op::Insdel => self.hash_pair()?,
            Op::Replace => self.hash_replace()?,
            Op::QamAdd => Event::QueuePut {
                file: self.database()?,
                record: self.number(Name::recno)?,
                data: self.bytes(Name::data)?,
                old: self.bytes(Name::olddata)?,
            },
            Op::QamDel | Op::QamDelext => Event::QueueDelete {
                file: self.database()?,
                record: self.number(Name::recno)?,
                data: self.bytes(Name::data),
            },
            Op::FileCreate => Event::FileCreate { name: text(self.bytes(Name::name)?) },
            Op::FileRemove => Event::FileRemove { name: text(self.bytes(Name::name)?) },
            Op::FileRename => Event::FileRename {
                old: text(self.bytes(Name::oldname).or_else(|| self.bytes(Name::name))?),
                new: text(self.bytes(Name::newname)?),
                id: self.bytes(Name::fileid).and_then(file_id),
            },
            Op::Metapage => Event::FileWrite {
                name: text(self.bytes(Name::name)?),
                page: PageNo(self.number(Name::pgno)?),
                image: self.bytes(Name::page)?,
            },
            Op::FileWrite => Event::FileWrite {
                name: text(self.bytes(Name::name)?),
                page: PageNo(self.number(Name::pageno).unwrap_or(0)),
                image: self.bytes(Name::page)?,
            },
            _ => return None,
        })
    }

    /// Before release 3.2 the child logs its commit and names the parent; since then
    /// it is the parent that names the child.
    fn child(&self) -> Option<Event<'a>> {
        let own = self.record().txn()?;
        if let Some(parent) = self.number(Name::parent) {
            return Some(Event::ChildCommit { child: own, parent: TxnId(parent), last: self.record().lsn() });
        }
        let child = TxnId(self.number(Name::child)?);
        Some(Event::ChildCommit { child, parent: own, last: self.lsn(Name::c_lsn)? })
    }

    fn register(&self) -> Option<Event<'a>> {
        let opcode = self.number(Name::opcode)?;
        let file = self.signed(Name::fileid).or_else(|| self.signed(Name::id))?;
        Some(Event::Register(Register {
            operation: RegisterOperation::of(self.version(), opcode)?,
            file,
            name: text(self.bytes(Name::name)?),
            id: self.bytes(Name::uid).and_then(file_id),
            method: self.number(Name::ftype)?,
            meta: PageNo(self.number(Name::meta_pgno).unwrap_or(0)),
            big_endian: (self.version() >= 17).then_some(opcode & 0x1000 != 0),
        }))
    }

    /// Whether an opcode says that something was added: the values changed with
    /// version 7, and moved up by 8 bits with version 17.
    fn adds(&self, old: [u32; 2], new: [u32; 2]) -> Option<bool> {
        let opcode = self.number(Name::opcode)?;
        let ([add, remove], opcode) = match self.version() {
            ..7 => (old, opcode),
            7..17 => (new, opcode),
            _ if opcode >> 8 == 7 => (new, 3), // a long item continued
            _ => (new, opcode >> 8),
        };
        (opcode == add || opcode == remove).then_some(opcode == add)
    }

    fn hash_pair(&self) -> Option<Event<'a>> {
        let opcode = self.number(Name::opcode)?;
        let (key, data) = (self.bytes(Name::key)?, self.bytes(Name::data)?);
        let add = opcode & 0x70 == 0x20;
        if !add && opcode & 0x70 != 0x30 {
            return None;
        }
        let item = |bytes: &'a [u8], kind: Name, flags: [u32; 2]| match self.number(kind) {
            Some(kind) => HashItem::of(kind >> 8, bytes),
            // Up to version 16 a deleted item is recorded with its type before it.
            None if !add => HashItem::typed(bytes),
            None if opcode & flags[0] != 0 => HashItem::Reference(bytes),
            None if opcode & flags[1] != 0 => HashItem::Set(bytes),
            None => HashItem::Plain(bytes),
        };
        Some(Event::Pair {
            place: self.place(Name::ndx, Name::pagelsn)?,
            add,
            key: item(key, Name::keytype, [1, 0]),
            data: item(data, Name::datatype, [2, 4]),
        })
    }

    fn outcome(&self) -> Option<Event<'a>> {
        let time = self.time();
        match self.number(Name::opcode)? {
            1 => Some(Event::Commit { time }),
            2 => Some(Event::Prepare { id: &[] }),
            3 => Some(Event::Abort { time }),
            _ => None,
        }
    }

    fn hash_replace(&self) -> Option<Event<'a>> {
        let (old, new) = (self.bytes(Name::olditem)?, self.bytes(Name::newitem)?);
        let offset = u32::try_from(self.signed(Name::off)?).ok();
        let kind = |field| self.number(field).map(|kind| kind >> 8);
        let makes_set = match (kind(Name::oldtype), kind(Name::newtype)) {
            (Some(before), Some(after)) => before != 2 && after == 2,
            _ => self.number(Name::makedup) == Some(1),
        };
        let whole = match (offset, kind(Name::newtype)) {
            (Some(_), _) => makes_set.then_some(HashItem::Set(new)),
            (None, Some(kind)) => Some(HashItem::of(kind, new)),
            (None, None) => Some(HashItem::typed(new)),
        };
        let place = self.place(Name::ndx, Name::pagelsn)?;
        Some(Event::HashReplace { place, whole, offset: offset.unwrap_or(0), old, new })
    }

    fn time(&self) -> Option<i64> {
        self.signed(Name::timestamp).map(i64::from)
    }

    /// The place of a change of a slot.
    fn place(&self, index: Name, before: Name) -> Option<ChangePlace> {
        Some(ChangePlace { index: self.number(index).unwrap_or(0), ..self.whole(Some(before))? })
    }

    /// The place of a change of a whole page.
    fn whole(&self, before: Option<Name>) -> Option<ChangePlace> {
        let opcode = self.number(Name::opcode).filter(|_| self.version() >= 17);
        Some(ChangePlace {
            file: self.database()?,
            page: PageNo(self.number(Name::pgno)?),
            index: 0,
            before: before.and_then(|before| self.lsn(before)).unwrap_or_default(),
            kind: opcode.map(|opcode| opcode.to_be_bytes()[3]),
        })
    }

    fn image(&self, image: Name, before: Name, emptied: bool) -> Option<Event<'a>> {
        let place = self.whole(Some(before))?;
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

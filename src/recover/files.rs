//! Records about whole files (recovery, "Records about files").

use super::apply::Way;
use super::passes::Passes;
use super::release::Walk;
use super::transactions::State;
use crate::log::TxnId;
use crate::log::record::decoded::Decoded;
use crate::log::schema::{Name, Op};
use crate::types::{FileId, Lsn, PageSize};

/// The number of the records of renames that are not taken back.
const RENAME_FOR_GOOD: u32 = 150;
/// Files that recovery cares for: databases, and those without a kind.
const KINDS: [u32; 2] = [0, 1];

impl<'l> Passes<'l> {
    /// Applies a record about a whole file, or takes it back.
    pub(super) fn file_record(&mut self, record: &Decoded<'l>, way: Way) {
        if record.number(Name::appname).is_some_and(|kind| !KINDS.contains(&kind)) {
            return;
        }
        let name = record.bytes(Name::name).unwrap_or_default();
        let folder = record.bytes(Name::dirname).unwrap_or_default();
        if self.walk() == Walk::R3 {
            self.file_record_3(record, way, name);
            return;
        }
        match (record.op(), way) {
            (Op::FileCreate, Way::Redo) => {
                self.world.make(name, folder);
            }
            (Op::FileCreate, Way::Undo) | (Op::FileRemove, Way::Redo) => self.world.remove(name),
            (Op::FileWrite, Way::Redo) => {
                let size = record.number(Name::pgsize).and_then(PageSize::new);
                let (page, offset) = (record.number(Name::pageno), record.number(Name::offset));
                let (Some(size), Some(page), Some(offset)) = (size, page, offset) else { return };
                let bytes = record.bytes(Name::page).unwrap_or_default();
                if let Some(index) = self.world.find(name) {
                    self.world.write(index, size, page, offset, bytes);
                }
            }
            (Op::FileRename, _) => self.rename(record, way),
            (Op::FileReplace, _) => self.replace(record, way, name),
            _ => {}
        }
    }

    fn rename(&mut self, record: &Decoded<'l>, way: Way) {
        let (old, new) = (
            record.bytes(Name::oldname).unwrap_or_default(),
            record.bytes(Name::newname).unwrap_or_default(),
        );
        let Some(id) = record.bytes(Name::fileid).and_then(|id| id.try_into().ok()).map(FileId) else {
            return;
        };
        let has = |passes: &mut Self, name| {
            let found = passes.world.find(name);
            found.map(|index| passes.world.id(index))
        };
        match way {
            Way::Redo if has(self, old) == Some(Some(id)) => {
                let late = self.release_of(record) >= super::release::Release::R43;
                let other = has(self, new).flatten().is_some_and(|there| there != id);
                if late && other {
                    self.world.remove(old);
                } else {
                    self.world.rename(old, new);
                }
            }
            Way::Undo if record.record().kind() != RENAME_FOR_GOOD && has(self, new) == Some(Some(id)) => {
                self.world.rename(new, old);
            }
            _ => {}
        }
    }

    fn replace(&mut self, record: &Decoded<'l>, way: Way, name: &[u8]) {
        let ids = [Name::real_fid, Name::tmp_fid].map(|field| record.bytes(field).unwrap_or_default());
        let found = self.world.find(name);
        let known =
            found.and_then(|index| self.world.id(index)).is_some_and(|id| ids.contains(&id.0.as_slice()));
        if way == Way::Redo {
            if known {
                self.world.remove(name);
            }
            return;
        }
        let state = match (found, known) {
            (None, _) => State::Expected,
            (Some(_), true) => State::Commit,
            (Some(_), false) => State::Ignore,
        };
        if let Some(child) = record.number(Name::child) {
            self.set_state(TxnId(child), state);
        }
    }

    /// Of release 3.2.
    fn file_record_3(&mut self, record: &Decoded<'l>, way: Way, name: &[u8]) {
        let lsn = record.record().lsn();
        match (record.op(), way) {
            (Op::FileCreate, Way::Redo) => {
                self.world.make(name, &[]);
            }
            (Op::FileCreate, Way::Undo) => {
                let empty = |passes: &mut Self, name| {
                    let found = passes.world.find(name);
                    found.and_then(|index| passes.world.get(index)).is_some_and(|file| file.head.is_none())
                };
                if empty(self, name) {
                    self.world.remove(name);
                }
            }
            (Op::Metapage, _) => {
                let (Some(no), Some(image)) = (record.number(Name::pgno), record.bytes(Name::page)) else {
                    return;
                };
                let Some(index) = self.world.find(name) else { return };
                let found = self.world.get(index).and_then(|file| file.lsn(no, super::release::Release::R32));
                if way == Way::Undo {
                    if found.is_none() || found == Some(lsn) {
                        self.world.remove(name);
                    }
                } else if self.world.get(index).is_some_and(|file| !file.begins(no)) {
                    self.world.write_image(index, no, image, lsn, record.record().endianness());
                }
            }
            (Op::FileRemove, _) => {
                let backup = backup(name, lsn);
                match way {
                    Way::Redo => {
                        self.world.remove(name);
                        self.world.remove(&backup);
                    }
                    Way::Undo => {
                        if self.world.find(&backup).is_some() {
                            self.world.rename(&backup, name);
                        }
                    }
                }
            }
            (Op::FileRename, _) => {
                let new = record.bytes(Name::newname).unwrap_or_default();
                let (from, to) = if way == Way::Redo { (name, new) } else { (new, name) };
                if self.world.find(from).is_some() {
                    self.world.rename(from, to);
                }
            }
            _ => {}
        }
    }
}

/// The name that a file gets before it is removed.
fn backup(name: &[u8], lsn: Lsn) -> Vec<u8> {
    let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
    let split = name.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at.saturating_add(1));
    let (folder, last) = name.split_at_checked(split).unwrap_or((&[], name));
    [folder, b"__db.", last, format!(".0x{:x}0x{:x}", lsn.file, lsn.offset).as_bytes()].concat()
}

//! What register records tell of databases that later records name by a number.

use std::collections::BTreeMap;

use crate::format::page::{HEADER, HEADER_CHECKSUMMED};
use crate::log::record::{Record, Value};
use crate::log::schema::FieldKind;
use crate::order::Endianness::{self, Big, Little};

/// Where the index starts on encrypted pages.
const HEADER_ENCRYPTED: usize = 64;

/// How the pages of a database are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) order: Endianness,
    /// Length of a page's header.
    pub(super) header: usize,
}

/// The databases that are open at a point of the log.
#[derive(Debug, Default)]
pub(super) struct Databases(BTreeMap<i32, Kept>);

impl Databases {
    /// Takes in a register record (log-format, "Opcodes").
    pub(super) fn register(&mut self, id: i32, opcode: u32) {
        if matches!(opcode & 0xf, 2 | 5) {
            self.0.remove(&id); // closed
            return;
        }
        let order = if opcode & 0x1000 == 0 { Little } else { Big };
        let header = match (opcode & 0x2000, opcode & 0x4000) {
            (0, 0) => HEADER,
            (_, 0) => HEADER_CHECKSUMMED,
            _ => HEADER_ENCRYPTED,
        };
        self.0.insert(id, Kept { order, header });
    }

    /// Takes in a record, if it is a register record.
    pub(super) fn pass(&mut self, record: &Record<'_>) {
        let mut opcode = None;
        for field in record.fields() {
            match (field.layout().kind(), field.value()) {
                (FieldKind::Register, Value::Unsigned(register)) => opcode = Some(register),
                (FieldKind::FileId, Value::Signed(id)) => {
                    if let Some(opcode) = opcode {
                        self.register(id, opcode);
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn get(&self, id: i32) -> Option<Kept> {
        self.0.get(&id).copied()
    }
}

//! Metadata pages (database-format, "BTREE metadata pages", annexes A and B).

use std::io::{Seek, Write};

use super::error::{BuildError, Result};
use super::form::FileForm;
use super::sink::Sink;
use crate::format::edit::put;
use crate::format::generation::Generation;
use crate::format::meta::{AES, CHECKSUMMED, Field, Layout};
use crate::format::page::PageKind;
use crate::format::seal::Seal;
use crate::method::Method;
use crate::order::Endianness;
use crate::types::{FileId, PageNo};

/// Flags of trees (database-format, "flags").
pub(super) mod tree {
    pub(in super::super) const DUPLICATES: u32 = 0x01;
    pub(in super::super) const RECNO: u32 = 0x02;
    pub(in super::super) const RECORD_NUMBERS: u32 = 0x04;
    pub(in super::super) const FIXED_LENGTH: u32 = 0x08;
    pub(in super::super) const RENUMBER: u32 = 0x10;
    pub(in super::super) const SEVERAL: u32 = 0x20;
    pub(in super::super) const SORTED: u32 = 0x40;
}

/// Flags of a HASH.
pub(super) mod hash {
    pub(in super::super) const DUPLICATES: u32 = 0x01;
    pub(in super::super) const SEVERAL: u32 = 0x02;
    pub(in super::super) const SORTED: u32 = 0x04;
}

/// The pad byte that trees have which need none, as the library writes it.
const BLANK: u32 = 0x20;

/// A metadata page in the making.
pub(super) struct MetaPage {
    layout: Layout,
    order: Endianness,
    pub(super) no: PageNo,
    bytes: Vec<u8>,
}

impl MetaPage {
    /// A page with what those of all methods have.
    ///
    /// # Errors
    ///
    /// [`BuildError::Cannot`], if the version has no such databases.
    pub(super) fn new<W: Write + Seek>(
        sink: &Sink<W>,
        form: &FileForm,
        id: FileId,
        method: Method,
        no: PageNo,
    ) -> Result<MetaPage> {
        let cannot = BuildError::Cannot { version: form.release.version(), what: "such a database" };
        let layout = form.release.layout(method).ok_or(cannot)?;
        let bytes = vec![0; sink.size.bytes()];
        let mut page = MetaPage { layout, order: form.order, no, bytes };
        page.put(Field::Pgno, no.0);
        page.put(Field::Magic, layout.magic());
        page.put(Field::Version, form.release.version_of(method).unwrap_or(0));
        page.put(Field::PageSize, sink.size.get());
        let kind = match method {
            Method::Hash => PageKind::HashMeta,
            Method::Queue => PageKind::QueueMeta,
            Method::Btree | Method::Recno | Method::Heap => PageKind::BtreeMeta,
        };
        page.put(Field::Type, kind.byte().into());
        if sink.seal() != Seal::None {
            page.put(Field::Metaflags, CHECKSUMMED.into());
        }
        if sink.seal() == Seal::Encrypted {
            page.put(Field::EncryptAlg, AES.into());
            page.put(Field::CryptoMagic, layout.magic());
        }
        if let Some((at, _)) = layout.place(Field::Uid) {
            put(&mut page.bytes, at, &id.0);
        }
        Ok(page)
    }

    /// Puts a number, if the version has a field for it.
    pub(super) fn put(&mut self, field: Field, number: u32) {
        self.layout.put(&mut self.bytes, field, self.order, number);
    }

    /// Whether the version has a field.
    pub(super) fn has(&self, field: Field) -> bool {
        self.layout.place(field).is_some()
    }

    /// What those of trees say; of a RECNO, the length of records and what fills them up.
    pub(super) fn tree(&mut self, flags: u32, min_key: u32, root: PageNo, records: Option<(u32, u8)>) {
        self.put(Field::Flags, flags);
        self.put(Field::MinKey, min_key.max(2));
        self.put(Field::Root, root.0);
        // The first of these versions has the fields, and leaves them 0.
        if self.layout.generation() != Generation::V2 {
            let (length, pad) = records.map_or((0, BLANK), |(length, pad)| (length, pad.into()));
            self.put(Field::ReLen, length);
            self.put(Field::RePad, pad);
        }
    }

    /// The places of the buckets of each doubling.
    pub(super) fn spares(&mut self, spares: &[u32; 32]) {
        let Some((at, _)) = self.layout.place(Field::Spares) else { return };
        for (place, number) in (at..).step_by(4).zip(spares) {
            self.order.put_u32(&mut self.bytes, place, *number);
        }
    }

    /// Writes it.
    pub(super) fn write<W: Write + Seek>(self, sink: &mut Sink<W>) -> Result<()> {
        sink.write_meta(self.no, self.bytes)
    }
}

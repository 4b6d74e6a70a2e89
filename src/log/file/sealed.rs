//! The decrypted bodies of an encrypted log file (log-format, "Encryption").

use std::sync::OnceLock;

use nom::{IResult, number::complete::u32 as number};

use super::LogFile;
use crate::crypt::{CODE, KEY, Keys};
use crate::format::log::{self as layout, FileHeader, Form, Guard, Header};
use crate::log::error::LogError;
use crate::order::Endianness;

/// What opens an encrypted file.
#[derive(Debug)]
pub(super) struct Sealed {
    keys: Keys,
    /// Byte order of the log.
    order: Endianness,
    /// Made when the first body is read: most files of a folder may never be.
    clear: OnceLock<Clear>,
}

/// A copy of a file in which the bodies of records are decrypted, each at its place.
#[derive(Debug, Default)]
pub(super) struct Clear {
    /// Offsets of the bodies that are decrypted, ascending.
    bodies: Vec<u32>,
    bytes: Vec<u8>,
}

impl Sealed {
    /// Finds the keys that open a file, by its first record; gives the file's header
    /// and the offset in its record header. What machine wrote the file is not
    /// recorded: the right one yields the magic number.
    pub(super) fn open(
        file: &[u8],
        order: Endianness,
        password: Option<&str>,
    ) -> Result<(Sealed, FileHeader, u32), LogError> {
        let len = u64::try_from(file.len()).unwrap_or(u64::MAX);
        let short = || LogError::Short { len, need: layout::ENCRYPTED_FIRST };
        let (rest, raw) = layout::header(file, Form::Encrypted, order).ok_or_else(short)?;
        let body = rest.get(..layout::FILE_HEADER).ok_or_else(short)?;
        let password = password.ok_or(LogError::Encrypted)?;
        let Guard::Mac { iv, .. } = raw.guard else { return Err(LogError::Encrypted) };
        for machine in [order, order.other()] {
            let keys = Keys::derive(password, machine).ok_or(LogError::Encrypted)?;
            let mut body = body.to_vec();
            keys.decrypt(iv, &mut body);
            match layout::file_header(&body, order) {
                Ok((_, header)) if header.magic == layout::MAGIC => {
                    let sealed = Sealed { keys, order, clear: OnceLock::new() };
                    return Ok((sealed, header, raw.prev));
                }
                _ => {}
            }
        }
        Err(LogError::Password)
    }

    /// The byte order of the machine that wrote the file.
    pub(super) fn machine(&self) -> Endianness {
        self.keys.machine()
    }

    /// The same keys, with all bodies empty.
    pub(super) fn closed(&self) -> Sealed {
        Sealed { keys: self.keys, order: self.order, clear: Clear::default().into() }
    }

    /// The decrypted bodies of the file.
    pub(super) fn clear(&self, file: &LogFile<'_>) -> &Clear {
        self.clear.get_or_init(|| {
            let mut clear = Clear { bodies: Vec::new(), bytes: file.rest(0).to_vec() };
            for record in file.closed().records().past_end().flatten() {
                let at = record.lsn().offset;
                let Some((_, Header { len, guard: Guard::Mac { iv, .. }, .. })) = file.raw_header(at) else {
                    continue;
                };
                let body = at.saturating_add(Form::Encrypted.len());
                let [start, end] =
                    [body, at.saturating_add(len)].map(|place| usize::try_from(place).unwrap_or(usize::MAX));
                if clear.bytes.get_mut(start..end).is_some_and(|bytes| self.keys.decrypt(iv, bytes)) {
                    clear.bodies.push(body);
                }
            }
            clear
        })
    }

    /// The size of a body before padding, from its header.
    pub(super) fn size(&self, raw: &[u8]) -> u32 {
        let number = |rest| -> IResult<&[u8], u32> { number(self.machine().nom())(rest) };
        number(raw).map_or(u32::MAX, |(_, size)| size)
    }

    /// Whether the authentication code in a header is that of the stored body.
    pub(super) fn authentic(&self, version: u32, header: &Header<'_>, body: &[u8]) -> bool {
        let Guard::Mac { mac, .. } = header.guard else { return false };
        let mut code: [u8; CODE] = self.keys.code(&[body]);
        if layout::covers_header(version) {
            let [prev, len] = [header.prev, header.len].map(|number| match self.machine() {
                Endianness::Little => number.to_le_bytes(),
                Endianness::Big => number.to_be_bytes(),
            });
            code.iter_mut().zip(prev.into_iter().chain(len)).for_each(|(to, from)| *to ^= from);
        }
        code == mac
    }
}

impl Clear {
    /// The first `size` bytes of the decrypted body at an offset, of which `stored` bytes
    /// are stored; nothing of a closed file. The authentication code does not cover the
    /// size: what it leaves out must be padding.
    pub(super) fn body(&self, at: u32, stored: usize, size: u32) -> Option<&[u8]> {
        if self.bytes.is_empty() {
            return Some(&[]);
        }
        self.bodies.binary_search(&at).ok()?;
        let stored = self.bytes.get(usize::try_from(at).ok()?..)?.get(..stored)?;
        let (body, padding) = stored.split_at_checked(usize::try_from(size).ok()?)?;
        (padding.len() < KEY && padding.iter().all(|&byte| byte == 0)).then_some(body)
    }
}

//! What the header of a dump says of a database.

use super::reader::TextFault;
use super::text::Format;
use crate::method::Method;
use crate::order::Endianness;
use crate::types::PageSize;

/// What the header of a dump says of a database; what it does not say is as it is by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The access method.
    pub method: Option<Method>,
    /// The name of the database, as one of several in a file.
    pub name: Option<Vec<u8>>,
    /// Bytes of a page.
    pub page_size: Option<PageSize>,
    /// The byte order.
    pub order: Option<Endianness>,
    /// Keys that a page of a BTREE must hold at least; 0 if nothing is said.
    pub min_key: u32,
    /// Keys of a bucket; 0 if nothing is said.
    pub fill_factor: u32,
    /// Keys for which a HASH is made; 0 if nothing is said.
    pub elements: u32,
    /// The length of all records; 0 if they have none.
    pub record_length: u32,
    /// What fills up shorter records.
    pub pad: Option<u8>,
    /// Pages of an extent of a QUEUE; 0 for one file.
    pub extent_pages: u32,
    /// Partitions; 0 for one file.
    pub partitions: u32,
    /// Whether a BTREE counts its records.
    pub record_numbers: bool,
    /// Whether the numbers of records change when one before is deleted.
    pub renumber: bool,
    /// Whether keys may come more than once, and whether their values are sorted then.
    pub duplicates: bool,
    /// See [`Settings::duplicates`].
    pub sorted: bool,
    /// Whether pages have checksums.
    pub checksums: bool,
    /// Whether a BTREE is compressed.
    pub compressed: bool,
    /// Whether records stand with their numbers.
    pub keys: bool,
}

impl Settings {
    /// Takes over a line of a header, or a setting as `db_load -c` has it: a name and a value.
    ///
    /// # Errors
    ///
    /// [`TextFault::Unknown`], [`TextFault::Value`].
    pub fn set(&mut self, name: &[u8], value: &[u8]) -> Result<(), TextFault> {
        let text = |bytes: &[u8]| super::text::escape(bytes);
        let wrong = || TextFault::Value { name: text(name), value: text(value) };
        let number = || number(value).ok_or_else(wrong);
        let whether = || match value {
            b"0" => Ok(false),
            b"1" => Ok(true),
            _ => Err(wrong()),
        };
        match name {
            b"type" => {
                let known = [Method::Btree, Method::Recno, Method::Hash, Method::Queue, Method::Heap];
                let method = known.into_iter().find(|method| method.name().as_bytes() == value);
                self.method = Some(method.ok_or_else(wrong)?);
            }
            b"database" | b"subdatabase" => {
                let mut name = Vec::new();
                Format::Print.decode(value, &mut name).map_err(|_| wrong())?;
                self.name = Some(name);
            }
            b"db_pagesize" => self.page_size = Some(PageSize::new(number()?).ok_or_else(wrong)?),
            b"db_lorder" => {
                self.order = Some(match value {
                    b"1234" => Endianness::Little,
                    b"4321" => Endianness::Big,
                    _ => return Err(wrong()),
                });
            }
            b"bt_minkey" => self.min_key = number()?,
            b"h_ffactor" => self.fill_factor = number()?,
            b"h_nelem" => self.elements = number()?,
            b"re_len" => self.record_length = number()?,
            b"re_pad" => {
                let pad = match value {
                    [letter] if !letter.is_ascii_digit() => *letter,
                    _ => u8::try_from(number()?).map_err(|_| wrong())?,
                };
                self.pad = Some(pad);
            }
            b"extentsize" => self.extent_pages = number()?,
            b"nparts" => self.partitions = number()?,
            b"recnum" => self.record_numbers = whether()?,
            b"renumber" => self.renumber = whether()?,
            b"duplicates" => self.duplicates = whether()?,
            b"dupsort" => self.sorted = whether()?,
            b"chksum" => self.checksums = whether()?,
            b"compressed" => self.compressed = whether()?,
            b"keys" => self.keys = whether()?,
            // Bounds of files that later releases do not keep, and of files that are not built.
            b"bt_maxkey" | b"heap_gbytes" | b"heap_bytes" | b"heap_regionsize" => {
                number()?;
            }
            _ => return Err(TextFault::Unknown(text(name))),
        }
        Ok(())
    }
}

/// A number in decimal digits, or in hexadecimal ones behind 0x.
fn number(value: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(value).ok()?;
    let (digits, base) = text.strip_prefix("0x").map_or((text, 10), |digits| (digits, 16));
    // Which takes a sign, too.
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, base).ok().filter(|_| plain)
}

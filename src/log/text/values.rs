//! Values that all forms show alike.

use super::buffer::Text;
use super::calendar::Civil;
use crate::log::record::Record;
use crate::log::record::locks::locks;

/// Seconds, and the local time in two forms.
pub(super) fn time(seconds: i64, zone: &impl Fn(i64) -> i64, text: &mut Text) {
    let local = Civil::of(seconds.saturating_add(zone(seconds)));
    if seconds < 0 {
        text.raw(b"-");
    }
    text.decimal(seconds.unsigned_abs());
    text.raw(b" (");
    local.long(text);
    text.raw(b", ");
    local.short(text);
    text.raw(b")");
}

/// A number as an unsigned one of the printing program's `long`: 64 bits.
pub(super) fn extended(n: i32) -> u64 {
    u64::from_le_bytes(i64::from(n).to_le_bytes())
}

pub(super) fn lock_lines(list: &[u8], record: &Record<'_>, text: &mut Text) {
    for lock in locks(list, record.endianness()) {
        text.raw(b"\t(");
        for (i, byte) in lock.file.0.iter().take(5).enumerate() {
            text.put(if i > 0 { " " } else { "" });
            text.hex(*byte);
        }
        text.raw(b")");
        for page in lock.pages() {
            text.raw(b" ");
            text.decimal(page);
        }
        text.raw(b"\n");
    }
}

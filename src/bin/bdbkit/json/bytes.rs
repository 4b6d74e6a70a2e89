//! Bytes: in hexadecimal, and as text where they are that.

use std::fmt;

use bdbkit::salvage;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::hex;

/// Bytes that stand in one piece or in several. They are written piece by piece: a long value is
/// never put together.
pub(crate) trait Pieces {
    fn pieces(&self) -> impl Iterator<Item = &[u8]>;
}

impl Pieces for [u8] {
    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self)
    }
}

impl Pieces for salvage::Bytes<'_> {
    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        salvage::Bytes::pieces(self)
    }
}

/// Bytes in hexadecimal, and as text if they are printing ASCII; names in files end with a zero
/// byte, which the text leaves out.
pub(crate) struct Bytes<'a, P: ?Sized = [u8]>(pub(crate) &'a P);

impl<P: Pieces + ?Sized> Serialize for Bytes<'_, P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("hex", &Hex(self.0))?;
        if is_text(self.0) {
            map.serialize_entry("text", &Text(self.0))?;
        }
        map.end()
    }
}

/// Whether bytes print, but for a closing zero.
fn is_text(bytes: &(impl Pieces + ?Sized)) -> bool {
    let (mut some, mut ended) = (false, false);
    bytes.pieces().flatten().all(|byte| {
        let prints = matches!(byte, b' '..=b'~');
        let good = !ended && (prints || (*byte == 0 && some));
        some |= prints;
        ended |= *byte == 0;
        good
    }) && some
}

struct Hex<'a, P: ?Sized>(&'a P);

impl<P: Pieces + ?Sized> fmt::Display for Hex<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.pieces().try_for_each(|piece| hex::Hex(piece).fmt(f))
    }
}

impl<P: Pieces + ?Sized> Serialize for Hex<'_, P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What [is text](is_text).
struct Text<'a, P: ?Sized>(&'a P);

impl<P: Pieces + ?Sized> fmt::Display for Text<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.pieces().try_for_each(|piece| {
            let piece = piece.strip_suffix(&[0]).unwrap_or(piece);
            f.write_str(std::str::from_utf8(piece).unwrap_or_default())
        })
    }
}

impl<P: Pieces + ?Sized> Serialize for Text<'_, P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_prints_but_for_a_closing_zero() {
        let json = |bytes: &[u8]| serde_json::to_string(&Bytes(bytes)).unwrap();
        assert_eq!(json(b"p.db\0"), r#"{"hex":"702e646200","text":"p.db"}"#);
        assert_eq!(json(b"a b"), r#"{"hex":"612062","text":"a b"}"#);
        for bytes in [&b""[..], b"\0", b"a\0\0", b"a\0b", b"\n", b"\xe9"] {
            assert!(!json(bytes).contains("text"), "{bytes:?}");
        }
    }
}

//! Bytes as hexadecimal digits.

use std::fmt;

use serde::{Serialize, Serializer};

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(n.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

/// Bytes as hexadecimal digits that are made while they are written, however many there are.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chunks(CHUNK).try_for_each(|chunk| f.write_str(&hex(chunk)))
    }
}

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// So many bytes are written at once.
const CHUNK: usize = 4096;

/// The bytes that pairs of digits stand for.
///
/// # Errors
///
/// What was expected.
pub(crate) fn unhex(digits: &[u8]) -> Result<Vec<u8>, &'static str> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |two: &[u8]| match two {
        [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    bytes.ok_or("not an even number of hexadecimal digits")
}

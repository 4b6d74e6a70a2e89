//! Bytes as hexadecimal digits.

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(n.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

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

//! Bytes and types of pages, as releases 5.0 to 5.3 show them.

use super::buffer::Text;

/// How many bytes of a field versions 17 and later show.
const SHOWN: usize = 100;

/// The length, and the first bytes: as text if most are printable.
pub(super) fn data(data: &[u8], text: &mut Text) {
    text.raw(b"len: ");
    text.right(u64::try_from(data.len()).unwrap_or(u64::MAX), 3);
    if data.is_empty() {
        return;
    }
    let shown = data.get(..SHOWN).unwrap_or(data);
    let printable = |byte: u8| matches!(byte, 0x20..=0x7e);
    // Fewer than 256 are counted: in bytes, many at once.
    let odd = shown.iter().fold(0_u8, |odd, &byte| odd.wrapping_add(u8::from(!printable(byte))));
    let odd = usize::from(odd);
    let harmless = match odd {
        0 => 0,
        _ => {
            let closing = usize::from(shown.last() == Some(&0));
            shown.iter().filter(|byte| matches!(byte, b'\t' | b'\n')).count().saturating_add(closing)
        }
    };
    text.raw(b" data: ");
    if odd.saturating_sub(harmless) >= shown.len() / 4 {
        text.dump(shown);
    } else if odd == 0 {
        text.raw(shown);
    } else {
        let mut rest = shown;
        while let Some(at) = rest.iter().position(|&byte| !printable(byte)) {
            let Some((run, [byte, behind @ ..])) = rest.split_at_checked(at) else { break };
            text.raw(run);
            text.raw(b"\\");
            text.hex(*byte);
            rest = behind;
        }
        text.raw(rest);
    }
    if shown.len() < data.len() {
        text.raw(b"...");
    }
}

pub(super) fn page_kind(kind: u8) -> &'static str {
    match kind {
        0 => "invalid",
        1 => "duplicate",
        2 => "hash unsorted",
        3 => "btree internal",
        4 => "recno internal",
        5 => "btree leaf",
        6 => "recno leaf",
        7 => "overflow",
        8 => "hash metadata",
        9 => "btree metadata",
        10 => "queue metadata",
        11 => "queue",
        12 => "duplicate",
        13 => "hash",
        14 => "heap metadata",
        15 => "heap",
        16 => "heap internal",
        _ => "unknown page type",
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::written;
    use super::*;

    #[test]
    fn bytes_print_as_text_if_most_are_printable() {
        assert_eq!(written(|text| data(b"", text)), "len:   0");
        assert_eq!(written(|text| data(b"name\0", text)), "len:   5 data: name\\0");
        assert_eq!(written(|text| data(b"\x01\x02ab", text)), "len:   4 data: 01026162");
        assert_eq!(written(|text| data(b"abc", text)), "len:   3 data: 616263");
        assert_eq!(written(|text| data(b"a\x01cdefgh", text)), "len:   8 data: a\\1cdefgh");
        assert!(written(|text| data(&[b'x'; 101], text)).ends_with("xx..."));
    }
}

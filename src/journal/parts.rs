//! The parts in which the image of a page after a change differs from that before: an
//! addition to the journal file of the specification.
//!
//! ```text
//! length 4, parts        part: offset 2, length 2, bytes after
//! ```
//!
//! Most changes touch a few bytes of a page. A journal that holds the image before and these
//! parts makes either image, whatever the page in the file holds by then.

use nom::bytes::complete::take;
use nom::number::complete::le_u16;
use nom::{IResult, Parser};

/// Bytes of the length before the parts.
pub(super) const LENGTH: usize = 4;
/// Bytes that are compared, and kept, together. Pages consist of such words.
const WORD: usize = 8;

/// The parts in which images of a page differ; `None` if they take as much room as an image.
pub(super) fn encode(before: &[u8], after: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![0; LENGTH];
    let words = words(before).zip(words(after)).zip((0_usize..).step_by(WORD));
    let mut words = words.filter(|((before, after), _)| before != after).map(|(_, at)| at).peekable();
    while let Some(start) = words.next() {
        let mut end = start.saturating_add(WORD);
        while words.next_if_eq(&end).is_some() {
            end = end.saturating_add(WORD);
        }
        let part = after.get(start..end)?;
        bytes.extend_from_slice(&u16::try_from(start).ok()?.to_le_bytes());
        bytes.extend_from_slice(&u16::try_from(part.len()).ok()?.to_le_bytes());
        bytes.extend_from_slice(part);
        if bytes.len() >= after.len() {
            return None;
        }
    }
    let length = u32::try_from(bytes.len().saturating_sub(LENGTH)).ok()?;
    bytes.splice(..LENGTH, length.to_le_bytes());
    Some(bytes)
}

fn words(image: &[u8]) -> impl Iterator<Item = u64> {
    image.chunks_exact(WORD).filter_map(|word| word.first_chunk()).map(|word| u64::from_le_bytes(*word))
}

/// Bytes of the parts with their length, which these bytes begin with; `None` if they claim
/// to be longer than an image.
pub(super) fn length(bytes: &[u8], page_size: usize) -> Option<usize> {
    let length = usize::try_from(u32::from_le_bytes(*bytes.first_chunk()?)).ok()?;
    Some(LENGTH.saturating_add(length)).filter(|&length| length <= page_size)
}

/// Lays parts, which follow their length, over the image before; `None` if they are not
/// whole or do not lie in the page.
pub(super) fn apply(bytes: &[u8], image: &mut [u8]) -> Option<()> {
    let mut rest = bytes.get(LENGTH..)?;
    while !rest.is_empty() {
        let (behind, (offset, part)) = part(rest).ok()?;
        image.get_mut(offset.into()..)?.get_mut(..part.len())?.copy_from_slice(part);
        rest = behind;
    }
    Some(())
}

fn part(input: &[u8]) -> IResult<&[u8], (u16, &[u8])> {
    let (rest, (offset, length)) = (le_u16, le_u16).parse(input)?;
    let (rest, bytes) = take(length).parse(rest)?;
    Ok((rest, (offset, bytes)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: usize = 512;

    #[test]
    fn parts_are_laid_out_as_documented() {
        let before = [0; PAGE];
        let mut after = before;
        after[17] = 1;
        after[24] = 2;
        after[511] = 3;
        let parts = [
            &[32, 0, 0, 0][..],
            &[16, 0, 16, 0],
            &[0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
            &[248, 1, 8, 0],
            &[0, 0, 0, 0, 0, 0, 0, 3],
        ];
        assert_eq!(encode(&before, &after), Some(parts.concat()));
        assert_eq!(encode(&before, &before), Some(vec![0; LENGTH]));
        assert_eq!(encode(&before, &[1; PAGE]), None, "an image takes less room");
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let fits = |parts: &[u8]| apply(&[&[0; LENGTH], parts].concat(), &mut [0; PAGE]).is_some();
        assert!(fits(&[255, 1, 1, 0, 9]));
        for (wrong, parts) in [
            ("it lies behind the page", &[1, 2, 1, 0, 9][..]),
            ("it reaches over its end", &[255, 1, 2, 0, 9, 9]),
            ("its bytes are cut", &[8, 0, 2, 0, 9]),
            ("its head is cut", &[8, 0, 1, 0, 9, 8, 0, 1]),
        ] {
            assert!(!fits(parts), "{wrong}");
        }
        assert_eq!(length(&[252, 1, 0, 0], PAGE), Some(512));
        assert_eq!(length(&[253, 1, 0, 0], PAGE), None);
        assert_eq!(length(&[255; 4], PAGE), None);
        assert_eq!(length(&[0; 3], PAGE), None);
    }

    proptest! {
        #[test]
        fn parts_make_the_image_after_of_that_before(
            before in proptest::collection::vec(any::<u8>(), PAGE),
            edits in proptest::collection::vec((0..PAGE, any::<u8>()), 0..40),
        ) {
            let mut after = before.clone();
            edits.iter().for_each(|&(at, byte)| after[at] = byte);
            if let Some(parts) = encode(&before, &after) {
                prop_assert_eq!(length(&parts, PAGE), Some(parts.len()));
                let mut image = before;
                prop_assert!(apply(&parts, &mut image).is_some());
                prop_assert_eq!(image, after);
            }
        }
    }
}

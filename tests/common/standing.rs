//! Where the records of a healthy file stand, and what a salvage lost of them.

use bdbkit::salvage::{Key, Salvage, Salvaged};

use super::image::Image;
use super::{Pair, missing, multiset};

/// The bytes of a record, as a dump has them: nothing for the key of a record in a
/// RECNO database, and for what is missing.
pub(crate) fn pair(record: &Salvaged<'_>) -> Pair {
    let key = match &record.key {
        Key::Bytes(key) => key.bytes().map(|bytes| bytes.to_cow().into_owned()),
        Key::Record(_) => None,
    };
    let value = record.value.bytes().map(|bytes| bytes.to_cow().into_owned());
    (key.unwrap_or_default(), value.unwrap_or_default())
}

/// All records that a salvage finds, in its order.
pub(crate) fn salvaged(bytes: &[u8]) -> Vec<Pair> {
    records_of(&Salvage::from_bytes(bytes), bytes.len() + 64)
}

/// The same, with those that were deleted.
pub(crate) fn salvaged_with_deleted(bytes: &[u8]) -> Vec<Pair> {
    records_of(&Salvage::from_bytes(bytes).deleted(true), 2 * bytes.len() + 64)
}

fn records_of(salvage: &Salvage<'_>, most: usize) -> Vec<Pair> {
    let Ok(survey) = salvage.survey() else { return Vec::new() };
    let found: Vec<Pair> = survey.records().take(most + 1).map(|record| pair(&record)).collect();
    assert!(found.len() <= most, "more records than bytes");
    found
}

/// A record of a healthy file, and its page.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) page: u32,
    pub(crate) pair: Pair,
    /// On one page, all of it.
    pub(crate) plain: bool,
    /// A value whose key is elsewhere: an off-page duplicate, or a record.
    pub(crate) value_only: bool,
}

/// The records of a healthy file, in the order in which salvage gives them.
pub(crate) fn standing(image: &Image) -> Vec<Standing> {
    let salvage = Salvage::from_bytes(&image.bytes[..]);
    let longest = (image.page_size - 26) / 4;
    let all = salvage.survey().unwrap();
    all.records()
        .map(|record| {
            let pair = pair(&record);
            let page = record.provenance.page.0;
            let kind = image.kind(page);
            // The number of a record, and the key of a duplicate, come from other pages.
            let value_only = matches!(kind, 1 | 6 | 12);
            let plain = pair.0.len() <= longest && pair.1.len() <= longest && !value_only;
            Standing { page, pair, plain, value_only }
        })
        .collect()
}

/// What a salvage lost of the records that stand on pages which are `there`. Long items
/// are expected only if all overflow pages are.
pub(crate) fn lost(
    standing: &[Standing],
    found: &[Pair],
    there: impl Fn(u32) -> bool,
    overflow: bool,
) -> Option<String> {
    // Most of a salvage is as it was: at first only the middle is compared.
    let same = standing.iter().zip(found).take_while(|(stands, pair)| stands.pair == **pair).count();
    let (middle, others) = (&standing[same..], &found[same..]);
    let ends = middle.iter().rev().zip(others.iter().rev());
    let same = ends.take_while(|(stands, pair)| stands.pair == **pair).count();
    let (middle, others) = (&middle[..middle.len() - same], &others[..others.len() - same]);
    // Equal records of several pages may have taken each other's place.
    lost_of(middle, others, &there, overflow).and_then(|_| lost_of(standing, found, &there, overflow))
}

fn lost_of(
    standing: &[Standing],
    found: &[Pair],
    there: impl Fn(u32) -> bool,
    overflow: bool,
) -> Option<String> {
    if standing.is_empty() {
        return None;
    }
    let here = || standing.iter().filter(|s| there(s.page) && (s.plain || overflow));
    let pairs = here().filter(|s| !s.value_only).map(|s| s.pair.clone());
    let gone = missing(&multiset(found.iter().cloned()), &multiset(pairs));
    if let Some((key, value)) = gone.first() {
        let (key, value) = (key.escape_ascii(), value.escape_ascii());
        return Some(format!("{} pairs lost, the first: {key} = {value}", gone.len()));
    }
    let values = multiset(found.iter().map(|(_, value)| value.clone()));
    let gone = missing(&values, &multiset(here().map(|s| s.pair.1.clone())));
    (!gone.is_empty()).then(|| format!("{} values lost", gone.len()))
}

//! A part of the pages of a file.

use std::str::FromStr;

use crate::types::PageNo;

/// One of some parts of a file, each a range of its pages, of about the same size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PagePart {
    /// From 0.
    index: u32,
    parts: u32,
}

impl PagePart {
    /// The one part that is all.
    pub const WHOLE: PagePart = PagePart { index: 0, parts: 1 };

    /// A part by its number, from 1; `None` if there are not so many.
    #[must_use]
    pub fn new(number: u32, parts: u32) -> Option<PagePart> {
        let index = number.checked_sub(1).filter(|index| *index < parts)?;
        Some(PagePart { index, parts })
    }

    /// Whether a page is in it, of so many that are divided; what lies behind them is in the last.
    pub(super) fn has(self, page: PageNo, pages: u32) -> bool {
        let place = u64::from(page.0).saturating_mul(self.parts.into());
        let index = place.checked_div(pages.into()).unwrap_or(0);
        index.min(self.parts.saturating_sub(1).into()) == u64::from(self.index)
    }
}

impl FromStr for PagePart {
    type Err = &'static str;

    /// Reads `K/N`: the K-th of N.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text
            .split_once('/')
            .and_then(|(number, parts)| PagePart::new(number.parse().ok()?, parts.parse().ok()?));
        numbers.ok_or("expected K/N, the K-th of N parts, from 1/N to N/N")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_in_one_part() {
        for (pages, parts) in [(1, 1), (1, 7), (10, 3), (u32::MAX, 5), (0, 2)] {
            for page in [0, 1, 2, 3, 9, 10, 4_000_000_000, u32::MAX] {
                let has = |number| PagePart::new(number, parts).unwrap().has(PageNo(page), pages);
                assert_eq!(
                    (1..=parts).filter(|number| has(*number)).count(),
                    1,
                    "{page} of {pages}, {parts}"
                );
            }
        }
    }

    #[test]
    fn parts_are_written_as_k_of_n() {
        assert_eq!("2/3".parse(), Ok(PagePart { index: 1, parts: 3 }));
        for wrong in ["0/3", "4/3", "1/0", "1", "/", "a/b", "-1/2", ""] {
            assert!(wrong.parse::<PagePart>().is_err(), "{wrong}");
        }
    }
}

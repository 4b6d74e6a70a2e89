//! Runs: pages that lie in a row, as a file does, or a fragment of it.
//!
//! Page n of a file that begins at byte b of the image is at b + n × page size. So the pages of a
//! fragment have the same b, whatever else is between them, and pages that are none have any.

use std::ops::Range;

use super::sighting::{Form, Sighting};
use crate::format::page::PageKind;
use crate::order::Endianness;
use crate::types::Lsn;

/// Pages in a row.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// How the file is divided; `None` of a single page that does not tell.
    pub(super) form: Option<Form>,
    /// Its pages in [`Runs::pages`].
    pages: Range<usize>,
    /// Kinds of pages that it has, a bit each.
    pub(super) kinds: u32,
    /// How many of its pages can be no accident.
    pub(super) strong: u32,
}

/// All that was sighted, by runs.
pub(super) struct Runs {
    sightings: Vec<Sighting>,
    /// Indexes of sightings: run by run, and by offset in each.
    pages: Vec<u32>,
    pub(super) runs: Vec<Run>,
}

/// The bit of a kind of page.
pub(super) fn bit(kind: PageKind) -> u32 {
    1u32.checked_shl(kind.byte().into()).unwrap_or(0)
}

/// Where the file would begin of which this is a page.
fn base(sighting: &Sighting, form: Form) -> i64 {
    let before = u64::from(sighting.number(form.order())).saturating_mul(form.bytes());
    let signed = |offset: u64| i64::try_from(offset).unwrap_or(i64::MAX);
    signed(sighting.at).saturating_sub(signed(before))
}

/// How many pages between two others are looked at.
const BETWEEN: usize = 8;

/// Whether a page and the next of its row are of different fragments: one leads to the other, and that
/// not back, or pages of others stand between them.
fn is_break(all: &[Sighting], page: &Sighting, next: &Sighting, form: Form) -> bool {
    let order = form.order();
    let (number, behind) = (page.number(order), next.number(order));
    if behind.checked_sub(number) != Some(1) {
        let end = page.at.saturating_add(form.bytes());
        let start = all.partition_point(|other| other.at < end);
        let between = all.iter().skip(start).take(BETWEEN).take_while(|other| other.at < next.at);
        return between.filter_map(|other| other.own_form()).next().is_some();
    }
    let (Some([_, onward]), Some([back, _])) = (page.chain(order), next.chain(order)) else { return false };
    onward.is_some_and(|page| page.0 == behind) != back.is_some_and(|page| page.0 == number)
}

/// A run that begins a file is worth more than any that is only long.
const FIRST: u32 = 1 << 31;

/// So many pages are a run though each could be one by accident: pages of two files in turn could be
/// taken for some of twice their size.
const WEAK: usize = 4;

impl Runs {
    pub(super) fn of(sightings: Vec<Sighting>) -> Runs {
        let mut best: Vec<(u32, Option<Form>)> = vec![(1, None); sightings.len()];
        let mut bases: Vec<(i64, u32)> = Vec::new();
        for form in Form::all() {
            bases.clear();
            let fitting = (0..).zip(&sightings).filter(|(_, sighting)| sighting.fits(form));
            bases.extend(fitting.map(|(index, sighting)| (base(sighting, form), index)));
            bases.sort_unstable();
            for row in bases.chunk_by(|(one, _), (other, _)| one == other) {
                let at = |index: u32| sightings.get(usize::try_from(index).ok()?);
                let begins = row.iter().filter_map(|&(_, index)| at(index)).any(Sighting::is_first);
                let strong =
                    row.iter().filter_map(|&(_, index)| at(index)).any(|page| page.own_form() == Some(form));
                let queue = row.len() > 1
                    && row
                        .iter()
                        .filter_map(|&(_, index)| at(index))
                        .all(|page| page.kind() == PageKind::QueueData);
                if !begins && !strong && !queue && row.len() < WEAK {
                    continue;
                }
                let count = u32::try_from(row.len()).unwrap_or(u32::MAX).min(FIRST.wrapping_sub(1));
                let rank = if begins { FIRST | count } else { count };
                for &(_, index) in row {
                    let place = usize::try_from(index).ok().and_then(|index| best.get_mut(index));
                    if let Some(place) = place.filter(|(known, _)| *known < rank) {
                        *place = (rank, Some(form));
                    }
                }
            }
        }
        drop(bases);
        let mut sorted: Vec<(Option<Form>, i64, u32)> = (0..)
            .zip(sightings.iter().zip(&best))
            .map(|(index, (sighting, &(_, form)))| {
                // A page that is in no row stands for itself.
                (form, form.map_or(index.into(), |form| base(sighting, form)), index)
            })
            .collect();
        drop(best);
        sorted.sort_unstable();
        let mut pages = Vec::with_capacity(sorted.len());
        let mut rows = Vec::new();
        let row = |one: &(Option<Form>, i64, u32), other: &(Option<Form>, i64, u32)| {
            let at = |index: u32| sightings.get(usize::try_from(index).ok()?);
            let breaks = || Some(is_break(&sightings, at(one.2)?, at(other.2)?, one.0?));
            (one.0, one.1) == (other.0, other.1) && breaks() != Some(true)
        };
        for row in sorted.chunk_by(row) {
            let start = pages.len();
            pages.extend(row.iter().map(|(.., index)| index));
            let form = row.first().and_then(|(form, ..)| *form);
            rows.push(Run { form, pages: start..pages.len(), kinds: 0, strong: 0 });
        }
        drop(sorted);
        let mut runs = Runs { sightings, pages, runs: Vec::new() };
        for run in &mut rows {
            for sighting in runs.sighted(run) {
                let order = run.form.or(sighting.own_form()).map_or(Endianness::Little, Form::order);
                run.kinds |= bit(sighting.kind());
                run.strong = run.strong.saturating_add(sighting.is_strong(order).into());
            }
        }
        runs.runs = rows;
        runs
    }

    pub(super) fn run(&self, index: usize) -> Option<&Run> {
        self.runs.get(index)
    }

    /// The pages of a run.
    pub(super) fn sighted<'s>(
        &'s self,
        run: &Run,
    ) -> impl DoubleEndedIterator<Item = &'s Sighting> + Clone + use<'s> {
        let indexes = self.pages.get(run.pages.clone()).unwrap_or_default();
        indexes.iter().filter_map(|&index| self.sightings.get(usize::try_from(index).ok()?))
    }

    /// The page of this number in a run.
    pub(super) fn page(&self, run: &Run, number: u32, form: Form) -> Option<&Sighting> {
        let indexes = self.pages.get(run.pages.clone())?;
        let at = |index: u32| self.sightings.get(usize::try_from(index).ok()?);
        let of = |&index: &u32| at(index).map_or(0, |sighting| sighting.number(form.order()));
        let place = indexes.binary_search_by_key(&number, of).ok()?;
        at(*indexes.get(place)?)
    }

    /// Numbers of the first and the last page of a run.
    pub(super) fn numbers(&self, run: &Run, form: Form) -> (u32, u32) {
        let mut pages = self.sighted(run);
        let first = pages.next().map_or(0, |page| page.number(form.order()));
        (first, pages.next_back().map_or(first, |page| page.number(form.order())))
    }

    /// Where a run begins in the image.
    pub(super) fn start(&self, run: &Run) -> u64 {
        self.sighted(run).next().map_or(0, |page| page.at)
    }

    /// The latest log position on its first and last pages.
    pub(super) fn lsn(&self, run: &Run, form: Form) -> Lsn {
        let pages = self.sighted(run);
        let ends = pages.clone().take(8).chain(pages.rev().take(8));
        ends.map(|page| page.lsn(form.order())).max().unwrap_or_default()
    }
}

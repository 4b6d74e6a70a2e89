//! A position in the leaves of a tree, and the steps from one to the next.
//!
//! Leaves are found through the internal pages, and the links between leaves
//! must say the same: where the two disagree, the walk reports it and goes on.
//! A page that cannot be read is reported and stepped over.

mod parked;

use std::cmp::Ordering;
use std::collections::VecDeque;

use byteorder::ByteOrder;

use super::leaf::{Leaf, Plain};
use super::node::Node;
use crate::access::visited::Visited;
use crate::error::{Defect, Error, Result, file_bytes};
use crate::format::page::{Page, PageKind, at};
use crate::meta::Shape;
use crate::pages::{Allowance, Content, Origin, Pages, Place, Stored};
use crate::types::PageNo;
pub(crate) use parked::Parked;

/// Which way a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

/// An internal page on the way from the root to the leaf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) node: Node<'a>,
    pub(crate) index: u16,
}

/// A place in a tree.
#[derive(Clone, Debug)]
pub(crate) struct Walk<'a> {
    pages: &'a Pages<'a>,
    frames: Vec<Frame<'a>>,
    leaf: Option<Leaf<'a>>,
    /// The key read last, and where its item is.
    key: Option<(Option<u16>, Content<'a>)>,
    state: State,
}

/// What a walk knows beside the pages that it stands on.
#[derive(Clone, Debug)]
struct State {
    shape: Shape,
    root: PageNo,
    origin: Origin,
    unit: Option<u16>,
    records_before_leaf: Option<u32>,
    /// What the units of the leaf gave.
    allowance: Allowance,
    started: bool,
    ended: bool,
    heading: Direction,
    /// Leaves reached, and pages not reached, since the walk turned this way.
    reached: u32,
    failed: u64,
    pending: VecDeque<Error>,
}

/// A page to go down to, and what its parent says of it.
struct Link {
    no: PageNo,
    origin: Origin,
    level: Option<u8>,
    records: Option<u32>,
}

impl<'a> Walk<'a> {
    /// A walk that has not started: the first step decides from which end.
    pub(crate) fn new(pages: &'a Pages<'a>, shape: Shape, root: PageNo, origin: Origin) -> Self {
        let state = State {
            shape,
            root,
            origin,
            unit: None,
            records_before_leaf: None,
            allowance: pages.allowance(),
            started: false,
            ended: false,
            heading: Direction::Forward,
            reached: 0,
            failed: 0,
            pending: VecDeque::new(),
        };
        Walk { pages, frames: Vec::new(), leaf: None, key: None, state }
    }

    /// A walk that stands on a unit of a leaf that a search found. What the leaf gives is
    /// counted as it goes: to look at all of it would take longer than most searches.
    pub(crate) fn at(mut self, frames: Vec<Frame<'a>>, mut leaf: Leaf<'a>, unit: Option<u16>) -> Self {
        leaf.take_care();
        (self.frames, self.leaf, self.state.unit, self.state.started) = (frames, Some(leaf), unit, true);
        self
    }

    /// The leaf and the unit on it where the walk stands.
    pub(crate) fn position(&self) -> Option<(PageNo, u16)> {
        Some((self.leaf.as_ref()?.no(), self.state.unit?))
    }

    /// The page where the walk stands, and the slot of the value.
    pub(crate) fn value_slot(&self) -> (PageNo, u16) {
        let stands = self.leaf.as_ref().zip(self.state.unit);
        stands.map_or((self.state.root, 0), |(leaf, unit)| (leaf.no(), leaf.value_slot(unit)))
    }

    /// How much of the tree lies behind it, from 0 to 1, by its place on each page of the way.
    pub(crate) fn share(&self) -> f64 {
        if !self.state.started {
            return 0.0;
        }
        if self.state.ended {
            return if self.state.heading == Direction::Forward { 1.0 } else { 0.0 };
        }
        let (mut share, mut width) = (0.0, 1.0);
        for Frame { node, index } in &self.frames {
            width /= f64::from(node.entries().max(1));
            share += width * f64::from(*index);
        }
        if let (Some(leaf), Some(unit)) = (&self.leaf, self.state.unit) {
            share += width * f64::from(unit) / f64::from(leaf.units().max(1));
        }
        share
    }

    /// Which of two walks over one tree is further on, where that can be told.
    pub(crate) fn compare(&self, other: &Walk<'_>) -> Option<Ordering> {
        let indices = self.frames.iter().zip(&other.frames).map(|(a, b)| a.index.cmp(&b.index));
        if let Some(unequal) = indices.into_iter().find(|order| order.is_ne()) {
            return Some(unequal);
        }
        let ((page, unit), (other_page, other_unit)) = (self.position()?, other.position()?);
        (page == other_page).then(|| unit.cmp(&other_unit))
    }

    /// The value where the walk stands.
    #[inline(always)]
    pub(crate) fn value<O: ByteOrder>(&self) -> Option<Result<Stored<'a>>> {
        Some(self.leaf.as_ref()?.value::<O>(self.state.unit?))
    }

    /// The page where the walk stands, and the place of the value's item.
    pub(crate) fn value_place<O: ByteOrder>(&self) -> Place {
        let (page, unit) = self.position().unwrap_or((self.state.root, 0));
        let value = self.leaf.as_ref().and_then(|leaf| leaf.value_at::<O>(unit).ok());
        Place::new(page, value.map_or(0, |(offset, _)| offset))
    }

    /// The key where the walk stands, for trees of pairs.
    #[inline(always)]
    pub(crate) fn key<O: ByteOrder>(&mut self) -> Option<Result<Content<'a>>> {
        let (leaf, unit) = (self.leaf.as_ref()?, self.state.unit?);
        let item = leaf.key_place::<O>(unit);
        if let Some((at, content)) = self.key {
            if at == item {
                return Some(Ok(content));
            }
        }
        let key = leaf.key::<O>(unit);
        self.key = key.as_ref().ok().map(|content| (item, *content));
        Some(key)
    }

    /// Whether the pair where the walk stands has the key item of its neighbour
    /// on the side that a walk in this direction comes from.
    pub(crate) fn shares_key<O: ByteOrder>(&self, to: Direction) -> bool {
        let (Some(leaf), Some(unit)) = (&self.leaf, self.state.unit) else { return false };
        match to {
            Direction::Forward => leaf.shares_key::<O>(unit),
            Direction::Backward => {
                unit.checked_add(1).is_some_and(|u| u < leaf.units() && leaf.shares_key::<O>(u))
            }
        }
    }

    /// Counts the pair where the walk stands as given, if the leaf has such as repeat
    /// others' bytes.
    #[inline(always)]
    pub(crate) fn give<O: ByteOrder>(
        &mut self,
        key: Content<'_>,
        value: Content<'_>,
        to: Direction,
    ) -> Result<()> {
        if self.leaf.as_ref().is_some_and(Leaf::is_careful) {
            let shared = self.shares_key::<O>(to);
            let given = self.state.allowance.give(key.given(shared).saturating_add(value.given(false)));
            return given.map_err(|defect| self.here(defect));
        }
        Ok(())
    }

    /// Counts the duplicate where the walk stands as given, with a key of this length.
    pub(crate) fn give_duplicate(&mut self, key: u32, value: Content<'_>) -> Result<()> {
        let given = self.state.allowance.give_duplicate(key, value.given(false));
        given.map_err(|defect| self.here(defect))
    }

    /// The error for the unit where the walk stands.
    fn here(&self, defect: Defect) -> Error {
        match (&self.leaf, self.state.unit) {
            (Some(leaf), Some(unit)) => Error::corrupt(leaf.no(), leaf.unit_offset(unit), defect),
            _ => Error::corrupt(self.state.root, 0, defect),
        }
    }

    /// Records before the unit where the walk stands, in a tree that keeps counts.
    pub(crate) fn records_before<O: ByteOrder>(&mut self) -> Option<u32> {
        let (leaf, unit) = (self.leaf.as_ref()?, self.state.unit?);
        let before = *self.state.records_before_leaf.get_or_insert_with(|| {
            self.frames
                .iter()
                .fold(0u32, |sum, frame| sum.saturating_add(frame.node.records_before::<O>(frame.index)))
        });
        let on_leaf = if self.state.shape.counts_deleted() {
            u32::from(unit)
        } else {
            let live = |u: &u16| !leaf.value::<O>(*u).is_ok_and(|v| v.deleted);
            u32::try_from((0..unit).filter(live).count()).unwrap_or(u32::MAX)
        };
        Some(before.saturating_add(on_leaf))
    }

    /// Moves to the next unit in a direction. False at the end, behind the last
    /// unit: a step back then gives it. Whatever the error, the step after it goes on.
    #[inline(always)]
    pub(crate) fn step<O: ByteOrder>(
        &mut self,
        to: Direction,
        visited: &mut Option<Visited>,
    ) -> Result<bool> {
        loop {
            if let Some(error) = self.state.pending.pop_front() {
                return Err(error);
            }
            if self.state.ended {
                if self.state.heading == to {
                    return Ok(false);
                }
                self.head(to);
            }
            if let Some(leaf) = &self.leaf {
                let unit = match (self.state.unit, to) {
                    (None, Direction::Forward) => Some(0),
                    (None, Direction::Backward) => leaf.units().checked_sub(1),
                    (Some(unit), Direction::Forward) => unit.checked_add(1),
                    (Some(unit), Direction::Backward) => unit.checked_sub(1),
                };
                if let Some(unit) = unit.filter(|&unit| unit < leaf.units()) {
                    self.state.unit = Some(unit);
                    return Ok(true);
                }
            }
            if !self.advance::<O>(to, visited)? {
                self.state.ended = true;
                (self.state.unit, self.key) = (None, None);
            }
        }
    }

    /// Moves forward to a pair of the common form, if one comes next on the leaf.
    #[inline(always)]
    pub(crate) fn next_plain<O: ByteOrder>(&mut self) -> Option<Plain<'a>> {
        let leaf = self.leaf.as_ref()?;
        if self.state.ended || !self.state.pending.is_empty() {
            return None;
        }
        let unit = self.state.unit.map_or(0, |unit| unit.wrapping_add(1));
        let pair = leaf.plain_pair::<O>(unit)?;
        self.state.unit = Some(unit);
        Some(pair)
    }

    /// Turns in a direction, from where all pages may be visited again.
    fn head(&mut self, to: Direction) {
        (self.state.heading, self.state.ended, self.state.reached, self.state.failed) = (to, false, 0, 0);
    }

    /// Moves to the next leaf; false at the end.
    #[inline(never)]
    fn advance<O: ByteOrder>(&mut self, to: Direction, visited: &mut Option<Visited>) -> Result<bool> {
        if self.state.heading != to {
            self.head(to);
        }
        let started = std::mem::replace(&mut self.state.started, true);
        let moved = match self.state.shape.internal {
            _ if !started => self.start::<O>(to, visited).map(|()| true),
            None => self.follow_chain::<O>(to, visited),
            Some(_) => self.next_leaf::<O>(to, visited),
        };
        match &moved {
            Ok(_) => self.state.reached = self.state.reached.saturating_add(1),
            Err(_) => self.state.failed = self.state.failed.saturating_add(1),
        }
        // No healthy walk comes by more leaves than there are pages, nor fails on
        // more children than internal pages can have.
        let children = file_bytes(self.pages.count(), self.pages.size()) >> 3;
        if self.state.reached > self.pages.count().saturating_add(1) || self.state.failed > children {
            self.frames.clear();
            (self.leaf, self.state.unit, self.state.ended) = (None, None, true);
            return Err(Error::corrupt(self.state.root, at::NEXT, Defect::Loop));
        }
        moved
    }

    /// The next leaf of a tree, through its internal pages.
    fn next_leaf<O: ByteOrder>(&mut self, to: Direction, visited: &mut Option<Visited>) -> Result<bool> {
        let movable = |frame: &Frame<'_>| match to {
            Direction::Forward => frame.index < frame.node.last(),
            Direction::Backward => frame.index > 0,
        };
        let Some(depth) = self.frames.iter().rposition(movable) else {
            if let Some(leaf) = &self.leaf {
                self.state.pending.extend(link_error(leaf, to, None));
            }
            return Ok(false);
        };
        let from = self.leave();
        self.frames.truncate(depth.saturating_add(1));
        let Some(frame) = self.frames.last_mut() else { return Ok(false) };
        frame.index = match to {
            Direction::Forward => frame.index.saturating_add(1),
            Direction::Backward => frame.index.saturating_sub(1),
        };
        let frame = *frame;
        let link = self.link_of::<O>(frame)?;
        self.descend::<O>(link, to, visited)?;
        self.look_ahead::<O>(to);
        if let (Some(from), Some(leaf)) = (from, &self.leaf) {
            self.state.pending.extend(link_error(&from, to, Some(leaf.no())));
            self.state.pending.extend(link_error(leaf, reverse(to), Some(from.no())));
        }
        Ok(true)
    }

    /// Asks memory for leaves that come some steps later: for the header, and when that should be
    /// there, for what it tells of.
    #[inline]
    fn look_ahead<O: ByteOrder>(&self, to: Direction) {
        let Some(frame) = self.frames.last().filter(|frame| frame.node.level() == 2) else { return };
        let leaf = |distance: u16| {
            let index = match to {
                Direction::Forward => frame.index.checked_add(distance),
                Direction::Backward => frame.index.checked_sub(distance),
            };
            let index = index.filter(|&index| index < frame.node.entries())?;
            frame.node.child::<O>(index).ok()
        };
        if let Some(leaf) = leaf(8) {
            self.pages.expect_header(leaf.page);
        }
        if let Some(leaf) = leaf(2) {
            self.pages.expect_items::<O>(leaf.page);
        }
    }

    /// Takes the leaf, and forgets what was known of the place on it.
    fn leave(&mut self) -> Option<Leaf<'a>> {
        (self.state.unit, self.key, self.state.records_before_leaf) = (None, None, None);
        self.state.allowance = self.pages.allowance();
        self.leaf.take()
    }

    /// Goes down to the first leaf, or to the last.
    fn start<O: ByteOrder>(&mut self, to: Direction, visited: &mut Option<Visited>) -> Result<()> {
        let link = Link { no: self.state.root, origin: self.state.origin, level: None, records: None };
        if self.state.shape.internal.is_some() || to == Direction::Forward {
            self.descend::<O>(link, to, visited)?;
            self.state
                .pending
                .extend(self.leaf.as_ref().and_then(|leaf| link_error(leaf, reverse(to), None)));
            return Ok(());
        }
        // The end of a chain is found by walking there. The walk back ends on the
        // root, so that is marked first, and reached again.
        if let Some(visited) = visited {
            visited.reach(self.state.root, self.state.origin)?;
        }
        self.descend::<O>(link, Direction::Forward, &mut None)?;
        self.state.pending.extend(self.leaf.as_ref().and_then(|leaf| link_error(leaf, to, None)));
        let mut steps = 0u32;
        while self.follow_chain::<O>(Direction::Forward, &mut None)? {
            steps = steps.saturating_add(1);
            if steps > self.pages.count() {
                self.leave();
                return Err(Error::corrupt(self.state.root, at::NEXT, Defect::Loop));
            }
        }
        if let (Some(leaf), Some(visited)) = (&self.leaf, visited) {
            if leaf.no() != self.state.root {
                visited.reach(leaf.no(), self.state.origin)?;
            }
        }
        Ok(())
    }

    /// The next page of a chain of leaves. Here the links are all there is, so a
    /// wrong one ends the walk.
    fn follow_chain<O: ByteOrder>(&mut self, to: Direction, visited: &mut Option<Visited>) -> Result<bool> {
        let Some(from) = &self.leaf else { return Ok(false) };
        let Some(no) = PageNo::link(outward(from, to)) else { return Ok(false) };
        let (offset, what) = match to {
            Direction::Forward => (at::NEXT, "next page"),
            Direction::Backward => (at::PREV, "previous page"),
        };
        let origin = Origin { page: from.no(), offset, what };
        let from = from.no();
        self.leave();
        self.descend::<O>(Link { no, origin, level: Some(1), records: None }, to, visited)?;
        match self.leaf.as_ref().and_then(|leaf| link_error(leaf, reverse(to), Some(from))) {
            Some(error) => {
                self.leave();
                Err(error)
            }
            None => Ok(true),
        }
    }

    /// Goes down from a page to the leaf at the near end, seen from where the walk comes.
    fn descend<O: ByteOrder>(
        &mut self,
        mut link: Link,
        to: Direction,
        visited: &mut Option<Visited>,
    ) -> Result<()> {
        loop {
            let chain_end = self.state.shape.internal.is_none()
                && to == Direction::Backward
                && link.no == self.state.root;
            if let Some(visited) = visited.as_mut().filter(|_| !chain_end) {
                visited.reach(link.no, link.origin)?;
            }
            if link.level == Some(1) {
                // Before the first look at its header, which would have to wait.
                self.pages.unchecked_page::<O>(link.no).iter().for_each(Page::fetch);
            }
            let page = self.pages.page::<O>(link.no, link.origin)?;
            let kind = PageKind::from_byte(page.type_byte());
            let (Some(internal), false) = (
                self.state.shape.internal,
                link.level.map_or(kind == Some(self.state.shape.leaf), |l| l <= 1),
            ) else {
                let mut leaf = Leaf::new::<O>(self.pages, page, link.no, self.state.shape.leaf)?;
                self.inspect_leaf::<O>(&mut leaf, link.records)?;
                self.leaf = Some(leaf);
                return Ok(());
            };
            let node = Node::new::<O>(self.pages, page, link.no, internal, link.level)?;
            self.inspect_node::<O>(&node, &link);
            let index = match to {
                Direction::Forward => 0,
                Direction::Backward => node.last(),
            };
            let frame = Frame { node, index };
            self.frames.push(frame);
            link = self.link_of::<O>(frame)?;
        }
    }

    fn link_of<O: ByteOrder>(&self, frame: Frame<'a>) -> Result<Link> {
        let child = frame.node.child::<O>(frame.index)?;
        Ok(Link {
            no: child.page,
            origin: child.origin,
            level: Some(frame.node.level().saturating_sub(1)),
            records: self.state.shape.counted.then_some(child.records),
        })
    }

    /// Notes what is wrong with a leaf as a whole. Bad items are reported when
    /// they are touched, so only what their touch cannot show is noted.
    fn inspect_leaf<O: ByteOrder>(&mut self, leaf: &mut Leaf<'a>, records: Option<u32>) -> Result<()> {
        if leaf.units() == 0 && leaf.kind() == PageKind::Duplicate {
            let defect = Defect::Entries { found: 0, why: "a page of duplicates is never empty" };
            return Err(Error::corrupt(leaf.no(), at::ENTRIES, defect));
        }
        let (checked, given) = leaf.examine::<O>();
        self.note_packing(checked);
        if !self.state.allowance.covers(given) {
            leaf.take_care();
        }
        if let Some(found) = records {
            let counted =
                if self.state.shape.counts_deleted() { leaf.units().into() } else { leaf.live::<O>() };
            self.note_count(leaf.no(), at::ENTRIES, found, counted);
        }
        Ok(())
    }

    fn inspect_node<O: ByteOrder>(&mut self, node: &Node<'a>, link: &Link) {
        self.note_packing(node.check::<O>());
        if !self.state.shape.counted {
            return;
        }
        if let Ok(counted) = node.sum::<O>() {
            let found = link.records.unwrap_or(node.total());
            // Upgrades of sorted duplicates count deleted ones on the root, and only there.
            if link.records.is_some() || !self.state.shape.total_may_count_deleted() || found < counted {
                self.note_count(node.no(), at::PREV, found, counted);
            }
        }
    }

    fn note_packing(&mut self, checked: Result<()>) {
        self.state.pending.extend(checked.err().filter(Error::is_packing));
    }

    fn note_count(&mut self, no: PageNo, offset: usize, found: u32, counted: u32) {
        if found != counted {
            self.state.pending.push_back(Error::corrupt(no, offset, Defect::Count { found, counted }));
        }
    }
}

fn reverse(to: Direction) -> Direction {
    match to {
        Direction::Forward => Direction::Backward,
        Direction::Backward => Direction::Forward,
    }
}

fn outward(leaf: &Leaf<'_>, to: Direction) -> u32 {
    match to {
        Direction::Forward => leaf.next(),
        Direction::Backward => leaf.prev(),
    }
}

fn link_error(leaf: &Leaf<'_>, to: Direction, expected: Option<PageNo>) -> Option<Error> {
    let (found, expected) = (outward(leaf, to), expected.map_or(0, |no| no.0));
    let (link, offset) = match to {
        Direction::Forward => ("next", at::NEXT),
        Direction::Backward => ("previous", at::PREV),
    };
    (found != expected).then(|| Error::corrupt(leaf.no(), offset, Defect::Link { link, found, expected }))
}

//! A place in a tree without the pages that it stands on: what a walk is between two times
//! that it has them.

use std::collections::VecDeque;

use super::{Direction, Frame, Walk};
use crate::access::btree::leaf::Leaf;
use crate::access::btree::node::Node;
use crate::error::{Error, Result};
use crate::meta::Shape;
use crate::order::with_order;
use crate::pages::{Allowance, Origin, Pages};
use crate::types::PageNo;

/// A walk that can go on over the same file, opened anew.
#[derive(Debug)]
pub(crate) struct Parked {
    shape: Shape,
    root: PageNo,
    origin: Origin,
    /// The internal pages on the way, with their levels and indices.
    frames: Vec<(PageNo, u8, u16)>,
    /// The leaf, and whether its pairs are counted one by one.
    leaf: Option<(PageNo, bool)>,
    unit: Option<u16>,
    records_before_leaf: Option<u32>,
    allowance: Allowance,
    started: bool,
    ended: bool,
    heading: Direction,
    reached: u32,
    failed: u64,
    pending: VecDeque<Error>,
}

impl<'a> Walk<'a> {
    /// Lets go of the pages.
    pub(crate) fn park(self) -> Parked {
        let frame = |frame: &Frame<'_>| (frame.node.no(), frame.node.level(), frame.index);
        Parked {
            shape: self.shape,
            root: self.root,
            origin: self.origin,
            frames: self.frames.iter().map(frame).collect(),
            leaf: self.leaf.as_ref().map(|leaf| (leaf.no(), leaf.is_careful())),
            unit: self.unit,
            records_before_leaf: self.records_before_leaf,
            allowance: self.allowance,
            started: self.started,
            ended: self.ended,
            heading: self.heading,
            reached: self.reached,
            failed: self.failed,
            pending: self.pending,
        }
    }
}

impl Parked {
    /// Goes on with the walk.
    ///
    /// # Errors
    ///
    /// A page that was good before cannot be read again, or is another one now.
    pub(crate) fn resume<'a>(self, pages: &'a Pages<'a>) -> Result<Walk<'a>> {
        with_order!(pages.order(), O => {
            let frame = |(no, level, index)| {
                let kind = self.shape.internal.unwrap_or(self.shape.leaf);
                let page = pages.page::<O>(no, self.origin)?;
                Ok(Frame { node: Node::new::<O>(pages, page, no, kind, Some(level))?, index })
            };
            let leaf = |(no, careful)| {
                let mut leaf = Leaf::new::<O>(pages, pages.page::<O>(no, self.origin)?, no, self.shape.leaf)?;
                if careful {
                    leaf.take_care();
                }
                Ok::<_, Error>(leaf)
            };
            Ok(Walk {
                pages,
                shape: self.shape,
                root: self.root,
                origin: self.origin,
                frames: self.frames.into_iter().map(frame).collect::<Result<_>>()?,
                leaf: self.leaf.map(leaf).transpose()?,
                unit: self.unit,
                key: None,
                records_before_leaf: self.records_before_leaf,
                allowance: self.allowance,
                started: self.started,
                ended: self.ended,
                heading: self.heading,
                reached: self.reached,
                failed: self.failed,
                pending: self.pending,
            })
        })
    }
}

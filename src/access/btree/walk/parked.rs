//! A place in a tree without the pages that it stands on: what a walk is between two times
//! that it has them.

use super::{Frame, State, Walk};
use crate::access::btree::leaf::Leaf;
use crate::access::btree::node::Node;
use crate::error::{Error, Result};
use crate::order::with_order;
use crate::pages::Pages;
use crate::types::PageNo;

/// A walk that can go on over the same file, opened anew.
#[derive(Debug)]
pub(crate) struct Parked {
    /// The internal pages on the way, with their levels and indices.
    frames: Vec<(PageNo, u8, u16)>,
    /// The leaf, and whether its pairs are counted one by one.
    leaf: Option<(PageNo, bool)>,
    state: State,
}

impl<'a> Walk<'a> {
    /// Lets go of the pages.
    pub(crate) fn park(self) -> Parked {
        let frame = |frame: &Frame<'_>| (frame.node.no(), frame.node.level(), frame.index);
        Parked {
            frames: self.frames.iter().map(frame).collect(),
            leaf: self.leaf.as_ref().map(|leaf| (leaf.no(), leaf.is_careful())),
            state: self.state,
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
        let Parked { frames, leaf, state } = self;
        let (shape, origin) = (state.shape, state.origin);
        with_order!(pages.order(), O => {
            let frame = |(no, level, index)| {
                let kind = shape.internal.unwrap_or(shape.leaf);
                let page = pages.page::<O>(no, origin)?;
                Ok(Frame { node: Node::new::<O>(pages, page, no, kind, Some(level))?, index })
            };
            let again = |(no, careful)| {
                let mut leaf = Leaf::new::<O>(pages, pages.page::<O>(no, origin)?, no, shape.leaf)?;
                if careful {
                    leaf.take_care();
                }
                Ok::<_, Error>(leaf)
            };
            let frames = frames.into_iter().map(frame).collect::<Result<_>>()?;
            Ok(Walk { pages, frames, leaf: leaf.map(again).transpose()?, key: None, state })
        })
    }
}

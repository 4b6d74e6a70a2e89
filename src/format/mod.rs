//! Raw layouts of pages and log records: constants and views in place.
//!
//! Nothing here does I/O, allocates, looks at a second page or judges: a view
//! shows the bytes as they stand, legal or not, and says `None` where a field
//! would lie outside the page. A change of a page (`edit`) is given all that it needs, also
//! the page from which items are copied.

pub(crate) mod checksum;
pub(crate) mod chunk;
pub(crate) mod edit;
pub(crate) mod external;
pub(crate) mod generation;
pub(crate) mod hash;
pub(crate) mod heap;
pub(crate) mod item;
pub(crate) mod log;
pub(crate) mod magic;
pub(crate) mod meta;
pub(crate) mod named;
pub(crate) mod page;
pub(crate) mod queue;
pub(crate) mod seal;
pub(crate) mod series1;
pub(crate) mod swap;

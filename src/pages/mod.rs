//! Page N of a file or of several, or an error; and what is the same of all pages with items: where items
//! stand, overflow chains, whether items fill their page.

mod ahead;
mod allowance;
mod beside;
mod chain;
mod cipher;
mod codec;
mod content;
mod extents;
mod external;
mod file;
mod kept;
mod overlay;
mod partitions;
mod place;
mod reversed;
pub(crate) mod series1;
mod source;
mod space;
mod split;
mod storage;
mod tiling;

pub(crate) use ahead::expect;
pub(crate) use allowance::Allowance;
pub(crate) use chain::Chain;
#[cfg(feature = "upgrade")]
pub(crate) use chain::length as chain_length;
pub use chain::{ItemReader, Pieces};
pub(crate) use cipher::{Cipher, Nonce};
pub(crate) use codec::Codec;
pub(crate) use content::{Content, Duplicates, Stored, size_of_item};
pub(crate) use extents::{Extent, Extents, paths as extent_paths};
pub use external::ExternalFile;
pub(crate) use external::{External, ExternalFolder};
pub use file::{File, OpenOptions};
pub(crate) use overlay::{Below, Overlay};
pub(crate) use partitions::{Partitions, Place as PartitionPlace};
pub(crate) use place::{Origin, Place};
pub(crate) use reversed::Reversible;
pub(crate) use source::Source;
#[cfg(all(feature = "mmap", feature = "upgrade"))]
pub(crate) use source::map_overlay;
pub(crate) use space::Pages;
pub(crate) use split::{HeapPage, Placed, Split, Step};
pub(crate) use tiling::Tiling;

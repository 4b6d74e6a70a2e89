//! Brings the databases of an environment to their consistent state, by its log, as the release
//! would that wrote it (recovery).

mod apply;
mod error;
mod files;
mod held;
#[cfg(feature = "upgrade")]
mod images;
mod passes;
mod release;
mod report;
mod target;
mod transactions;
mod turned;
mod view;
mod world;

pub use error::RecoverError;
#[cfg(feature = "upgrade")]
pub(crate) use images::FileImage;
pub use report::{FileChange, InDoubt, RecoverReport, RecoveredFile, Until};
pub use view::{Recover, View, ViewFile};

//! Brings the databases of an environment to their consistent state, by its log, as the release
//! would that wrote it (recovery).

mod ahead;
mod apply;
mod comparison;
mod condition;
mod error;
mod files;
mod held;
#[cfg(feature = "upgrade")]
mod images;
mod page_lsns;
mod passes;
mod release;
mod report;
mod sealing;
mod shelf;
mod side_by_side;
mod tally;
mod target;
mod transactions;
mod turned;
mod view;
mod waiting;
mod without;
mod world;

pub use condition::{Condition, Pending, Unrecovered, condition};
pub use error::RecoverError;
#[cfg(feature = "upgrade")]
pub(crate) use images::FileImage;
pub use report::{FileChange, InDoubt, RecoverReport, RecoveredFile, RecoveredTransaction, Until};
pub use view::{Recover, View, ViewFile};

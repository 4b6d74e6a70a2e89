//! What log version 12 (release 4.5) changed.

use super::layout::{Schema, records};
use super::v11::V11;

/// Log version 12, release 4.5.
pub(super) static V12: Schema = Schema::new(
    12,
    Some(&V11),
    &[],
    records! {
        32 __ham_groupalloc {
            fileid: fileid, meta_lsn: lsn, start_pgno: pgno, num: u32, unused: pgno, last_pgno: pgno,
        }
    },
);

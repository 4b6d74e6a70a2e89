//! What log version 4 (release 3.3) changed.

use super::layout::{Schema, records};
use super::v3::V3;

/// Log version 4, release 3.3.
pub(super) static V4: Schema = Schema::new(
    4,
    Some(&V3),
    &[76],
    records! {
        142 crdel_metasub { fileid: fileid, pgno: pgno, page: dbt, lsn: lsn }
        143 crdel_metapage { fileid: fileid, name: dbt, pgno: pgno, page: dbt }
    },
);

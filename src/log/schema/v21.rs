//! What log version 21 (release 6.0.30) changed (other-releases, "Logs 20 – 23").

use super::layout::{Schema, records};
use super::v20::V20;

/// Log version 21, release 6.0.30.
pub(super) static V21: Schema = Schema::new(
    21,
    Some(&V20),
    &[],
    records! {
        86 __fop_write_file {
            name: dbt, dirname: dbt, appname: u32, offset: u64, old_data: dbt, new_data: dbt, flag: u32,
        }
    },
);

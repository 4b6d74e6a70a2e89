//! What log version 20 (releases 6.0.19 and 6.0.20) changed (other-releases, "Logs 20 – 23").

use super::layout::{Schema, records};
use super::v19::V19;

/// Log version 20, releases 6.0.19 and 6.0.20.
pub(super) static V20: Schema = Schema::new(
    20,
    Some(&V19),
    &[],
    records! {
        86 __fop_write_file {
            name: dbt, dirname: dbt, appname: u32, offset_lo: u32, offset_hi: u32, old_data: dbt,
            new_data: dbt, flag: u32,
        }
        151 __heap_addrem {
            opcode: op, fileid: fileid as db, pgno: pgno, indx: u32, nbytes: u32, hdr: hdr, dbt: dbt,
            pagelsn: lsn,
        }
    },
);

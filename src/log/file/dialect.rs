//! Which release wrote a log of version 2 (log-format, "Record types").
//!
//! Three releases wrote version 2, with different sets of record types. A type keeps
//! its layout in all three, so that a wrong guess costs nothing but a name.

use super::LogFile;

/// The place of a file's dialect among the tables of version 2: 0 for 2.x, 1 for
/// 3.0, 2 for 3.1.
pub(crate) fn of_file(file: &LogFile<'_>) -> usize {
    if file.version() != 2 {
        return 0;
    }
    let mut dialect = 0;
    let mut at = file.first();
    // The lengths alone lead from record to record, and they only lead forward.
    while let Ok(record) = file.peek(at) {
        match record.kind() {
            2 | 10 | 11 | 31 | 60..=64 | 145 | 146 => return 2,
            29 | 30 | 48 | 59 | 76..=80 | 141..=144 => dialect = 1,
            _ => {}
        }
        at = at.saturating_add(record.size());
    }
    dialect
}

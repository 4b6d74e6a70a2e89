//! Writing pairs of which no database is at hand.

use std::io::Write;

use super::writer::{BUFFER, DumpError, Summary, Writer};
use crate::method::Method;

impl Writer {
    /// Writes pairs as those of a database of this method; without `DATA=END` if some are missing.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub(crate) fn write_loose<'p>(
        &self,
        method: Method,
        duplicates: bool,
        pairs: impl Iterator<Item = (&'p [u8], &'p [u8])>,
        missing: u64,
        mut out: impl Write,
    ) -> Result<Summary, DumpError> {
        let mut summary = Summary { damaged: missing, ..Summary::default() };
        let more = if duplicates { "duplicates=1\n" } else { "" };
        let (format, kind) = (self.format.name(), method.name());
        let mut text = format!("VERSION=3\nformat={format}\ntype={kind}\n{more}HEADER=END\n").into_bytes();
        for (key, value) in pairs {
            for item in [key, value] {
                text.push(b' ');
                self.format.append(item, &mut text);
                text.push(b'\n');
            }
            summary.records = summary.records.saturating_add(1);
            if text.len() >= BUFFER {
                out.write_all(&text)?;
                text.clear();
            }
        }
        if missing == 0 {
            text.extend_from_slice(b"DATA=END\n");
        }
        out.write_all(&text)?;
        out.flush()?;
        Ok(summary)
    }
}

//! JSON, as all commands write it (docs/json.md): the envelope of a line, and the forms of what
//! several commands tell.

mod bytes;
mod content;
mod time;

pub(crate) use bytes::Bytes;
pub(crate) use content::{Content, fate};
pub(crate) use time::Time;

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Write};

use bdbkit::log::Tail;
use bdbkit::{Endianness, ShowName};
use serde::{Serialize, Serializer};

use crate::log::place::ending;

/// The version of the schema: keys may be added to it, and none is taken away or changed.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Line<'a, T> {
    schema: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    rest: &'a T,
}

/// Writes one object as one line: each says of which schema and type it is.
pub(crate) fn line(kind: &'static str, value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Line { schema: SCHEMA, kind, rest: value })?;
    out.write_all(b"\n")
}

/// A position in a log.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Lsn {
    file: u32,
    offset: u32,
}

impl From<bdbkit::Lsn> for Lsn {
    fn from(bdbkit::Lsn { file, offset }: bdbkit::Lsn) -> Lsn {
        Lsn { file, offset }
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bdbkit::Lsn { file: self.file, offset: self.offset }.fmt(f)
    }
}

/// The byte order of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order(pub(crate) Endianness);

impl Serialize for Order {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A name or a path of a file: whatever bytes it has can be told from it.
pub(crate) fn name(name: &(impl AsRef<OsStr> + ?Sized)) -> String {
    name.as_ref().shown().to_string()
}

pub(crate) fn names<N: AsRef<OsStr>>(names: impl IntoIterator<Item = N>) -> Vec<String> {
    names.into_iter().map(|one| name(&one)).collect()
}

/// A name that a file holds: of a database, mostly; in the same form.
pub(crate) fn raw_name(name: &[u8]) -> String {
    name.shown().to_string()
}

/// Where a log ends, and what stands there.
#[derive(Serialize)]
pub(crate) struct End {
    pub(crate) lsn: Lsn,
    clean: bool,
    pub(crate) message: String,
}

impl From<Tail> for End {
    fn from(tail: Tail) -> End {
        End { lsn: tail.lsn.into(), clean: tail.is_clean(), message: ending(tail) }
    }
}

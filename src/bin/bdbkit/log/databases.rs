//! Which records concern a database.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use bdbkit::Lsn;
use bdbkit::dump::escape;
use bdbkit::log::{Binding, FieldKind, Files, LogDir, Record};

/// A database as it was asked for.
#[derive(Clone)]
pub(crate) enum Database {
    /// Its number in the log at any time.
    Number(i32),
    /// Its name at any time.
    Name(String),
}

impl Database {
    pub(crate) fn parse(text: &str) -> Result<Database, String> {
        Ok(text.parse().map_or_else(|_| Database::Name(text.to_owned()), Database::Number))
    }
}

/// The databases asked for, in one log.
pub(crate) struct Databases<'l> {
    numbers: Vec<i32>,
    /// What numbers mean in this log; needed only for names.
    files: Option<Files<'l>>,
    /// Numbers that stand for one of the databases, and from where on.
    meant: BTreeSet<(i32, Lsn)>,
    /// All names of their files, also temporary ones.
    names: HashSet<&'l [u8]>,
}

impl<'l> Databases<'l> {
    /// Looks databases up in a log.
    ///
    /// # Errors
    ///
    /// The log does not know one of the names: a message that tells which it knows.
    pub(crate) fn of(log: &'l LogDir, asked: &[Database]) -> Result<Databases<'l>, String> {
        let mut found =
            Databases { numbers: Vec::new(), files: None, meant: BTreeSet::new(), names: HashSet::new() };
        for database in asked {
            match database {
                Database::Number(number) => found.numbers.push(*number),
                Database::Name(name) => {
                    let files = found.files.take().unwrap_or_else(|| log.files());
                    let known = found.bind(&files, name.as_bytes());
                    let others = (!known).then(|| unknown(&files, name));
                    found.files = Some(files);
                    others.map_or(Ok(()), Err)?;
                }
            }
        }
        Ok(found)
    }

    /// Takes in a name; says whether there is a database that had it.
    fn bind(&mut self, files: &Files<'l>, name: &[u8]) -> bool {
        let before = self.meant.len();
        for binding in files.named(name) {
            self.meant.insert((binding.number, binding.from));
        }
        self.names.extend(files.file_names(name));
        self.meant.len() > before
    }

    /// Whether a record concerns one of the databases: by its number, or by the name
    /// of its file.
    pub(crate) fn concern(&self, record: &Record<'_>) -> bool {
        record.fields().any(|field| match (field.layout().kind(), field.value()) {
            (FieldKind::FileId, value) => value.signed().is_some_and(|n| self.number(record.lsn(), n)),
            (FieldKind::Bytes, value) if field.name().ends_with("name") => {
                let name = value.bytes().map(|name| name.strip_suffix(&[0]).unwrap_or(name));
                name.is_some_and(|name| self.names.contains(name))
            }
            _ => false,
        })
    }

    fn number(&self, lsn: Lsn, number: i32) -> bool {
        let binding = self.files.as_ref().and_then(|files| files.at(lsn, number));
        self.numbers.contains(&number)
            || binding.is_some_and(|binding| self.meant.contains(&(number, binding.from)))
    }
}

/// What databases are called in text and JSON: each name is written once, however many
/// bindings have it.
pub(crate) struct Called<'l, 'f> {
    files: &'f Files<'l>,
    /// By where the parts of a name stand in the log.
    known: HashMap<[Option<(usize, usize)>; 2], Rc<str>>,
}

/// No name of a file is longer, in bytes: more of it is not shown.
const LONGEST: usize = 4096;

impl<'l, 'f> Called<'l, 'f> {
    pub(crate) fn of(files: &'f Files<'l>) -> Called<'l, 'f> {
        Called { files, known: HashMap::new() }
    }

    /// The name by which the database was known last: that of its file, with its own behind a
    /// slash if there are several in the file; empty for one without a file.
    pub(crate) fn name(&mut self, binding: &Binding<'l>) -> Rc<str> {
        let file = self.files.file_name(binding);
        let inner = self.files.inner_name(binding).filter(|_| file.is_some());
        let key = [file, inner].map(|name| name.map(|name| (name.as_ptr().addr(), name.len())));
        let shown = |name: &[u8]| match name.get(..LONGEST) {
            Some(head) if head.len() < name.len() => format!("{}…", escape(head)),
            _ => escape(name),
        };
        let write = || {
            let parts: Vec<String> = file.into_iter().chain(inner).map(shown).collect();
            Rc::from(parts.join("/"))
        };
        Rc::clone(self.known.entry(key).or_insert_with(write))
    }
}

/// So many names are told at most.
const TOLD: usize = 10;

/// Says that the log does not know a database, and which ones it knows.
pub(crate) fn unknown(files: &Files<'_>, name: &str) -> String {
    let mut called = Called::of(files);
    let last = files.bindings().map(|binding| called.name(binding));
    let names: BTreeSet<Rc<str>> = last.filter(|name| !name.is_empty()).collect();
    let more = if names.len() > TOLD { ", …" } else { "" };
    let names: Vec<&str> = names.iter().map(|name| &**name).take(TOLD).collect();
    if names.is_empty() {
        return format!("the log knows no database {name}, nor any other");
    }
    format!("the log knows no database {name}, but {}{more}", names.join(", "))
}

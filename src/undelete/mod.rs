//! What a database held at a moment: one key, those with a prefix, or all of it.
//!
//! ```
//! use bdbkit::dump::Writer;
//! use bdbkit::env::Layout;
//! use bdbkit::undelete::Undelete;
//!
//! let layout = Layout::of("testdata/mboxlist-ims60-log3-le");
//! let found = Undelete::new("folder.db").prefix("user/alice").find(&layout)?;
//! let loss = found.loss().expect("no moment was given");
//! println!("as it was before {}", loss.committed);
//! let mut text = Vec::new();
//! let summary = found.write(Writer::new().print(true), &mut text, |_| {})?;
//! assert!(summary.records > 0 && text.ends_with(b"DATA=END\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod loss;
mod replayed;
mod sight;

pub use loss::{Loss, LossKind};

use std::io::Write;

use self::replayed::Replayed;
use self::sight::Sight;
use crate::access::{Database, Entry, Pair};
use crate::dump::{Damage, DumpError, Summary, Writer};
use crate::env::Layout;
use crate::error::Error;
use crate::log::{Fate, Known, LogError, LogOptions, PairChange};
use crate::method::Method;
use crate::pages::OpenOptions;
use crate::recover::Until;
use crate::types::Lsn;

/// A question: what did a database hold at a moment?
///
/// It is answered from the database as a recovery to that moment would make it
/// ([`Recover::until`](crate::recover::Recover::until)), in memory; where that cannot be, from the
/// changes in the log alone, as far as they show keys and values.
#[derive(Clone, Debug)]
pub struct Undelete {
    database: Vec<u8>,
    keys: Keys,
    at: Option<Until>,
    log: LogOptions,
    files: OpenOptions<'static>,
}

/// Which keys are asked for.
#[derive(Clone, Debug)]
enum Keys {
    All,
    One(Vec<u8>),
    Prefix(Vec<u8>),
}

impl Keys {
    /// Whether a key is asked for, as far as the log shows it.
    fn has(&self, key: &Known<'_>) -> bool {
        match (self, key) {
            (Keys::All, _) => true,
            (Keys::One(wanted), Known::Bytes(key)) => **key == **wanted,
            (Keys::One(wanted), Known::Record(number)) => number_of(wanted) == Some(*number),
            (Keys::Prefix(prefix), Known::Bytes(key)) => key.starts_with(prefix),
            _ => false,
        }
    }

    fn prefix(&self) -> &[u8] {
        match self {
            Keys::All => &[],
            Keys::One(key) | Keys::Prefix(key) => key,
        }
    }
}

/// A record number, as it is written.
fn number_of(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Why it is not known what a database held.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UndeleteError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log knows no database of this name.
    #[error("the log knows no such database")]
    UnknownDatabase,
    /// Several databases have the name.
    #[error("several databases have this name: {0:?}")]
    SeveralDatabases(Vec<String>),
    /// No moment is given, and no change that counts took anything away of what is asked for.
    #[error(
        "nothing of it was deleted or replaced by a transaction that committed{}",
        if *.unknown > 0 { format!(", as far as the log shows ({unknown} changes without their key)") } else { String::new() }
    )]
    NothingLost {
        /// Changes of which the log does not show the key.
        unknown: u64,
    },
    /// The database cannot be brought to the moment, and the log does not show keys of such a one.
    #[error("{why}, and the log alone does not show the keys of a {} database", .method.name())]
    Unseen {
        /// Why it cannot be brought to the moment.
        why: String,
        /// Its access method.
        method: Method,
    },
}

impl Undelete {
    /// All of a database, by a name as [`Files::named`](crate::log::Files::named) takes it: that
    /// of its file, its own if there are several in the file, or both with a slash between them.
    #[must_use]
    pub fn new(database: impl Into<Vec<u8>>) -> Undelete {
        Undelete {
            database: database.into(),
            keys: Keys::All,
            at: None,
            log: LogOptions::new(),
            files: OpenOptions::new(),
        }
    }

    /// Only this key; of a database with record numbers, the number in decimal digits.
    #[must_use]
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Undelete {
        self.keys = Keys::One(key.into());
        self
    }

    /// Only keys that begin like this.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<Vec<u8>>) -> Undelete {
        self.keys = Keys::Prefix(prefix.into());
        self
    }

    /// At which moment. If nothing is said it is the last one before something of what is asked
    /// for was deleted or replaced, or the whole file removed: just before that transaction
    /// committed.
    #[must_use]
    pub fn at(mut self, moment: Until) -> Undelete {
        self.at = Some(moment);
        self
    }

    /// How the log is opened.
    #[must_use]
    pub fn log(mut self, options: LogOptions) -> Undelete {
        self.log = options;
        self
    }

    /// How databases are opened: encrypted ones with a password.
    #[must_use]
    pub fn files(mut self, options: OpenOptions<'static>) -> Undelete {
        self.files = options;
        self
    }

    /// Looks for what the database held. No file is changed.
    ///
    /// # Errors
    ///
    /// The log cannot be opened, or knows no such database; nothing of it was lost, and no moment
    /// is given; or neither recovery nor the log alone tells what it held then.
    pub fn find(&self, layout: &Layout) -> Result<Undeleted, UndeleteError> {
        let dir = self.log.open_dir(&layout.logs().path)?;
        let history = dir.history().database(self.database.clone()).read();
        let Some(binding) = history.databases().last() else { return Err(UndeleteError::UnknownDatabase) };
        let method = binding.access_method().unwrap_or(Method::Btree);
        let unknown = match self.keys {
            Keys::All => 0,
            _ => history.unknown_keys(),
        };
        let (moment, loss) = match self.at {
            Some(moment) => (moment, None),
            None => {
                let loss = loss::last(&dir, &history, &self.database, &self.keys);
                let loss = loss.ok_or(UndeleteError::NothingLost { unknown })?;
                (Until::Lsn(before(loss.committed)), Some(loss))
            }
        };
        // Recovery takes back transactions only.
        let stays = |change: &PairChange<'_>| {
            let outside = history.transaction(change).is_none();
            outside && self.keys.has(&change.key) && !counts(history.fate(change), moment)
        };
        let seen = match history.changes().find(|change| stays(change)) {
            Some(change) => Err(format!("{} is a change outside of transactions", change.lsn)),
            None => sight::at(self, layout, &history, moment)?,
        };
        let source = match seen {
            Ok(sight) => Source::Sight(Box::new(sight)),
            Err(why) if matches!(method, Method::Btree | Method::Hash) => {
                let changes = history.changes().filter(|change| self.keys.has(&change.key));
                let changes = changes.filter_map(|change| match history.fate(change) {
                    fate @ Fate::Committed { .. } => Some((change, counts(fate, moment))),
                    _ => None,
                });
                let damaged = u64::try_from(history.errors().len()).unwrap_or(u64::MAX);
                Source::Log(Replayed::of(changes, method, unknown.saturating_add(damaged)), why)
            }
            Err(why) => return Err(UndeleteError::Unseen { why, method }),
        };
        Ok(Undeleted { moment, loss, keys: self.keys.clone(), source })
    }
}

/// The last moment before a record.
fn before(lsn: Lsn) -> Lsn {
    match lsn.offset.checked_sub(1) {
        Some(offset) => Lsn { offset, ..lsn },
        None => Lsn { file: lsn.file.saturating_sub(1), offset: u32::MAX },
    }
}

/// Whether changes of this fate had been made for good at a moment.
fn counts(fate: Fate, moment: Until) -> bool {
    match (fate, moment) {
        (Fate::Committed { at, .. }, Until::Lsn(moment)) => at <= moment,
        (Fate::Committed { time: Some(time), .. }, Until::Time(moment)) => time <= moment,
        _ => false,
    }
}

/// What a database held at a moment.
#[derive(Debug)]
pub struct Undeleted {
    moment: Until,
    loss: Option<Loss>,
    keys: Keys,
    source: Source,
}

/// Where it is known from.
#[derive(Debug)]
enum Source {
    Sight(Box<Sight>),
    Log(Replayed, String),
}

impl Undeleted {
    /// The moment.
    #[must_use]
    pub fn moment(&self) -> Until {
        self.moment
    }

    /// The change just before which that is; `None` if a moment was given.
    #[must_use]
    pub fn loss(&self) -> Option<&Loss> {
        self.loss.as_ref()
    }

    /// Why it is known from the changes in the log only, if it is: then pairs may be missing that
    /// are older than the log and were not changed in it.
    #[must_use]
    pub fn from_log_alone(&self) -> Option<&str> {
        match &self.source {
            Source::Sight(_) => None,
            Source::Log(_, why) => Some(why),
        }
    }

    /// How many pairs, or changes of such, are missing of which the log does not show all that is
    /// needed; 0 if it is not known from the log only.
    #[must_use]
    pub fn missing(&self) -> u64 {
        match &self.source {
            Source::Sight(_) => 0,
            Source::Log(replayed, _) => replayed.missing(),
        }
    }

    /// Writes it in the form of `db_dump`. What is not whole gets no `DATA=END`.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn write(
        &self,
        writer: Writer,
        out: impl Write,
        damage: impl FnMut(Damage<'_>),
    ) -> Result<Summary, DumpError> {
        let sight = match &self.source {
            Source::Sight(sight) => sight,
            Source::Log(replayed, _) => return replayed.write(writer, out),
        };
        let numbered = matches!(self.keys, Keys::One(_));
        sight.with(|db| match (db, &self.keys) {
            (Ok(db), Keys::All) => writer.write(db, out, damage),
            (Ok(db), keys) => {
                let writer = if numbered { writer.record_numbers(true) } else { writer };
                writer.write_some(db, pairs(db, keys), out, damage)
            }
            (Err(error), _) => Err(error.into()),
        })
    }

    /// Gives each pair to somebody.
    ///
    /// # Errors
    ///
    /// What they say; damage is given to them.
    pub fn each<E>(
        &self,
        mut look: impl FnMut(Result<UndeletedPair<'_>, Error>) -> Result<(), E>,
    ) -> Result<(), E> {
        let sight = match &self.source {
            Source::Sight(sight) => sight,
            Source::Log(replayed, _) => {
                return replayed.all().try_for_each(|(key, value)| {
                    look(Ok(UndeletedPair { database: None, key, value, record: None }))
                });
            }
        };
        let mut give = |database: Option<&[u8]>, entry: Result<Entry<'_>, Error>| match entry {
            Ok(entry) => {
                let (key, value, record) = (entry.key(), entry.value(), entry.record_number());
                look(Ok(UndeletedPair { database, key, value, record }))
            }
            Err(error) => look(Err(error)),
        };
        sight.with(|db| {
            let db = match db {
                Ok(db) => db,
                Err(error) => return give(None, Err(error)),
            };
            if !db.is_directory() {
                let mut pairs = pairs(db, &self.keys);
                return pairs.try_for_each(|pair| give(None, pair.and_then(|pair| pair.read())));
            }
            for inner in db.subdatabases() {
                match inner {
                    Ok(inner) => {
                        let name = inner.name().to_vec();
                        inner.open().iter().try_for_each(|entry| give(Some(&name), entry))?;
                    }
                    Err(error) => give(None, Err(error))?,
                }
            }
            Ok(())
        })
    }
}

/// A pair that a database held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UndeletedPair<'p> {
    /// The name of its database, if all of a file with several are asked for.
    pub database: Option<&'p [u8]>,
    /// The key; empty where records have numbers or places.
    pub key: &'p [u8],
    /// The value.
    pub value: &'p [u8],
    /// The record number, where records have such.
    pub record: Option<u32>,
}

/// The pairs of a database that are asked for.
fn pairs<'d>(db: &'d Database<'_>, keys: &'d Keys) -> Box<dyn Iterator<Item = Result<Pair<'d>, Error>> + 'd> {
    let method = db.meta().method();
    let all = db.iter().pairs();
    match (keys, method) {
        (Keys::All, _) => Box::new(all),
        (Keys::One(key), Method::Btree | Method::Hash) => Box::new(db.duplicates(key).pairs()),
        (Keys::Prefix(prefix), Method::Btree) => Box::new(db.prefix(prefix).pairs()),
        (Keys::Prefix(prefix), Method::Hash) => Box::new(all.filter_map(move |pair| {
            let key = pair.and_then(|pair| Ok((pair.key().read()?.starts_with(prefix), pair)));
            match key {
                Ok((true, pair)) => Some(Ok(pair)),
                Ok((false, _)) => None,
                Err(error) => Some(Err(error)),
            }
        })),
        (keys, _) => {
            let number = number_of(keys.prefix());
            let is = move |pair: &Pair<'_>| number.is_some() && pair.record_number() == number;
            Box::new(all.filter(move |pair| pair.as_ref().map_or(true, is)))
        }
    }
}

//! What the arguments say about an upgrade.

use std::path::{Path, PathBuf};

use bdbkit::FileId;
use bdbkit::env::Layout;
use bdbkit::log::LogDir;
use bdbkit::upgrade::{Choices, Duplicates as How, NewId, Profile, RecordForm};

use super::Arguments;
use crate::hex::unhex;

/// Versions to upgrade to.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum To {
    #[value(name = "9")]
    V9,
    #[value(name = "8")]
    V8,
    #[value(name = "7")]
    V7,
}

/// How duplicates are taken, of all databases or of one.
#[derive(Clone, Debug)]
pub(crate) struct Duplicates {
    database: Option<Vec<u8>>,
    how: How,
}

/// An id for a file of version 6.
#[derive(Clone, Copy, Debug)]
pub(super) struct Id(NewId);

pub(crate) fn profile(name: &str) -> Result<Profile, String> {
    let found = Profile::ALL.iter().find(|profile| profile.name() == name);
    let names: Vec<_> = Profile::ALL.iter().map(|profile| profile.name()).collect();
    found.copied().ok_or_else(|| format!("one of {}", names.join(", ")))
}

pub(crate) fn duplicates(text: &str) -> Result<Duplicates, String> {
    let (database, how) = match text.rsplit_once('=') {
        Some((name, how)) => (Some(name.as_bytes().to_vec()), how),
        None => (None, text),
    };
    let how = match how {
        "no" => How::Unsorted,
        "yes" => How::Sorted,
        "auto" => How::Auto,
        "unchecked" => How::SortedUnchecked,
        _ => return Err("no, yes, auto or unchecked, perhaps with NAME= before".to_owned()),
    };
    Ok(Duplicates { database, how })
}

pub(super) fn id(text: &str) -> Result<Id, String> {
    if text == "keep" {
        return Ok(Id(NewId::Keep));
    }
    file_id(text).map(|id| Id(NewId::Given(id)))
}

/// A byte: a number, decimal or hexadecimal after 0x.
pub(super) fn byte(text: &str) -> Result<u8, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| "a number from 0 to 255, or from 0x00 to 0xff".to_owned())
}

/// 20 bytes as hexadecimal digits.
pub(crate) fn file_id(text: &str) -> Result<FileId, String> {
    let bytes = unhex(text.as_bytes())?;
    let id = bytes.try_into().map(FileId).map_err(|_| "an id has 20 bytes".to_owned())?;
    if id == FileId([0; 20]) {
        return Err("an id of zeros is no id: environments tell files apart by it".to_owned());
    }
    Ok(id)
}

/// The choices about duplicates, and no others.
pub(crate) fn choices(dupsort: &[Duplicates]) -> Choices {
    let general = dupsort.iter().rfind(|choice| choice.database.is_none());
    let named = |choice: &Duplicates| Some((choice.database.clone()?, choice.how));
    Choices {
        duplicates: general.map_or(How::default(), |choice| choice.how),
        duplicates_of: dupsort.iter().filter_map(named).collect(),
        ..Choices::default()
    }
}

impl Arguments {
    /// The home of the environment, if one was named that has logs.
    pub(super) fn home(&self) -> Option<PathBuf> {
        self.home.clone().or(self.genuine.home().filter(|home| has_logs(home)).map(Path::to_owned))
    }

    pub(super) fn choices(&self) -> Choices {
        let by_version = match self.to {
            To::V9 => Profile::V9,
            To::V8 => Profile::V8,
            To::V7 => Profile::V7,
        };
        let duplicates = choices(&self.dupsort);
        Choices {
            duplicates: if self.sorted { How::Sorted } else { duplicates.duplicates },
            profile: self.profile.unwrap_or(by_version),
            id: self.uid.map_or(NewId::default(), |Id(id)| id),
            records: self.re_len.map(|length| RecordForm { length, pad: self.re_pad }),
            reset_lsn: self.reset_lsn,
            leave_unreachable: self.leave_unreachable,
            lazy: self.lazy,
            keep_hash: self.keep_hash,
            ..duplicates
        }
    }
}

/// Whether an environment has logs: db_upgrade takes a home without any.
fn has_logs(home: &Path) -> bool {
    LogDir::open(&Layout::of(home).logs().path).is_ok()
}

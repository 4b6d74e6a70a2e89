//! Parts of a store that are in other places, so that its folder tells less than everything
//! (mboxlist, "Files in mboxlist").

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::{Form, Other};
use crate::env::{Config, LOGS, LONGEST};
use crate::mboxlist::classify::Class;
use crate::shown::ShowName;

/// Settings of `DB_CONFIG` that put databases elsewhere.
const DATABASES: [&str; 4] = ["set_data_dir", "add_data_dir", "set_create_dir", "DB_DATA_DIR"];
/// Settings that put temporary files elsewhere.
const TEMPORARY: [&str; 2] = ["set_tmp_dir", "DB_TMP_DIR"];

/// What is not in the folder, or not read.
#[derive(Clone, Debug, Default)]
pub(super) struct Elsewhere {
    /// What shows that logs are elsewhere.
    pub(super) logs: Option<String>,
    /// What shows that databases are elsewhere.
    pub(super) databases: Option<String>,
    /// Settings that put something elsewhere, as they stand in `DB_CONFIG`.
    pub(super) settings: Vec<String>,
    /// Why `DB_CONFIG` was not read.
    pub(super) unread: Option<String>,
}

impl Elsewhere {
    pub(super) fn of(dir: &Path, others: &[Other], has_logs: bool) -> Elsewhere {
        let mut found = Elsewhere::default();
        for other in others {
            let link = || format!("{} is a symbolic link or special file, not opened", other.name.shown());
            match (other.class, other.form) {
                (Class::Config, Form::File) => found.config(dir, &other.name),
                (Class::Config, Form::Special) => found.logs = Some(link()),
                (Class::Log, Form::Special) => found.logs = Some(link()),
                (Class::Database, Form::Special) => found.databases = Some(link()),
                (Class::EarlyLog, Form::File | Form::Special) if !has_logs => {
                    found.logs =
                        Some(format!("{} is a log of the first naming scheme, not read", other.name.shown()));
                }
                _ => {}
            }
        }
        found
    }

    fn config(&mut self, dir: &Path, name: &OsStr) {
        let name = name.shown();
        let config = match Config::of(dir) {
            Ok(Config { cut: true, .. }) => Err(format!("longer than {LONGEST} bytes")),
            Ok(Config { failed: Some(error), .. }) | Err(error) => Err(format!("cannot be read: {error}")),
            Ok(config) => Ok(config),
        };
        let config = match config {
            Ok(config) => config,
            Err(why) => {
                self.logs = Some(format!("{name}: {why}"));
                self.unread = Some(why);
                return;
            }
        };
        for (line, key, value) in config.settings() {
            let is = |keys: &[&str]| keys.contains(&key);
            if !(is(&LOGS) || is(&DATABASES) || is(&TEMPORARY)) || here(dir, value) {
                continue;
            }
            if is(&LOGS) {
                self.logs = Some(format!("{name} puts the logs elsewhere ({line})"));
            } else if is(&DATABASES) {
                self.databases = Some(format!("{name} puts databases elsewhere ({line})"));
            }
            self.settings.push(line.to_owned());
        }
    }

    /// Whether all parts are in the folder, and were read.
    pub(super) fn is_nothing(&self) -> bool {
        self.reason().is_none() && self.settings.is_empty() && self.unread.is_none()
    }

    /// Why nothing can be concluded from what is in the folder.
    pub(super) fn reason(&self) -> Option<&str> {
        self.logs.as_deref().or(self.databases.as_deref())
    }
}

/// Whether a setting names the folder itself.
fn here(dir: &Path, value: &str) -> bool {
    let same = |other: &Path| {
        fs::canonicalize(other).is_ok_and(|other| fs::canonicalize(dir).is_ok_and(|dir| dir == other))
    };
    !value.is_empty() && same(&dir.join(value))
}

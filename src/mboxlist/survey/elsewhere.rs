//! Parts of a store that are in other places, so that its folder tells less than everything
//! (mboxlist, "Files in mboxlist").

use std::ffi::OsStr;

use super::listing::{Other, OtherForm};
use crate::env::Layout;
use crate::mboxlist::classify::Class;
use crate::shown::ShowName;

/// What is not in the folder, or not read.
#[derive(Clone, Debug, Default)]
pub(super) struct Elsewhere {
    /// Why logs may be where they were not looked for.
    pub(super) logs: Option<String>,
    /// Why databases may be where they were not looked for.
    pub(super) databases: Option<String>,
    /// Folders that could not be looked into, and why.
    pub(super) folders: Vec<String>,
    /// Why `DB_CONFIG` was not read.
    pub(super) unread: Option<String>,
}

impl Elsewhere {
    pub(super) fn of(layout: &Layout, others: &[Other], has_logs: bool) -> Elsewhere {
        let mut found = Elsewhere { unread: layout.unread().map(str::to_owned), ..Elsewhere::default() };
        found.logs.clone_from(&found.unread);
        for other in others {
            let is = |what: &str| format!("{} is {what}", other.name.shown());
            let link = || is("a symbolic link or special file, not opened");
            match (other.class, other.form) {
                (Class::Config | Class::Log, OtherForm::Special) => found.logs = Some(link()),
                (Class::Database, OtherForm::Special) => found.databases = Some(link()),
                (Class::EarlyLog, OtherForm::File | OtherForm::Special) if !has_logs => {
                    found.logs = Some(is("a log of the first naming scheme, not read"));
                }
                _ => {}
            }
        }
        found
    }

    /// Whether all parts were found and read.
    pub(super) fn is_nothing(&self) -> bool {
        self.reason().is_none() && self.folders.is_empty() && self.unread.is_none()
    }

    /// Why nothing can be concluded from what was read.
    pub(super) fn reason(&self) -> Option<&str> {
        self.logs.as_deref().or(self.databases.as_deref())
    }
}

/// Whether the configuration is no regular file, and is not followed.
pub(super) fn is_linked_config(others: &[Other]) -> bool {
    others.iter().any(|other| other.name == OsStr::new("DB_CONFIG") && other.form == OtherForm::Special)
}

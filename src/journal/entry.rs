//! What stands under a name, and whether it may be believed.

use super::disk::Identity;

/// What stands under a name; a symbolic link is one, whatever it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileEntry {
    /// What it is.
    pub kind: EntryKind,
    /// Which file it is, whatever its name.
    pub identity: Identity,
    /// How many names it has.
    pub links: u64,
    /// The number of the user to whom it belongs.
    pub owner: u32,
    /// Its permissions: the lowest nine bits of its mode.
    pub mode: u32,
    /// Its length in bytes.
    pub size: u64,
    /// When content, owner, permissions or names were last changed: seconds and nanoseconds.
    pub changed: (i64, i64),
}

/// What kind of thing stands under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A pipe, a socket or a device.
    Special,
}

impl EntryKind {
    /// In words, with the article.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EntryKind::File => "a file",
            EntryKind::Folder => "a folder",
            EntryKind::Link => "a symbolic link",
            EntryKind::Special => "a pipe, a socket or a device",
        }
    }
}

impl FileEntry {
    /// What stands there.
    #[must_use]
    pub fn new(kind: EntryKind, identity: Identity) -> FileEntry {
        FileEntry { kind, identity, links: 1, owner: 0, mode: 0o600, size: 0, changed: (0, 0) }
    }

    /// Why it is not a file that a user, or the superuser, made for itself alone: not a regular
    /// file with one name, or somebody else's, or one that others may change. `None` if it is.
    #[must_use]
    pub fn file_not_of(&self, user: u32) -> Option<&'static str> {
        match self.kind {
            EntryKind::File if self.links > 1 => Some("a file with a second name"),
            EntryKind::File => self.not_of(user),
            kind => Some(kind.name()),
        }
    }

    /// The same of a folder.
    #[must_use]
    pub fn folder_not_of(&self, user: u32) -> Option<&'static str> {
        match self.kind {
            EntryKind::Folder => self.not_of(user),
            kind => Some(kind.name()),
        }
    }

    fn not_of(&self, user: u32) -> Option<&'static str> {
        if self.owner != user && self.owner != 0 {
            Some("it belongs to another user")
        } else if self.mode & 0o022 != 0 {
            Some("others may change it")
        } else {
            None
        }
    }
}

//! Where an environment keeps its files (recovery, "Names").

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::config::{Config, DATABASES, EXTERNAL, LOGS, LONGEST};
use crate::shown::ShowName;

/// Where an environment keeps its logs and its databases: in its home, in the folders that its
/// `DB_CONFIG` names, or in those that were named by hand.
///
/// Nothing of what a configuration names is opened here. A folder [outside](Folder::outside)
/// of the home is for reading only: whoever wrote the configuration may not be the one who runs
/// this program. Nothing is to be [written](Folder::writable) there unless it was named by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    home: PathBuf,
    logs: Folder,
    data: Vec<Folder>,
    external: Option<Folder>,
    unread: Option<String>,
}

/// A folder of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Folder {
    /// The folder, as it was named; the home before it if that is relative to the home.
    pub path: PathBuf,
    /// What named it.
    pub origin: FolderOrigin,
    /// Whether it is another one than the home, and not inside it.
    pub outside: bool,
}

/// What names a folder of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FolderOrigin {
    /// It is the home.
    Home,
    /// This line of `DB_CONFIG`.
    Config(String),
    /// Whoever asks.
    Named,
}

impl Layout {
    /// The environment with this home, by its `DB_CONFIG` if there is one: `set_lg_dir` and
    /// `set_data_dir`, also as `add_data_dir`, `DB_LOG_DIR` and `DB_DATA_DIR`; `set_ext_file_dir`, also as
    /// `set_blob_dir`.
    #[must_use]
    pub fn of(home: impl AsRef<Path>) -> Layout {
        let home = match home.as_ref() {
            empty if empty == Path::new("") => Path::new("."),
            home => home,
        };
        let mut layout = Layout {
            home: home.to_owned(),
            logs: Folder::home(home),
            data: Vec::new(),
            external: None,
            unread: None,
        };
        let config = match Config::of(home) {
            Ok(config) => config,
            Err(error) if error.kind() == ErrorKind::NotFound => return layout,
            Err(error) => {
                layout.unread = Some(format!("DB_CONFIG cannot be read: {error}"));
                return layout;
            }
        };
        if config.cut {
            layout.unread =
                Some(format!("DB_CONFIG is longer than {LONGEST} bytes: only its start was read"));
        }
        if let Some(error) = &config.failed {
            layout.unread = Some(format!("DB_CONFIG cannot be read: {error}"));
        }
        for (line, name, value) in config.settings().filter(|(_, _, value)| !value.is_empty()) {
            let folder = || Folder::of(home, Path::new(value), FolderOrigin::Config(line.to_owned()));
            if LOGS.contains(&name) {
                layout.logs = folder();
            } else if DATABASES.contains(&name) {
                layout.data.push(folder());
            } else if EXTERNAL.contains(&name) {
                layout.external = Some(folder());
            }
        }
        layout
    }

    /// The environment whose home is the folder of a file.
    #[must_use]
    pub fn beside(file: impl AsRef<Path>) -> Layout {
        Layout::of(file.as_ref().parent().unwrap_or(Path::new("")))
    }

    /// The log is in this folder, whatever the configuration says.
    #[must_use]
    pub fn log_dir(mut self, folder: impl AsRef<Path>) -> Layout {
        self.logs = Folder::named(&self.home, folder.as_ref());
        self
    }

    /// Databases are in these folders and in the home, whatever the configuration says.
    #[must_use]
    pub fn data_dirs(mut self, folders: impl IntoIterator<Item = impl AsRef<Path>>) -> Layout {
        self.data = folders.into_iter().map(|folder| Folder::named(&self.home, folder.as_ref())).collect();
        self
    }

    /// The home.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The folder of the log files.
    #[must_use]
    pub fn logs(&self) -> &Folder {
        &self.logs
    }

    /// The folders of databases, in the order in which a database is looked for: the home is
    /// the last. Each once.
    #[must_use]
    pub fn data(&self) -> Vec<Folder> {
        let mut all: Vec<Folder> = Vec::new();
        for folder in self.data.iter().cloned().chain([Folder::home(&self.home)]) {
            if !all.iter().any(|known| same(&known.path, &folder.path)) {
                all.push(folder);
            }
        }
        all
    }

    /// The folder of external files, if the configuration names one; otherwise it is `__db_bl` in the
    /// home. For [`OpenOptions::external_dir`](crate::OpenOptions::external_dir).
    #[must_use]
    pub fn external(&self) -> Option<&Folder> {
        self.external.as_ref()
    }

    /// The folders that are not the home, those of the logs first.
    pub fn elsewhere(&self) -> impl Iterator<Item = &Folder> {
        let all = std::iter::once(&self.logs).chain(&self.data);
        all.filter(|folder| !same(&folder.path, &self.home))
    }

    /// Why `DB_CONFIG`, or a part of it, was not read.
    #[must_use]
    pub fn unread(&self) -> Option<&str> {
        self.unread.as_deref()
    }

    /// The file that a log means by a name: in the first of the [folders](Layout::data) in
    /// which it exists. A name that leads out of them is followed nowhere.
    #[must_use]
    pub fn find(&self, name: &Path) -> Option<PathBuf> {
        find(&self.data(), name)
    }
}

/// The folders of databases of an environment, asked of the file system once.
#[derive(Clone, Debug)]
pub(crate) struct DataFolders {
    folders: Vec<Folder>,
    /// Their paths through all links.
    real: Vec<PathBuf>,
}

impl DataFolders {
    pub(crate) fn of(layout: &Layout) -> DataFolders {
        let folders = layout.data();
        let real = folders.iter().filter_map(|folder| fs::canonicalize(&folder.path).ok()).collect();
        DataFolders { folders, real }
    }

    /// As [`Layout::data`].
    pub(crate) fn all(&self) -> &[Folder] {
        &self.folders
    }

    /// As [`Layout::find`].
    pub(crate) fn find(&self, name: &Path) -> Option<PathBuf> {
        find(&self.folders, name)
    }

    /// The name of a path in one of the folders; that path goes through all links.
    pub(crate) fn name_of<'p>(&self, real: &'p Path) -> Option<&'p Path> {
        self.real.iter().find_map(|folder| real.strip_prefix(folder).ok())
    }
}

fn find(folders: &[Folder], name: &Path) -> Option<PathBuf> {
    if !name.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return None;
    }
    folders.iter().map(|folder| folder.path.join(name)).find(|path| path.is_file())
}

impl Folder {
    fn home(home: &Path) -> Folder {
        Folder { path: home.to_owned(), origin: FolderOrigin::Home, outside: false }
    }

    fn of(home: &Path, folder: &Path, origin: FolderOrigin) -> Folder {
        let path = home.join(folder);
        let inside = match (fs::canonicalize(home), fs::canonicalize(&path)) {
            (Ok(home), Ok(path)) => path.starts_with(home),
            // What is not there is only a name.
            _ => folder.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)),
        };
        Folder { path, origin, outside: !inside }
    }

    fn named(home: &Path, folder: &Path) -> Folder {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Folder::of(home, &folder, FolderOrigin::Named)
    }

    /// Whether something may be written there: in the home, in a folder inside it, and in what
    /// was named by hand.
    #[must_use]
    pub fn writable(&self) -> bool {
        !self.outside || self.origin == FolderOrigin::Named
    }
}

impl fmt::Display for Folder {
    /// The folder, and why it was taken.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.shown())?;
        match &self.origin {
            FolderOrigin::Home | FolderOrigin::Named => Ok(()),
            FolderOrigin::Config(line) => {
                let outside = if self.outside { ", outside of the home: only read" } else { "" };
                write!(f, " (DB_CONFIG: {}{outside})", line.shown())
            }
        }
    }
}

/// Whether two paths are the same folder.
fn same(one: &Path, other: &Path) -> bool {
    one == other
        || fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(config: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("DB_CONFIG"), config).unwrap();
        for folder in ["logs", "d1", "d2"] {
            fs::create_dir(home.path().join(folder)).unwrap();
        }
        home
    }

    #[test]
    fn a_configuration_names_folders_in_either_form() {
        for config in [
            "# comment\nset_lg_dir logs\nset_data_dir d1\nadd_data_dir d2\nset_flags DB_LOG_AUTOREMOVE\n",
            "  DB_LOG_DIR\tother\r\nDB_LOG_DIR logs\r\nDB_DATA_DIR d1\r\nDB_DATA_DIR d2",
        ] {
            let home = home(config);
            let layout = Layout::of(home.path());
            assert_eq!(layout.logs().path, home.path().join("logs"));
            assert!(!layout.logs().outside && layout.logs().writable());
            let data: Vec<PathBuf> = layout.data().into_iter().map(|folder| folder.path).collect();
            assert_eq!(data, [home.path().join("d1"), home.path().join("d2"), home.path().to_owned()]);
            assert_eq!(layout.elsewhere().count(), 3);
        }
    }

    #[test]
    fn what_leads_out_of_the_home_is_not_written_to_unless_it_was_named() {
        let other = tempfile::tempdir().unwrap();
        let config = format!("set_lg_dir {}\nset_data_dir ../x\n", other.path().to_str().unwrap());
        let home = home(&config);
        let layout = Layout::of(home.path());
        assert!(layout.logs().outside && !layout.logs().writable());
        assert!(layout.data()[0].outside && !layout.data()[0].writable());
        assert!(layout.logs().to_string().contains("outside of the home"));
        let named = layout.log_dir(other.path()).data_dirs([other.path()]);
        assert!(named.logs().outside && named.logs().writable());
        assert_eq!(named.data().len(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_home_is_outside() {
        let other = tempfile::tempdir().unwrap();
        let home = home("set_lg_dir link\n");
        std::os::unix::fs::symlink(other.path(), home.path().join("link")).unwrap();
        assert!(!Layout::of(home.path()).logs().writable());
    }

    #[test]
    fn a_database_is_found_where_the_environment_looks_first() {
        let home = home("set_data_dir d1\nset_data_dir d2\n");
        let layout = Layout::of(home.path());
        assert_eq!(layout.find(Path::new("a.db")), None);
        for folder in ["", "d2", "d1"] {
            let path = home.path().join(folder).join("a.db");
            fs::write(&path, b"").unwrap();
            assert_eq!(layout.find(Path::new("a.db")), Some(path));
        }
        fs::write(home.path().join("d1/out.db"), b"").unwrap();
        for name in ["../d1/out.db", "/d1/out.db", "d2/../d1/out.db"] {
            assert_eq!(layout.find(Path::new(name)), None, "{name}");
        }
    }

    #[test]
    fn a_configuration_names_the_folder_of_external_files() {
        for line in ["set_ext_file_dir d1", "set_blob_dir d1"] {
            let home = home(line);
            let layout = Layout::of(home.path());
            assert_eq!(layout.external().map(|folder| folder.path.clone()), Some(home.path().join("d1")));
        }
        assert_eq!(Layout::of(home("set_data_dir d1").path()).external(), None);
    }

    #[test]
    fn a_configuration_that_is_too_long_says_so() {
        let home = home(&"# nothing\n".repeat(7000));
        assert!(Layout::of(home.path()).unread().is_some_and(|why| why.contains("longer than 65536 bytes")));
        assert_eq!(Layout::of(home.path().join("logs")).unread(), None);
    }
}

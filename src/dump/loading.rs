//! How to load what was salvaged.

use std::fmt;

use crate::method::Method;
use crate::salvage::{Name, Owner, SalvageReport, SalvagedFile};

/// The command with which `db_load` reads what [`Writer::write_salvaged`](super::Writer) wrote of
/// a file, so that no pair replaces another that should stay.
///
/// ```
/// use bdbkit::{dump::Loading, salvage::Salvage};
///
/// let salvage = Salvage::open("testdata/btree-v6-be-one/data.db")?;
/// let survey = salvage.survey()?;
/// let mut records = survey.records();
/// records.by_ref().for_each(drop);
/// assert_eq!(Loading::of(&survey, records.report()).to_string(), "db_load -n NEW.db");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loading {
    /// Every pair is added: keys may come twice, or records have numbers, or there are several
    /// databases. With `-n`, of duplicates only the first would be loaded.
    All,
    /// Keys come once, and a second pair with a key is an old copy: the first one stays.
    First,
    /// Keys come once, but there are values whose key is lost, all under one placeholder.
    Keyless,
    /// The same, where the header says what excludes duplicates, or there are several databases.
    KeylessOfAll,
}

impl Loading {
    /// What fits a file, after all its records were written.
    #[must_use]
    pub fn of(survey: &SalvagedFile<'_>, report: &SalvageReport) -> Loading {
        let owners = survey.databases();
        let single = |owner: &Owner| owner.method() != Method::Recno && !repeats(owner, survey.deleted());
        let excludes = |owner: &Owner| owner.flags().is_some_and(|f| f.record_numbers() || f.compressed());
        match owners {
            _ if !owners.iter().any(single) => Loading::All,
            [owner] if *owner.name() == Name::Only => match report.keyless {
                0 => Loading::First,
                _ if excludes(owner) => Loading::KeylessOfAll,
                _ => Loading::Keyless,
            },
            _ if report.keyless > 0 => Loading::KeylessOfAll,
            _ => Loading::All,
        }
    }

    /// What the command keeps, in a few words.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Loading::All => "without -n, which would keep only the first of duplicates",
            Loading::First => "of two pairs with one key the first stays",
            Loading::Keyless | Loading::KeylessOfAll => "or of the values without a key one would be left",
        }
    }
}

impl fmt::Display for Loading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Loading::All => "db_load NEW.db",
            Loading::First => "db_load -n NEW.db",
            Loading::Keyless => "db_load -c duplicates=1 NEW.db",
            Loading::KeylessOfAll => {
                "sed '/^recnum=1$/d; /^compressed=1$/d; /^type=[bh]/a duplicates=1' | db_load NEW.db"
            }
        })
    }
}

/// Whether the header of a database allows duplicates: it has some, or its keys may come twice,
/// because its flags are unknown or what was deleted is written too.
pub(super) fn repeats(owner: &Owner, deleted: bool) -> bool {
    deleted || owner.flags().is_none_or(|flags| flags.duplicates())
}

//! What the form of an earlier release cannot hold. Whatever of it is in a file is told before
//! anything is written, with what to do instead.

use super::choices::{DowngradeChoices, DowngradeTo};
use crate::access::{Database, Part};
use crate::edit::{Refusal, Result};
use crate::format::meta::{Field, at};
use crate::meta::{Buckets, Meta};
use crate::method::{Feature, Method};
use crate::order::Endianness;
use crate::types::PageNo;
use crate::upgrade::{Databases, Known};

const LOAD: &str = "dump it and load the dump with the earlier release";
const DECRYPT: &str = "dump it with its password, and load the dump with the earlier release";
const SPLIT: &str = "dump each database, and load it into a file of its own";
const OTHER_METHOD: &str = "dump it and load the dump into another access method";

/// Refuses a file with anything that the releases do not know.
pub(super) fn check(file: &Database<'_>, databases: &Databases, choices: &DowngradeChoices) -> Result<()> {
    let meta = file.meta();
    if meta.flags().several_databases() {
        let of = Condition { to: choices.to, name: None, meta };
        match choices.to {
            DowngradeTo::V6 => of.refuse(Field::Flags, "several databases", SPLIT)?,
            DowngradeTo::V7 if choices.machine.is_none() => {
                return Err(Refusal::ListOrder { page: meta.page() }.into());
            }
            _ => {}
        }
    }
    for known in databases.all() {
        let of = Condition { to: choices.to, name: known.name(), meta: known.meta() };
        of.check(choices.machine)?;
    }
    if databases.all().any(|known| known.meta().generation().has_externals()) {
        externals(file, databases, choices.to)?;
    }
    Ok(())
}

/// Why a whole file is refused for what it is, before it is opened.
pub(super) fn of_feature(feature: Feature, to: DowngradeTo) -> Option<Refusal> {
    let (offset, what, instead) = match feature {
        Feature::Encrypted => (at::ENCRYPTION, "encryption of this file", DECRYPT),
        Feature::Partitioned => (at::METAFLAGS, "partitions of this file", LOAD),
        _ => return None,
    };
    let (database, page, releases) = (None, PageNo::META, to.releases());
    Some(Refusal::Older { database, page, offset, what, releases, instead })
}

/// One of the databases of a file, and who is to read it.
struct Condition<'c> {
    to: DowngradeTo,
    name: Option<&'c [u8]>,
    meta: &'c Meta,
}

impl Condition<'_> {
    fn check(&self, machine: Option<Endianness>) -> Result<()> {
        let Condition { to, meta, .. } = *self;
        let method = meta.method();
        let Some(version) = to.version_of(method) else {
            return self.refuse(Field::Magic, method.name(), OTHER_METHOD);
        };
        if meta.external_folder().is_some() {
            return self.refuse(Field::FileLow, "a folder of external files", LOAD);
        }
        if !to.has_checksums() && meta.checksummed() {
            return self.refuse(Field::Metaflags, "checksums", LOAD);
        }
        if !to.has_checksums() && meta.flags().compressed() {
            return self.refuse(Field::Flags, "compressed pairs", LOAD);
        }
        // In version 1 the pages of a HEAP are in the order of the machine.
        let foreign = machine.unwrap_or(Endianness::NATIVE) != meta.endianness();
        if method == Method::Heap && meta.version() > version && foreign {
            return self.refuse(Field::Magic, "a HEAP in the byte order of another machine", LOAD);
        }
        match (meta.buckets(), meta.queue()) {
            (Some(buckets), _) if to == DowngradeTo::V6 => self.groups(buckets),
            (_, Some(_)) if to == DowngradeTo::V7 => self.queue(),
            _ => Ok(()),
        }
    }

    /// Release 2 counts overflow pages between the doublings of a table: these cannot be out of order.
    fn groups(&self, buckets: &Buckets) -> Result<()> {
        let used = Buckets::doubling(buckets.high_mask).saturating_add(1);
        let spares = buckets.spares.get(..used).unwrap_or(&buckets.spares);
        if spares.first() == Some(&1) && spares.is_sorted() {
            return Ok(());
        }
        self.refuse(Field::Spares, "buckets that are not in the order of their numbers", LOAD)
    }

    fn queue(&self) -> Result<()> {
        if self.meta.extent_pages().is_some() {
            return self.refuse(Field::PageExt, "records in extents", LOAD);
        }
        let sound = self.meta.record_range().is_some_and(|(first, next)| first >= 1 && first <= next);
        if sound { Ok(()) } else { self.refuse(Field::CurRecno, "record numbers that began anew", LOAD) }
    }

    fn refuse(&self, field: Field, what: &'static str, instead: &'static str) -> Result<()> {
        Err(Refusal::Older {
            database: self.name.map(<[u8]>::to_vec),
            page: self.meta.page(),
            offset: self.meta.at(field),
            what,
            releases: self.to.releases(),
            instead,
        }
        .into())
    }
}

/// Refuses values in external files: an item that stands for one is none to earlier releases.
fn externals(file: &Database<'_>, databases: &Databases, to: DowngradeTo) -> Result<()> {
    // Files of 6.0.19 and 6.0.20 have them, and the version of 5.3.
    let due = |known: &Known| to.version_of(known.meta().method()) < Some(known.meta().version());
    if !databases.all().any(due) {
        return Ok(());
    }
    file.walk_databases(|part| match part {
        Part::Database(database, pairs) => pairs.each(|pair| match pair {
            Ok(pair) if pair.value_item().external().is_some() => {
                let of = Condition { to, name: database.name(), meta: database.meta() };
                of.refuse(Field::FileLow, "values in external files", LOAD)
            }
            // Whether all can be read was checked, or is before anything is written.
            Ok(_) | Err(_) => Ok(()),
        }),
        Part::Damage(_) => Ok(()),
    })
}

//! What differs between two databases, or two files of several: keys that only one of them has, and
//! values that differ.
//!
//! - `difference`, `error`: what is told
//! - `walk`: two databases, key by key; `values`: the values of a key as a multiset

mod difference;
mod error;
mod values;
mod walk;

use std::collections::{BTreeMap, VecDeque};
use std::iter::FusedIterator;
use std::sync::Arc;

pub use difference::{DiffKey, Difference, Side};
pub use error::DiffError;

use crate::access::Database;
use walk::Walk;

/// What differs between two databases, or between the databases of two files of several, by name: in
/// the order of their keys, where keys have one.
///
/// Of each key the values count, however often each of them is there, and their order does not. Pages,
/// byte order, version, flags and the method of access do not count either, as far as what is kept is of
/// one kind: keys (BTREE, HASH), numbers (RECNO, QUEUE), places (HEAP). Keys of two BTREE are compared as
/// they come, in memory for two of them; of others each is looked up on the other side.
///
/// ```
/// use bdbkit::Database;
/// use bdbkit::diff::Diff;
///
/// let old = Database::open("testdata/btree-v6-be-few/data.db")?;
/// assert_eq!(Diff::new(&old, &old).count(), 0);
/// let new = Database::open("testdata/btree-v9-le-one/data.db")?;
/// for difference in Diff::new(&old, &new) {
///     println!("{:?}", difference?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Damage on one side is an error where it is met, and what lies behind it is compared all the same: keys
/// on damaged pages are then told as missing.
#[derive(Debug)]
pub struct Diff<'a> {
    ahead: VecDeque<Job<'a>>,
    walk: Option<Walk<'a>>,
}

/// What is left to do.
#[derive(Debug)]
enum Job<'a> {
    Tell(Result<Difference, DiffError>),
    Compare(Option<Arc<[u8]>>, Box<[Database<'a>; 2]>),
}

impl<'a> Diff<'a> {
    /// The differences between two databases or files.
    #[must_use]
    pub fn new(old: &Database<'a>, new: &Database<'a>) -> Diff<'a> {
        let ahead = match [old, new].map(Database::is_directory) {
            [true, true] => by_name(old, new),
            [false, false] => [Job::Compare(None, Box::new([old.clone(), new.clone()]))].into(),
            [in_old, _] => {
                let side = if in_old { Side::Old } else { Side::New };
                [Job::Tell(Err(DiffError::Several { side }))].into()
            }
        };
        Diff { ahead, walk: None }
    }
}

/// The databases of two files: those of one name are compared.
fn by_name<'a>(old: &Database<'a>, new: &Database<'a>) -> VecDeque<Job<'a>> {
    let mut named: BTreeMap<Vec<u8>, [Option<Database<'a>>; 2]> = BTreeMap::new();
    let mut ahead = VecDeque::new();
    for (file, side) in [(old, Side::Old), (new, Side::New)] {
        for found in file.subdatabases() {
            match found {
                Ok(found) => {
                    let both = named.entry(found.name().to_vec()).or_default();
                    let [in_old, in_new] = both;
                    *(if side == Side::Old { in_old } else { in_new }) = Some(found.open());
                }
                Err(cause) => ahead.push_back(Job::Tell(Err(DiffError::Read { side, cause }))),
            }
        }
    }
    for (name, both) in named {
        ahead.push_back(match both {
            [Some(old), Some(new)] => Job::Compare(Some(name.into()), Box::new([old, new])),
            [in_old, _] => {
                let side = if in_old.is_some() { Side::Old } else { Side::New };
                Job::Tell(Ok(Difference::Database { name: name.into(), side }))
            }
        });
    }
    ahead
}

impl Iterator for Diff<'_> {
    type Item = Result<Difference, DiffError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = self.walk.as_mut().and_then(Iterator::next) {
                return Some(found);
            }
            self.walk = None;
            match self.ahead.pop_front()? {
                Job::Tell(told) => return Some(told),
                Job::Compare(name, both) => match Walk::new(name, *both) {
                    Ok(walk) => self.walk = Some(walk),
                    Err(error) => return Some(Err(error)),
                },
            }
        }
    }
}

impl FusedIterator for Diff<'_> {}

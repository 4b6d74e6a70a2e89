//! The sealed plan of a restore: all that a later run believes.
//!
//! ```text
//! 0   BDBKRST1
//! 8   id of the restore
//! 16  state: 1 staging, 2 moving, 3 placing, 4 done
//! 17  device and inode of: the folder, the stage, the folder of what moves aside, that of the
//!     region files; zeros where there is none, or none yet
//! 81  the path of the folder of what moves aside, and of that of the region files
//!     what moves aside; what is placed; the names of what was left out
//!     CRC-32 of all before
//! ```
//!
//! Everything is little-endian. A path or a name is its length (32 bits) and its bytes, a list
//! the number (32 bits) of what is in it. What moves or is placed is its name, its place (1 the
//! folder, 2 that of the region files), and by what it is known: 1 and its device and inode, or 2
//! and its owner (32 bits), its length (64 bits) and the SHA-256 of its bytes.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use nom::bytes::complete::{tag, take};
use nom::combinator::all_consuming;
use nom::multi::{length_count, length_data};
use nom::number::complete::{le_u8, le_u32, le_u64};
use nom::{IResult, Parser};

use super::names::{MARK, STAGE, STAYS, is_own, region};
use crate::file_name;
use crate::journal::Identity;
use crate::mboxlist::files::Hash;

const MAGIC: &[u8; 8] = b"BDBKRST1";
/// Longest plan that is read, in bytes.
pub(super) const LONGEST: u64 = 64 << 20;

/// How far a restore is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// The snapshot is copied, and nothing has moved; or all has moved back.
    Staging,
    /// The copies are whole, and what was there moves aside, or back.
    Moving,
    /// All of it is aside, and the copies move to their places.
    Placing,
    /// All copies are in their places.
    Done,
}

const STATES: [(u8, State); 4] =
    [(1, State::Staging), (2, State::Moving), (3, State::Placing), (4, State::Done)];

/// What a later run needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// A number that no other restore has.
    pub(super) id: u64,
    pub(super) state: State,
    pub(super) folder: Identity,
    pub(super) stage: Identity,
    /// The folder of what moves aside; not there before the copies are whole.
    pub(super) aside: PathBuf,
    pub(super) aside_is: Option<Identity>,
    /// The folder of the region files, if it is another one.
    pub(super) cache: Option<(PathBuf, Identity)>,
    /// What moves aside.
    pub(super) moves: Vec<Item>,
    /// What comes from the snapshot.
    pub(super) places: Vec<Item>,
    /// What is in the snapshot but not copied.
    pub(super) skipped: Vec<OsString>,
}

/// Something that moves aside, or is placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) name: OsString,
    pub(super) place: Place,
    pub(super) known: Known,
}

/// Where something is before it moves aside, or when it is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The folder that is restored.
    Folder,
    /// That of the region files.
    Cache,
}

/// By what something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Which file or folder it is: what stays on its file system.
    Itself(Identity),
    /// What is in it: a copy, or what may be copied.
    Content { owner: u32, hash: Hash },
}

impl Plan {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(self.id.to_le_bytes());
        out.extend(STATES.iter().filter(|(_, state)| *state == self.state).map(|(code, _)| *code));
        let cache = self.cache.as_ref();
        let folders = [Some(self.folder), Some(self.stage), self.aside_is, cache.map(|(_, is)| *is)];
        folders.iter().for_each(|folder| identity(folder.unwrap_or_default(), &mut out));
        text(self.aside.as_os_str(), &mut out);
        text(cache.map_or(OsStr::new(""), |(path, _)| path.as_os_str()), &mut out);
        for items in [&self.moves, &self.places] {
            out.extend(length(items.len()));
            items.iter().for_each(|item| item.encode(&mut out));
        }
        out.extend(length(self.skipped.len()));
        self.skipped.iter().for_each(|name| text(name, &mut out));
        sealed(out)
    }

    /// Reads it; what is wrong with it, if it is none.
    pub(super) fn parse(bytes: &[u8]) -> Result<Plan, &'static str> {
        let content = unsealed(bytes).ok_or("its checksum is wrong")?;
        let (_, plan) = all_consuming(plan).parse(content).map_err(|_| "it is no plan of a restore")?;
        plan.check()?;
        Ok(plan)
    }

    /// Refuses what no plan says that was made here.
    fn check(&self) -> Result<(), &'static str> {
        let plain = |path: &Path| {
            path.is_absolute() && !path.components().any(|part| matches!(part, Component::ParentDir))
        };
        if !plain(&self.aside) || self.aside.file_name().is_none() {
            return Err("the folder of what moved aside is not named by a whole path");
        }
        if self.state != State::Staging && self.aside_is.is_none() {
            return Err("the folder of what moved aside is not known");
        }
        if self.cache.as_ref().is_some_and(|(path, _)| !plain(path)) {
            return Err("the folder of the region files is not named by a whole path");
        }
        if self.places.is_empty() {
            return Err("it names no file of a snapshot");
        }
        for items in [&self.moves, &self.places] {
            let mut seen = BTreeSet::new();
            for Item { name, place, .. } in items {
                if !is_name(name) || (*place == Place::Cache && !region(name)) {
                    return Err("a name in it is that of no file of a store");
                }
                if !seen.insert((place, name)) {
                    return Err("it names a file twice");
                }
                if *place == Place::Cache && self.cache.is_none() {
                    return Err("it names no folder of the region files, but files for it");
                }
            }
        }
        if self.places.iter().any(|item| is_own(&item.name)) {
            return Err("a name in it is that of no file of a store");
        }
        if self.places.iter().any(|item| matches!(item.known, Known::Itself(_))) {
            return Err("it does not say what is in the files of the snapshot");
        }
        Ok(())
    }

    /// Whether a file or folder that was known is this one. The numbers of file systems may be
    /// others after the machine was started again: what was on that of the folder must be so
    /// still, and `device` is its number now.
    pub(super) fn is_known(&self, known: Identity, found: Identity, device: u64) -> bool {
        let (then, now) = (known.device == self.folder.device, found.device == device);
        known.inode == found.inode && then == now
    }
}

impl Item {
    fn encode(&self, out: &mut Vec<u8>) {
        text(&self.name, out);
        out.push(match self.place {
            Place::Folder => 1,
            Place::Cache => 2,
        });
        match self.known {
            Known::Itself(is) => {
                out.push(1);
                identity(is, out);
            }
            Known::Content { owner, hash } => {
                out.push(2);
                out.extend(owner.to_le_bytes());
                out.extend(hash.size.to_le_bytes());
                out.extend(hash.sha256);
            }
        }
    }
}

/// The mark in the folder of what moves aside, which tells that this restore made it.
pub(super) fn mark(plan: &Plan, aside: Identity) -> Vec<u8> {
    let mut out = b"BDBKASD1".to_vec();
    out.extend(plan.id.to_le_bytes());
    out.extend(plan.folder.inode.to_le_bytes());
    out.extend(aside.inode.to_le_bytes());
    sealed(out)
}

/// Whether this may be a plan that was not written to its end: what did not reach the medium of a
/// file is zeros.
pub(super) fn is_torn(bytes: &[u8]) -> bool {
    let head = bytes.get(..MAGIC.len()).unwrap_or(bytes);
    head == MAGIC || head.iter().all(|&byte| byte == 0)
}

/// Whether something is one name: no path, and no way to another folder.
fn is_name(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    !bytes.is_empty()
        && bytes != b"."
        && bytes != b".."
        && !bytes.iter().any(|byte| matches!(byte, 0 | b'/'))
        && ![STAGE, STAYS, MARK].iter().any(|own| name == *own)
}

fn sealed(mut content: Vec<u8>) -> Vec<u8> {
    content.extend(crc32fast::hash(&content).to_le_bytes());
    content
}

fn unsealed(bytes: &[u8]) -> Option<&[u8]> {
    let (content, crc) = bytes.split_last_chunk()?;
    (u32::from_le_bytes(*crc) == crc32fast::hash(content)).then_some(content)
}

fn length(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes()
}

fn text(name: &OsStr, out: &mut Vec<u8>) {
    out.extend(length(name.len()));
    out.extend(name.as_encoded_bytes());
}

fn identity(is: Identity, out: &mut Vec<u8>) {
    out.extend(is.device.to_le_bytes());
    out.extend(is.inode.to_le_bytes());
}

fn plan(bytes: &[u8]) -> IResult<&[u8], Plan> {
    let known = |is: Identity| (is != Identity::default()).then_some(is);
    let (rest, (_, id, state)) = (tag(&MAGIC[..]), le_u64, state_of).parse(bytes)?;
    let (rest, (folder, stage, aside_is, cache_is)) =
        (identity_of, identity_of, identity_of, identity_of).parse(rest)?;
    let (rest, (aside, cache)) = (text_of, text_of).parse(rest)?;
    let (rest, (moves, places, skipped)) =
        (length_count(le_u32, item), length_count(le_u32, item), length_count(le_u32, text_of))
            .parse(rest)?;
    let cache = (!cache.is_empty()).then(|| (PathBuf::from(cache), cache_is));
    let (aside, aside_is) = (PathBuf::from(aside), known(aside_is));
    Ok((rest, Plan { id, state, folder, stage, aside, aside_is, cache, moves, places, skipped }))
}

fn state_of(bytes: &[u8]) -> IResult<&[u8], State> {
    let state = |code| STATES.iter().find(|(known, _)| *known == code).map(|(_, state)| *state);
    nom::combinator::map_opt(le_u8, state).parse(bytes)
}

fn identity_of(bytes: &[u8]) -> IResult<&[u8], Identity> {
    (le_u64, le_u64).map(|(device, inode)| Identity { device, inode }).parse(bytes)
}

fn text_of(bytes: &[u8]) -> IResult<&[u8], OsString> {
    nom::combinator::map_opt(length_data(le_u32), file_name::from_bytes).map(OsStr::to_owned).parse(bytes)
}

fn item(bytes: &[u8]) -> IResult<&[u8], Item> {
    let place = |code| match code {
        1 => Some(Place::Folder),
        2 => Some(Place::Cache),
        _ => None,
    };
    let (rest, (name, place, kind)) =
        (text_of, nom::combinator::map_opt(le_u8, place), le_u8).parse(bytes)?;
    let (rest, known) = match kind {
        1 => identity_of.map(Known::Itself).parse(rest)?,
        2 => (le_u32, le_u64, take(32_usize))
            .map(|(owner, size, sum): (u32, u64, &[u8])| {
                let mut sha256 = [0; 32];
                sha256.iter_mut().zip(sum).for_each(|(to, from)| *to = *from);
                Known::Content { owner, hash: Hash { sha256, size } }
            })
            .parse(rest)?,
        _ => return Err(nom::Err::Error(nom::error::Error::new(rest, nom::error::ErrorKind::Tag))),
    };
    Ok((rest, Item { name, place, known }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    fn example() -> Plan {
        let is = |inode| Identity { device: 3, inode };
        let hash = Hash { sha256: [7; 32], size: 1 << 40 };
        let item = |name: &[u8], place, known| Item {
            name: file_name::from_bytes(name).unwrap().to_owned(),
            place,
            known,
        };
        Plan {
            id: 0x0102_0304_0506_0708,
            state: State::Placing,
            folder: is(1),
            stage: is(2),
            aside: "/a/b.aside".into(),
            aside_is: Some(is(4)),
            cache: Some(("/run/cache".into(), is(9))),
            moves: vec![
                item(b"a\xff\n.db", Place::Folder, Known::Itself(is(12))),
                item(b"__db.001", Place::Cache, Known::Content { owner: 5, hash }),
            ],
            places: vec![item(b"a.db", Place::Folder, Known::Content { owner: 0, hash })],
            skipped: vec!["removed".into()],
        }
    }

    #[test]
    fn a_plan_reads_as_it_was_written_and_no_other_does() {
        let plan = example();
        let bytes = plan.encode();
        assert_eq!(Plan::parse(&bytes), Ok(plan));
        for cut in 0..bytes.len() {
            assert!(Plan::parse(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        for bit in 0..8 * bytes.len() {
            let mut turned = bytes.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            assert!(Plan::parse(&turned).is_err(), "bit {bit}");
        }
        // Sealed again, lists that claim more than there is are none.
        for at in 0..bytes.len() - 8 {
            let mut turned = bytes[..bytes.len() - 4].to_vec();
            turned[at..at + 4].fill(0xff);
            let _ = Plan::parse(&sealed(turned));
        }
    }

    #[test]
    fn what_no_restore_would_write_is_refused() {
        let refused = |change: &dyn Fn(&mut Plan)| {
            let mut plan = example();
            change(&mut plan);
            Plan::parse(&plan.encode()).unwrap_err()
        };
        let names = ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\0b", STAGE, STAYS, MARK];
        for name in names {
            let odd = "a name in it is that of no file of a store";
            assert_eq!(refused(&|plan| plan.moves[0].name = name.into()), odd, "{name:?}");
            assert_eq!(refused(&|plan| plan.places[0].name = name.into()), odd, "{name:?}");
        }
        refused(&|plan| plan.places.clear());
        refused(&|plan| plan.places.push(plan.places[0].clone()));
        refused(&|plan| plan.aside_is = None);
        refused(&|plan| plan.aside = "aside".into());
        refused(&|plan| plan.aside = "/a/../b".into());
        refused(&|plan| plan.cache = None);
        refused(&|plan| plan.places[0].known = Known::Itself(Identity { device: 1, inode: 1 }));
    }
}

//! The bytes of what a set keeps on record (upgrade, "Several files"). Everything is
//! little-endian, and ends with the CRC-32 of its other bytes.

use nom::bytes::complete::take;
use nom::multi::length_data;
use nom::number::complete::{le_u8, le_u32, le_u64};

use super::disk::Identity;
use super::format::{begins, raw, unseal};

const PUBLISHED: &[u8; 8] = b"BDBKSET1";
const MEMBERS: &[u8; 8] = b"BDBKMEM3";
/// That of a record in which no file is replaced, which is no longer written.
const SECOND_MEMBERS: &[u8; 8] = b"BDBKMEM2";
/// That of a record without steps, which is no longer written.
const FIRST_MEMBERS: &[u8; 8] = b"BDBKMEM1";

/// What a file in the folder of a set says of all its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Say {
    /// They are changed as one unit.
    Members,
    /// They are published.
    Published,
}

impl Say {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Say::Members => MEMBERS,
            Say::Published => PUBLISHED,
        }
    }

    /// Whether a file can be one that says this: whole, cut, or never written.
    pub(super) fn is_said_by(self, file: &[u8]) -> bool {
        let early = || [FIRST_MEMBERS, SECOND_MEMBERS].iter().any(|magic| begins(file, magic));
        let early = self == Say::Members && early();
        file.iter().all(|&byte| byte == 0) || begins(file, self.magic()) || early
    }
}

/// One file of a set: the id of its journal, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) journal: u64,
    pub(super) name: Vec<u8>,
}

/// What happens to a file of the folder of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepKind {
    /// A draft gets the name of the file that it is to be.
    Make,
    /// A file gets another name.
    Rename,
    /// A file is removed.
    Remove,
    /// A draft gets the name of a file that is there, in its place.
    Replace,
}

impl StepKind {
    const CODES: [(u8, StepKind); 4] =
        [(1, StepKind::Make), (2, StepKind::Rename), (3, StepKind::Remove), (4, StepKind::Replace)];

    fn code(self) -> u8 {
        StepKind::CODES.iter().find(|(_, kind)| *kind == self).map_or(0, |(code, _)| *code)
    }
}

/// What tells a file from others, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) identity: Identity,
    pub(super) size: u64,
    /// CRC-32 of all its bytes.
    pub(super) crc: u32,
}

/// What happens to one file of the folder of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) kind: StepKind,
    pub(super) stamp: Stamp,
    pub(super) name: Vec<u8>,
    /// Its new name; empty if it is removed.
    pub(super) to: Vec<u8>,
    /// The file whose place it takes.
    pub(super) replaced: Option<Stamp>,
}

impl Stamp {
    fn encode(&self, bytes: &mut Vec<u8>) {
        let numbers = [self.identity.device, self.identity.inode, self.size];
        numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        bytes.extend_from_slice(&self.crc.to_le_bytes());
    }

    /// The stamp at the start, and what is behind it.
    fn parse(bytes: &[u8]) -> Option<(&[u8], Stamp)> {
        let (behind, (device, inode, size, crc)) = raw((le_u64, le_u64, le_u64, le_u32), bytes)?;
        Some((behind, Stamp { identity: Identity { device, inode }, size, crc }))
    }
}

impl Step {
    /// The names that it is about.
    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        let to = Some(self.to.as_slice()).filter(|_| self.kind != StepKind::Remove);
        std::iter::once(self.name.as_slice()).chain(to)
    }
}

/// A file that says something of all files of a set: journal ids and names; and that of the
/// members, which files are made, renamed and removed with them.
///
/// ```text
/// BDBKSET1   count 4   count × (journal id 8, length 4, name)   CRC-32 4
/// BDBKMEM3   count 4   count × (journal id 8, length 4, name)
///            count 4   count × (kind 1, stamp 28, length 4, name, length 4, new name, stamp 28 of what is replaced)
///            CRC-32 4
/// BDBKMEM2   the same: nothing is replaced; it is read only
/// BDBKMEM1   as BDBKSET1: no steps; it is read only
/// stamp      device 8, inode 8, size 8, CRC-32 4
/// ```
pub(super) fn encode_set<'a>(
    say: Say,
    members: impl ExactSizeIterator<Item = (u64, &'a [u8])>,
    steps: &[Step],
) -> Vec<u8> {
    let short = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = [say.magic().as_slice(), &short(members.len())].concat();
    let put = |bytes: &mut Vec<u8>, name: &[u8]| {
        bytes.extend_from_slice(&short(name.len()));
        bytes.extend_from_slice(name);
    };
    for (journal, name) in members {
        bytes.extend_from_slice(&journal.to_le_bytes());
        put(&mut bytes, name);
    }
    if say == Say::Members {
        bytes.extend_from_slice(&short(steps.len()));
        for Step { kind, stamp, name, to, replaced } in steps {
            bytes.push(kind.code());
            stamp.encode(&mut bytes);
            put(&mut bytes, name);
            put(&mut bytes, to);
            replaced.iter().for_each(|stamp| stamp.encode(&mut bytes));
        }
    }
    let crc = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// The members in the file of a set, and the steps; `None` if it is not whole.
pub(super) fn parse_set(say: Say, bytes: &[u8]) -> Option<(Vec<Member>, Vec<Step>)> {
    let content = unseal(bytes).ok()?;
    let (mut rest, (tag, count)) = raw((take(8_usize), le_u32), content)?;
    let is = |early: &[u8; 8]| say == Say::Members && tag == early;
    let (first, second) = (is(FIRST_MEMBERS), is(SECOND_MEMBERS));
    if tag != say.magic() && !first && !second {
        return None;
    }
    let (mut members, mut steps) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (behind, (journal, name)) = raw((le_u64, length_data(le_u32)), rest)?;
        members.push(Member { journal, name: name.to_vec() });
        rest = behind;
    }
    if say == Say::Members && !first {
        let (mut left, count) = raw(le_u32, rest)?;
        for _ in 0..count {
            let (behind, code) = raw(le_u8, left)?;
            let (_, kind) = StepKind::CODES.into_iter().find(|(known, _)| *known == code)?;
            let (behind, stamp) = Stamp::parse(behind)?;
            let (behind, (name, to)) = raw((length_data(le_u32), length_data(le_u32)), behind)?;
            let (behind, replaced) = match kind {
                StepKind::Replace if second => return None,
                StepKind::Replace => Stamp::parse(behind).map(|(behind, stamp)| (behind, Some(stamp)))?,
                _ => (behind, None),
            };
            steps.push(Step { kind, stamp, name: name.to_vec(), to: to.to_vec(), replaced });
            left = behind;
        }
        rest = left;
    }
    rest.is_empty().then_some((members, steps))
}

#[cfg(test)]
mod tests {
    use super::super::format::tests::laid_out;
    use super::*;

    #[test]
    fn set_files_keep_ids_and_names() {
        let names = [(0x0102_0304_0506_0708, &b"a.db"[..]), (9, b"")];
        let members = names.map(|(journal, name)| Member { journal, name: name.to_vec() }).to_vec();
        let fields: [(usize, &[u8]); 5] = [
            (8, &[2]),
            (12, &[8, 7, 6, 5, 4, 3, 2, 1]),
            (20, &[4, 0, 0, 0, b'a', b'.', b'd', b'b']),
            (28, &[9]),
            (44, &[0; 4]),
        ];
        let with = |magic: &'static [u8; 8], len: usize| {
            // The number of steps is there only if there is room for it.
            let mut fields = fields[..if len == 48 { 5 } else { 4 }].to_vec();
            fields.push((0, magic));
            laid_out(len, &fields)
        };
        let published = with(b"BDBKSET1", 44);
        assert_eq!(encode_set(Say::Published, names.into_iter(), &[]), published);
        assert_eq!(parse_set(Say::Published, &published), Some((members.clone(), Vec::new())));
        let recorded = with(b"BDBKMEM3", 48);
        assert_eq!(encode_set(Say::Members, names.into_iter(), &[]), recorded);
        assert_eq!(parse_set(Say::Members, &recorded), Some((members.clone(), Vec::new())));
        let first = with(b"BDBKMEM1", 44);
        assert_eq!(parse_set(Say::Members, &first), Some((members.clone(), Vec::new())));
        let second = with(b"BDBKMEM2", 48);
        assert_eq!(parse_set(Say::Members, &second), Some((members, Vec::new())));
        for (say, other, bytes) in [
            (Say::Published, Say::Members, published),
            (Say::Members, Say::Published, recorded),
            (Say::Members, Say::Published, first),
            (Say::Members, Say::Published, second),
        ] {
            assert_eq!(parse_set(other, &bytes), None);
            assert!((0..=bytes.len()).all(|len| say.is_said_by(&bytes[..len])));
            assert!(!other.is_said_by(&bytes));
        }
        for (say, magic) in [(Say::Published, b"BDBKSET1"), (Say::Members, b"BDBKMEM3")] {
            assert_eq!(parse_set(say, &laid_out(16, &[(0, magic), (8, &[0xff; 4])])), None);
        }
    }

    #[test]
    fn a_record_keeps_steps() {
        let identity = Identity { device: 0x1112_1314_1516_1718, inode: 0x2122_2324_2526_2728 };
        let stamp = Stamp { identity, size: 0x3132_3334_3536_3738, crc: 0x4142_4344 };
        for (magic, kind, code, to) in [
            (b"BDBKMEM3", StepKind::Make, 1, &b"cd"[..]),
            (b"BDBKMEM3", StepKind::Rename, 2, b"cd"),
            (b"BDBKMEM3", StepKind::Remove, 3, b""),
            (b"BDBKMEM2", StepKind::Make, 1, b"cd"),
        ] {
            let steps = [Step { kind, stamp, name: b"ab".to_vec(), to: to.to_vec(), replaced: None }];
            let bytes = encode_set(Say::Members, [].into_iter(), &steps);
            let len = u8::try_from(to.len()).unwrap();
            let expected = laid_out(
                59 + to.len(),
                &[
                    (0, magic),
                    (12, &[1]),
                    (16, &[code, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11]),
                    (25, &[0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21]),
                    (33, &[0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31]),
                    (41, &[0x44, 0x43, 0x42, 0x41, 2, 0, 0, 0, b'a', b'b', len]),
                    (55, to),
                ],
            );
            assert!(bytes == expected || magic != MEMBERS);
            assert_eq!(parse_set(Say::Members, &expected), Some((Vec::new(), steps.to_vec())));
        }
    }

    #[test]
    fn a_record_keeps_what_is_replaced() {
        let stamp = |number| Stamp { identity: Identity { device: 1, inode: number }, size: 2, crc: 3 };
        let (name, to) = (b"ab".to_vec(), b"cd".to_vec());
        let steps = [Step { kind: StepKind::Replace, stamp: stamp(7), name, to, replaced: Some(stamp(9)) }];
        let bytes = encode_set(Say::Members, [].into_iter(), &steps);
        let fields: [(usize, &[u8]); 4] = [
            (12, &[1]),
            (16, &[4, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3]),
            (45, &[2, 0, 0, 0, b'a', b'b', 2, 0, 0, 0, b'c', b'd']),
            (57, &[1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3]),
        ];
        let with = |magic: &'static [u8; 8]| laid_out(89, &[&fields[..], &[(0, magic.as_slice())]].concat());
        assert_eq!(bytes, with(b"BDBKMEM3"));
        assert_eq!(parse_set(Say::Members, &bytes), Some((Vec::new(), steps.to_vec())));
        assert_eq!(parse_set(Say::Members, &with(b"BDBKMEM2")), None);
    }
}

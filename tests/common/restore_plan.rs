//! Plans of restores, and the folders that belong to them, as the tool would have left them or as
//! it never would: an encoder of its own.

#![allow(dead_code)] // each crate uses a part

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Device and inode.
pub(crate) type Is = (u64, u64);

/// Where something is before it moves aside, or when it is placed.
pub(crate) const FOLDER: u8 = 1;
pub(crate) const CACHE: u8 = 2;

/// How far a restore is.
pub(crate) const STAGING: u8 = 1;
pub(crate) const MOVING: u8 = 2;
pub(crate) const PLACING: u8 = 3;
pub(crate) const DONE: u8 = 4;

/// A plan, right or wrong.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) magic: [u8; 8],
    pub(crate) id: u64,
    pub(crate) state: u8,
    pub(crate) folder: Is,
    pub(crate) stage: Is,
    pub(crate) aside_is: Is,
    pub(crate) cache_is: Is,
    pub(crate) aside: Vec<u8>,
    pub(crate) cache: Vec<u8>,
    pub(crate) moves: Vec<Item>,
    pub(crate) places: Vec<Item>,
    pub(crate) skipped: Vec<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) name: Vec<u8>,
    pub(crate) place: u8,
    pub(crate) known: Known,
}

#[derive(Clone, Debug)]
pub(crate) enum Known {
    Itself(Is),
    Content { owner: u32, size: u64, sha256: [u8; 32] },
}

pub(crate) fn is(path: &Path) -> Is {
    let found = fs::symlink_metadata(path).unwrap();
    (found.dev(), found.ino())
}

impl Item {
    /// Something in the folder, by what it is.
    pub(crate) fn itself(path: &Path) -> Item {
        let name = path.file_name().unwrap().as_bytes().to_vec();
        Item { name, place: FOLDER, known: Known::Itself(is(path)) }
    }

    /// A file, by what is in it.
    pub(crate) fn content(path: &Path, place: u8) -> Item {
        let name = path.file_name().unwrap().as_bytes().to_vec();
        let (bytes, owner) = (fs::read(path).unwrap(), fs::metadata(path).unwrap().uid());
        let sha256 = Sha256::digest(&bytes).into();
        Item {
            name,
            place,
            known: Known::Content { owner, size: u64::try_from(bytes.len()).unwrap(), sha256 },
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        text(&self.name, out);
        out.push(self.place);
        match &self.known {
            Known::Itself(is) => {
                out.push(1);
                identity(*is, out);
            }
            Known::Content { owner, size, sha256 } => {
                out.push(2);
                out.extend(owner.to_le_bytes());
                out.extend(size.to_le_bytes());
                out.extend(sha256);
            }
        }
    }
}

impl Plan {
    /// The plan of a restore of a store, before anything has moved: its stage and the folder
    /// aside are there.
    pub(crate) fn of(store: &Path, aside: &Path, state: u8) -> Plan {
        let stage = store.join(".bdbkit-restore");
        let paths = |folder: &Path| -> Vec<_> {
            let mut paths: Vec<_> =
                fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
            paths.sort();
            paths
        };
        let moves = paths(store)
            .into_iter()
            .filter(|path| !["folderlock", ".bdbkit-restore"].iter().any(|stays| path.ends_with(stays)));
        Plan {
            magic: *b"BDBKRST1",
            id: 0x1122_3344_5566_7788,
            state,
            folder: is(store),
            stage: is(&stage),
            aside_is: if aside.exists() { is(aside) } else { (0, 0) },
            cache_is: (0, 0),
            aside: fs::canonicalize(aside.parent().unwrap())
                .unwrap()
                .join(aside.file_name().unwrap())
                .into_os_string()
                .as_bytes()
                .to_vec(),
            cache: Vec::new(),
            moves: moves.map(|path| Item::itself(&path)).collect(),
            places: paths(&stage).iter().map(|path| Item::content(path, FOLDER)).collect(),
            skipped: Vec::new(),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = self.magic.to_vec();
        out.extend(self.id.to_le_bytes());
        out.push(self.state);
        for folder in [self.folder, self.stage, self.aside_is, self.cache_is] {
            identity(folder, &mut out);
        }
        text(&self.aside, &mut out);
        text(&self.cache, &mut out);
        for items in [&self.moves, &self.places] {
            out.extend(u32::try_from(items.len()).unwrap().to_le_bytes());
            items.iter().for_each(|item| item.encode(&mut out));
        }
        out.extend(u32::try_from(self.skipped.len()).unwrap().to_le_bytes());
        self.skipped.iter().for_each(|name| text(name, &mut out));
        sealed(out)
    }

    /// The mark that belongs into the folder aside.
    pub(crate) fn mark(&self) -> Vec<u8> {
        let mut out = b"BDBKASD1".to_vec();
        out.extend(self.id.to_le_bytes());
        out.extend(self.folder.1.to_le_bytes());
        out.extend(self.aside_is.1.to_le_bytes());
        sealed(out)
    }

    /// The name of a copy that is not whole.
    pub(crate) fn draft(&self) -> String {
        format!("bdbkit-copy-{:016x}", self.id)
    }

    /// Writes the plan into the stage, and the mark.
    pub(crate) fn write(&self, store: &Path, aside: &Path) {
        private(&store.join(".bdbkit-restore/bdbkit-plan"), &self.encode());
        private(&aside.join(".bdbkit-aside"), &self.mark());
    }
}

/// Makes the stage of a restore.
pub(crate) fn stage(store: &Path) -> std::path::PathBuf {
    let stage = store.join(".bdbkit-restore");
    fs::DirBuilder::new().mode(0o700).create(&stage).unwrap();
    stage
}

/// Writes a file that only its owner may read and write.
pub(crate) fn private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

pub(crate) fn sealed(mut content: Vec<u8>) -> Vec<u8> {
    content.extend(crc32fast::hash(&content).to_le_bytes());
    content
}

fn text(name: &[u8], out: &mut Vec<u8>) {
    out.extend(u32::try_from(name.len()).unwrap().to_le_bytes());
    out.extend(name);
}

fn identity((device, inode): Is, out: &mut Vec<u8>) {
    out.extend(device.to_le_bytes());
    out.extend(inode.to_le_bytes());
}

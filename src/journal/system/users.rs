//! Programs that have a file open or mapped, as `/proc` tells.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::unix::numbers;
use crate::journal::disk::Identity;

/// A process, other than through the one handle that asks, that has a file open or mapped. Those
/// that just ended, and those of other users, cannot be looked at.
pub(super) fn other(wanted: Identity, path: &Path) -> Option<u32> {
    processes()
        .find(|(number, process)| {
            let own = *number == std::process::id();
            handles(process, wanted) > usize::from(own) || maps(process, wanted, path)
        })
        .map(|(number, _)| number)
}

/// Whether another process, of those that can be looked at, had a file open when this was first
/// asked.
pub(super) fn held(wanted: Identity) -> bool {
    static HELD: OnceLock<HashSet<Identity>> = OnceLock::new();
    let held = HELD.get_or_init(|| {
        let others = processes().filter(|(number, _)| *number != std::process::id());
        let handles = others.flat_map(|(_, process)| fs::read_dir(process.join("fd"))).flatten().flatten();
        let files = handles.filter_map(|entry| fs::metadata(entry.path()).ok());
        files.filter(fs::Metadata::is_file).map(|file| numbers(&file)).collect()
    });
    held.contains(&wanted)
}

/// How many processes there are of which `/proc` does not say which files they have open.
pub(super) fn unseen() -> u64 {
    let closed = processes().filter(|(_, process)| {
        let refused =
            fs::read_dir(process.join("fd")).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
        // The threads of the kernel, and processes that have ended, have no command line.
        refused && fs::read(process.join("cmdline")).is_ok_and(|line| !line.is_empty())
    });
    u64::try_from(closed.count()).unwrap_or(u64::MAX)
}

/// All processes: their numbers, and where they are in `/proc`.
fn processes() -> impl Iterator<Item = (u32, PathBuf)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
}

/// How many handles a process has on a file.
fn handles(process: &Path, wanted: Identity) -> usize {
    let open = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    open.filter(|entry| fs::metadata(entry.path()).is_ok_and(|file| numbers(&file) == wanted)).count()
}

/// Whether a process maps a file. Some file systems show another device here than elsewhere:
/// then the name tells.
fn maps(process: &Path, wanted: Identity, path: &Path) -> bool {
    let maps = fs::read(process.join("maps")).unwrap_or_default();
    maps.split(|&byte| byte == b'\n').any(|line| {
        let Some((device, inode, name)) = mapped(line) else { return false };
        inode == wanted.inode && (device == wanted.device || name == path.as_os_str().as_bytes())
    })
}

/// Device, inode and name of the file in a line of `maps`:
/// `start-end permissions offset major:minor inode name`.
fn mapped(line: &[u8]) -> Option<(u64, u64, &[u8])> {
    let mut rest = line;
    let mut field = || {
        rest = rest.trim_ascii_start();
        let end = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
        let (field, behind) = rest.split_at_checked(end)?;
        rest = behind;
        std::str::from_utf8(field).ok()
    };
    let (_, _, _, device, inode) = (field()?, field()?, field()?, field()?, field()?);
    let (major, minor) = device.split_once(':')?;
    let number = |text| u32::from_str_radix(text, 16).ok();
    let device = rustix::fs::makedev(number(major)?, number(minor)?);
    Some((device, inode.parse().ok()?, rest.trim_ascii_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_maps_is_read() {
        let line = b"7f8a00000000-7f8a00001000 r--p 00001000 08:02 131090                     /a b/c.db";
        let name: &[u8] = b"/a b/c.db";
        assert_eq!(mapped(line), Some((rustix::fs::makedev(8, 2), 131_090, name)));
        let nameless = b"7f8a00000000-7f8a00001000 rw-p 00000000 00:00 0 ";
        assert_eq!(mapped(nameless), Some((0, 0, &b""[..])));
        assert_eq!(mapped(b"end"), None);
    }
}

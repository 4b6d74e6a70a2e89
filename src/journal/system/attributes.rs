//! Extended attributes of files, access lists among them.

use std::fs::File;
use std::io;

use rustix::fs::XattrFlags;
use rustix::io::Errno;

/// Copies extended attributes; the names of those that this user may not set, or that the file
/// system of the copy does not take.
pub(super) fn copy(from: &File, to: &File) -> io::Result<Vec<String>> {
    let mut lost = Vec::new();
    let names = match with_room(|room| rustix::fs::flistxattr(from, room)) {
        Err(Errno::NOTSUP | Errno::NOSYS) => return Ok(lost),
        names => names?,
    };
    for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        let value = with_room(|room| rustix::fs::fgetxattr(from, name, room));
        let set = value.and_then(|value| rustix::fs::fsetxattr(to, name, &value, XattrFlags::empty()));
        if set.is_err() {
            lost.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    Ok(lost)
}

/// What a call puts into a buffer that holds the longest list or value there is.
fn with_room(call: impl FnOnce(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    let mut room = vec![0; 1 << 16];
    let length = call(&mut room)?;
    room.truncate(length);
    Ok(room)
}

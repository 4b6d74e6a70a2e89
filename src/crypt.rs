//! Keys and codes of encrypted environments: AES-128 in CBC mode and an HMAC over a
//! digest of the library's own (log-format, "Encryption"; database-format, "Digest
//! and keys").
//!
//! The digest was meant to be SHA-1, but is not, and depends on the byte order of
//! the machine that computed it.

#![cfg_attr(not(feature = "encryption"), allow(dead_code))]

use crate::order::{Endianness, with_order};

/// Length of a digest and of an authentication code, in bytes.
pub(crate) const CODE: usize = 20;
/// Length of a key of the cipher, and of its blocks, in bytes.
pub(crate) const KEY: usize = 16;
/// The digest works on this many bytes at a time.
const BLOCK: usize = 64;

/// What a password gives: keys for either byte order of the writing machine. The password itself
/// is not kept.
#[derive(Clone, Copy)]
pub(crate) struct Secret {
    little: Keys,
    big: Keys,
}

impl Secret {
    /// The keys of a password; `None` if the cipher was not built in.
    pub(crate) fn of(password: &str) -> Option<Secret> {
        let keys = |machine| Keys::derive(password, machine);
        Some(Secret { little: keys(Endianness::Little)?, big: keys(Endianness::Big)? })
    }

    /// The keys for both byte orders of machines; of this one first.
    pub(crate) fn keys(&self, first: Endianness) -> [Keys; 2] {
        match first {
            Endianness::Little => [self.little, self.big],
            Endianness::Big => [self.big, self.little],
        }
    }
}

impl std::fmt::Debug for Secret {
    /// Keys are not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

/// The two keys of a password, for one byte order of the writing machine.
#[derive(Clone, Copy)]
pub(crate) struct Keys {
    machine: Endianness,
    /// States of digests that took in the key for codes already: that of the message, and that of
    /// its digest.
    inner: [u32; 5],
    outer: [u32; 5],
    aes: [u8; KEY],
}

impl Keys {
    /// The keys; `None` if the cipher was not built in.
    pub(crate) fn derive(password: &str, machine: Endianness) -> Option<Keys> {
        if !cfg!(feature = "encryption") {
            return None;
        }
        let derive = |purpose: &str| {
            let secret = [password.as_bytes(), &[0]].concat();
            digest(machine, &[&secret, purpose.as_bytes(), &secret].concat())
        };
        let mac = derive("mac derivation key magic value");
        let padded = |mask: u8| {
            let mut key = [mask; BLOCK];
            key.iter_mut().zip(mac).for_each(|(to, from)| *to ^= from);
            let mut state = START;
            mix(machine, &mut state, &key);
            state
        };
        let mut aes = [0; KEY];
        let long = derive("encryption and decryption key value magic");
        aes.iter_mut().zip(long).for_each(|(to, from)| *to = from);
        Some(Keys { machine, inner: padded(0x36), outer: padded(0x5c), aes })
    }

    /// The byte order of the machine for which the keys were derived.
    pub(crate) fn machine(&self) -> Endianness {
        self.machine
    }

    /// The authentication code of a message, which may be in parts.
    pub(crate) fn code(&self, parts: &[&[u8]]) -> [u8; CODE] {
        let [mut inner, mut outer] =
            [self.inner, self.outer].map(|state| Digest::behind(self.machine, state));
        parts.iter().for_each(|part| inner.update(part));
        outer.update(&inner.finish());
        outer.finish()
    }

    /// Decrypts whole blocks in place; says whether they were whole.
    #[cfg(feature = "encryption")]
    pub(crate) fn decrypt(&self, iv: &[u8], bytes: &mut [u8]) -> bool {
        use cbc::cipher::{BlockDecryptMut, KeyIvInit, block_padding::NoPadding};

        cbc::Decryptor::<aes::Aes128>::new_from_slices(&self.aes, iv)
            .is_ok_and(|cipher| cipher.decrypt_padded_mut::<NoPadding>(bytes).is_ok())
    }

    /// Encrypts whole blocks in place; says whether they were whole.
    #[cfg(feature = "encryption")]
    pub(crate) fn encrypt(&self, iv: &[u8], bytes: &mut [u8]) -> bool {
        use cbc::cipher::{BlockEncryptMut, KeyIvInit, block_padding::NoPadding};

        let len = bytes.len();
        cbc::Encryptor::<aes::Aes128>::new_from_slices(&self.aes, iv)
            .is_ok_and(|cipher| cipher.encrypt_padded_mut::<NoPadding>(bytes, len).is_ok())
    }

    #[cfg(not(feature = "encryption"))]
    pub(crate) fn encrypt(&self, _: &[u8], _: &mut [u8]) -> bool {
        false
    }

    #[cfg(not(feature = "encryption"))]
    pub(crate) fn decrypt(&self, _: &[u8], _: &mut [u8]) -> bool {
        false
    }
}

impl std::fmt::Debug for Keys {
    /// Keys are not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("machine", &self.machine).finish_non_exhaustive()
    }
}

/// Fills bytes by chance.
#[cfg(all(feature = "encryption", not(all(target_family = "wasm", target_os = "unknown"))))]
pub(crate) fn fill(bytes: &mut [u8]) -> std::io::Result<()> {
    getrandom::fill(bytes).map_err(std::io::Error::other)
}

#[cfg(not(all(feature = "encryption", not(all(target_family = "wasm", target_os = "unknown")))))]
pub(crate) fn fill(_: &mut [u8]) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// The digest of a message, as machines of this byte order compute it.
fn digest(machine: Endianness, message: &[u8]) -> [u8; CODE] {
    let mut digest = Digest::new(machine);
    digest.update(message);
    digest.finish()
}

/// The state before the first block.
const START: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// A digest of which a part of the message is in.
struct Digest {
    machine: Endianness,
    state: [u32; 5],
    /// The begun block, and bytes of the message so far.
    block: [u8; BLOCK],
    len: u64,
}

impl Digest {
    fn new(machine: Endianness) -> Digest {
        Digest { machine, state: START, block: [0; BLOCK], len: 0 }
    }

    /// That of a message of which one block led to this state.
    fn behind(machine: Endianness, state: [u32; 5]) -> Digest {
        Digest { machine, state, block: [0; BLOCK], len: 64 }
    }

    /// Bytes in the begun block.
    fn begun(&self) -> usize {
        usize::try_from(self.len & 63).unwrap_or(0)
    }

    fn update(&mut self, message: &[u8]) {
        let begun = self.begun();
        self.len = self.len.wrapping_add(u64::try_from(message.len()).unwrap_or(0));
        let (machine, mut rest) = (self.machine, message);
        if begun > 0 {
            let room = BLOCK.saturating_sub(begun);
            let (fill, behind) = message.split_at_checked(room).unwrap_or((message, &[]));
            self.block.iter_mut().skip(begun).zip(fill).for_each(|(to, from)| *to = *from);
            if fill.len() < room {
                return;
            }
            mix(machine, &mut self.state, &self.block);
            rest = behind;
        }
        let blocks = rest.chunks_exact(BLOCK);
        self.block.iter_mut().zip(blocks.remainder()).for_each(|(to, from)| *to = *from);
        blocks.for_each(|block| mix(machine, &mut self.state, block));
    }

    fn finish(mut self) -> [u8; CODE] {
        let bits = self.len.wrapping_mul(8);
        self.update(&[0x80]);
        let zeros = (BLOCK + 56).saturating_sub(self.begun()) % BLOCK;
        self.update([0; BLOCK].get(..zeros).unwrap_or(&[]));
        self.update(&bits.to_be_bytes());
        let mut code = [0; CODE];
        let bytes = self.state.iter().flat_map(|word| word.to_be_bytes());
        code.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        code
    }
}

/// Takes one block of 64 bytes into the state.
fn mix(machine: Endianness, state: &mut [u32; 5], block: &[u8]) {
    let big = u32::from(machine == Endianness::Big);
    let mut words = [0u32; 80];
    with_order!(machine, O => block
        .chunks_exact(4)
        .zip(&mut words)
        .for_each(|(bytes, word)| *word = <O as byteorder::ByteOrder>::read_u32(bytes)));
    let [mut v, mut w, mut x, mut y, mut z] = *state;
    let step = |v: &mut u32, w: &mut u32, x: &mut u32, y: &mut u32, z: &mut u32| {
        *w = w.rotate_left(30);
        (*v, *w, *x, *y, *z) = (*z, *v, *w, *x, *y);
    };
    for word in words.iter_mut().take(16) {
        // SHA-1 would add all of this in every round; a slip in the precedence of
        // operators makes it depend on whether the first part is zero.
        if ((w & (x ^ y)) ^ y).wrapping_add(big) == 0 {
            *word = word.swap_bytes();
            z = z.wrapping_add(0x5a82_7999).wrapping_add(v.rotate_left(5));
        }
        z = z.wrapping_add(*word);
        step(&mut v, &mut w, &mut x, &mut y, &mut z);
    }
    expand(&mut words);
    let mut rounds = |range: std::ops::Range<usize>, constant: u32, mixed: fn(u32, u32, u32) -> u32| {
        for word in words.get(range).unwrap_or(&[]) {
            let sum = mixed(w, x, y).wrapping_add(*word).wrapping_add(constant);
            z = z.wrapping_add(sum).wrapping_add(v.rotate_left(5));
            step(&mut v, &mut w, &mut x, &mut y, &mut z);
        }
    };
    rounds(16..20, 0x5a82_7999, |w, x, y| (w & (x ^ y)) ^ y);
    rounds(20..40, 0x6ed9_eba1, |w, x, y| w ^ x ^ y);
    rounds(40..60, 0x8f1b_bcdc, |w, x, y| ((w | x) & y) | (w & x));
    rounds(60..80, 0xca62_c1d6, |w, x, y| w ^ x ^ y);
    for (to, from) in state.iter_mut().zip([v, w, x, y, z]) {
        *to = to.wrapping_add(from);
    }
}

/// The words behind the first 16, each of four before it.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // constant ranges in an array of 80
fn expand(words: &mut [u32; 80]) {
    for i in 16..80 {
        words[i] = (words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16]).rotate_left(1);
    }
}

#[cfg(all(test, feature = "encryption"))]
mod tests {
    use super::*;
    use Endianness::{Big, Little};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn digests_and_keys_are_those_of_the_specification() {
        let twice: Vec<u8> = (0..=255).chain(0..=255).collect();
        assert_eq!(hex(&digest(Little, b"abc")), "c8afef5423a485a54f7ecba8bc778ce33e553f53");
        assert_eq!(hex(&digest(Big, b"abc")), "3d11f750bf8d57b7b574d7cd95f8de44b52a9bbf");
        assert_eq!(hex(&digest(Little, b"secretpw")), "9725657d26a9df321954303e5c8d1ace9c173d6d");
        assert_eq!(hex(&digest(Little, &twice)), "ae6e4c15b0bbb8626fb99b6b1093fbd955002c64");
        assert_eq!(hex(&digest(Big, &twice)), "701d5977e864384c8264a9446f4b37cbe26e58aa");
        let little = Keys::derive("s3cret pw", Little).unwrap();
        assert_eq!(mac("s3cret pw", Little), "bb215a6dacca9df0cc9184297b6afa1f1d9cac4b");
        assert_eq!(hex(&little.aes), "4db235ccc4f5fb14e711655eedc4bf75");
        let big = Keys::derive("s3cret pw", Big).unwrap();
        assert_eq!(mac("s3cret pw", Big), "ae79a5e6b75029d6e56bbbb449c92e671dddde43");
        assert_eq!(hex(&big.aes), "d0d24b6175f6a6d143a644d04c80e1e5");
    }

    fn mac(password: &str, machine: Endianness) -> String {
        let secret = [password.as_bytes(), &[0]].concat();
        hex(&digest(machine, &[&secret, &b"mac derivation key magic value"[..], &secret].concat()))
    }

    #[test]
    fn a_code_is_that_of_the_digests_whatever_the_parts() {
        let message: Vec<u8> = (0..=255).chain(0..=255).collect();
        for machine in [Little, Big] {
            let keys = Keys::derive("s3cret pw", machine).unwrap();
            let secret = [b"s3cret pw".as_slice(), &[0]].concat();
            let key = digest(machine, &[&secret, &b"mac derivation key magic value"[..], &secret].concat());
            let padded = |mask: u8| -> Vec<u8> {
                (0..64).map(|at| mask ^ key.get(at).copied().unwrap_or(0)).collect()
            };
            for len in [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 512] {
                let inner = digest(machine, &[&padded(0x36), &message[..len]].concat());
                let code = digest(machine, &[&padded(0x5c), &inner[..]].concat());
                for cut in [0, 1, 28, 63, 64, 65, 300, 512].map(|cut: usize| cut.min(len)) {
                    let (first, second) = message[..len].split_at(cut);
                    assert_eq!(keys.code(&[first, &[], second]), code, "{len} {cut}");
                }
            }
        }
    }

    #[test]
    fn keys_are_not_shown() {
        let secret = Secret::of("s3cret pw").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret { .. }");
        assert_eq!(format!("{:?}", secret.keys(Big)[0]), "Keys { machine: Big, .. }");
    }

    #[test]
    fn only_whole_blocks_are_decrypted() {
        let keys = Keys::derive("password", Little).unwrap();
        assert!(!keys.decrypt(&[0; 16], &mut [0; 15]));
        assert!(!keys.decrypt(&[0; 3], &mut [0; 16]));
        assert!(keys.decrypt(&[0; 16], &mut [0; 32]));
        assert!(!keys.encrypt(&[0; 16], &mut [0; 15]));
    }

    #[test]
    fn what_is_encrypted_is_decrypted() {
        let keys = Keys::derive("password", Big).unwrap();
        let (iv, clear): ([u8; 16], Vec<u8>) = ([9; 16], (0..64).collect());
        let mut bytes = clear.clone();
        assert!(keys.encrypt(&iv, &mut bytes) && bytes != clear);
        assert!(keys.decrypt(&iv, &mut bytes) && bytes == clear);
    }
}

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

/// The two keys of a password, for one byte order of the writing machine.
#[derive(Clone, Copy)]
pub(crate) struct Keys {
    machine: Endianness,
    mac: [u8; CODE],
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
        let mut aes = [0; KEY];
        let long = derive("encryption and decryption key value magic");
        aes.iter_mut().zip(long).for_each(|(to, from)| *to = from);
        Some(Keys { machine, mac: derive("mac derivation key magic value"), aes })
    }

    /// The byte order of the machine for which the keys were derived.
    pub(crate) fn machine(&self) -> Endianness {
        self.machine
    }

    /// The authentication code of a message.
    pub(crate) fn code(&self, message: &[u8]) -> [u8; CODE] {
        let padded = |mask: u8| {
            let mut key = [mask; BLOCK];
            key.iter_mut().zip(self.mac).for_each(|(to, from)| *to ^= from);
            key
        };
        let inner = digest(self.machine, &[&padded(0x36), message].concat());
        digest(self.machine, &[padded(0x5c).as_slice(), &inner].concat())
    }

    /// Decrypts whole blocks in place; says whether they were whole.
    #[cfg(feature = "encryption")]
    pub(crate) fn decrypt(&self, iv: &[u8], bytes: &mut [u8]) -> bool {
        use cbc::cipher::{BlockDecryptMut, KeyIvInit, block_padding::NoPadding};

        cbc::Decryptor::<aes::Aes128>::new_from_slices(&self.aes, iv)
            .is_ok_and(|cipher| cipher.decrypt_padded_mut::<NoPadding>(bytes).is_ok())
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

/// The digest, as machines of this byte order compute it.
fn digest(machine: Endianness, message: &[u8]) -> [u8; CODE] {
    let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let blocks = message.chunks_exact(BLOCK);
    let mut tail = blocks.remainder().to_vec();
    blocks.for_each(|block| mix(machine, &mut state, block));
    let bits = u64::try_from(message.len()).unwrap_or(u64::MAX).wrapping_mul(8);
    tail.push(0x80);
    while tail.len() % BLOCK != 56 {
        tail.push(0);
    }
    tail.extend(bits.to_be_bytes());
    tail.chunks_exact(BLOCK).for_each(|block| mix(machine, &mut state, block));
    let mut code = [0; CODE];
    let bytes = state.iter().flat_map(|word| word.to_be_bytes());
    code.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    code
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
    for i in 16..words.len() {
        let before = |back: usize| i.checked_sub(back).and_then(|at| words.get(at)).copied().unwrap_or(0);
        let word = (before(3) ^ before(8) ^ before(14) ^ before(16)).rotate_left(1);
        words.iter_mut().skip(i).take(1).for_each(|to| *to = word);
        let (mixed, constant) = match i {
            16..20 => ((w & (x ^ y)) ^ y, 0x5a82_7999),
            20..40 => (w ^ x ^ y, 0x6ed9_eba1),
            40..60 => (((w | x) & y) | (w & x), 0x8f1b_bcdc),
            _ => (w ^ x ^ y, 0xca62_c1d6u32),
        };
        let sum = mixed.wrapping_add(word).wrapping_add(constant).wrapping_add(v.rotate_left(5));
        z = z.wrapping_add(sum);
        step(&mut v, &mut w, &mut x, &mut y, &mut z);
    }
    for (to, from) in state.iter_mut().zip([v, w, x, y, z]) {
        *to = to.wrapping_add(from);
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
        assert_eq!(hex(&little.mac), "bb215a6dacca9df0cc9184297b6afa1f1d9cac4b");
        assert_eq!(hex(&little.aes), "4db235ccc4f5fb14e711655eedc4bf75");
        let big = Keys::derive("s3cret pw", Big).unwrap();
        assert_eq!(hex(&big.mac), "ae79a5e6b75029d6e56bbbb449c92e671dddde43");
        assert_eq!(hex(&big.aes), "d0d24b6175f6a6d143a644d04c80e1e5");
    }

    #[test]
    fn only_whole_blocks_are_decrypted() {
        let keys = Keys::derive("password", Little).unwrap();
        assert!(!keys.decrypt(&[0; 16], &mut [0; 15]));
        assert!(!keys.decrypt(&[0; 3], &mut [0; 16]));
        assert!(keys.decrypt(&[0; 16], &mut [0; 32]));
    }
}

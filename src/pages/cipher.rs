//! Pages of an encrypted file, opened: checked and decrypted when they are first used
//! (database-format, "Encrypted files").
//!
//! Whether its code was right stays with a page: nobody needs the code itself once the page is
//! open, so zeros in its place say that it was, and anything else that it was not.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::ops::Range;

use crate::crypt::{self, CODE, KEY, Keys, Secret};
use crate::error::{Error, Result};
use crate::format::meta::{CHECKSUMMED, LENGTH, at as meta_at};
use crate::format::page::{Page, PageKind, at};
use crate::format::seal::{Places, is_metadata};
use crate::meta::DatabaseKind;
use crate::method::Feature;
use crate::order::Endianness;
use crate::types::PageNo;

/// What stands in place of a code that was wrong.
const WRONG: u8 = 0xff;

/// What opens the pages of an encrypted file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cipher {
    keys: Keys,
}

/// What the caller gave to open encrypted files with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Password {
    Missing,
    /// The cipher was not built in.
    Useless,
    Given(Secret),
}

/// What makes the initialisation vectors of pages: by chance, once for many of them.
#[derive(Clone, Copy)]
pub(crate) struct Nonce([u8; KEY]);

impl Nonce {
    /// A new one.
    ///
    /// # Errors
    ///
    /// The system gives no chance.
    pub(crate) fn fresh() -> Result<Nonce> {
        let mut nonce = [0; KEY];
        let error = |cause: io::Error| Error::Read { page: PageNo::META, cause: cause.into() };
        crypt::fill(&mut nonce).map_err(error)?;
        Ok(Nonce(nonce))
    }

    /// One of bytes that somebody got by chance.
    #[cfg(feature = "upgrade")]
    pub(crate) fn of(bytes: [u8; KEY]) -> Nonce {
        Nonce(bytes)
    }
}

impl fmt::Debug for Nonce {
    /// It is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonce").finish_non_exhaustive()
    }
}

impl Password {
    pub(crate) fn of(password: &str) -> Password {
        Secret::of(password).map_or(Password::Useless, Password::Given)
    }

    /// What it may open a file with, that of a machine of this order first.
    pub(crate) fn ciphers(self, order: Endianness) -> Option<[Cipher; 2]> {
        match self {
            Password::Given(secret) => Some(secret.keys(order).map(|keys| Cipher { keys })),
            _ => None,
        }
    }

    /// The error for a database that it does not open.
    pub(crate) fn error(self, kind: &DatabaseKind) -> Error {
        let DatabaseKind { method, version, order, .. } = *kind;
        match self {
            Password::Given(_) => Error::Password,
            Password::Missing if cfg!(feature = "encryption") => Error::Encrypted { method, version, order },
            _ => Error::UnsupportedFeature { method, version, order, feature: Feature::Encrypted },
        }
    }
}

impl Cipher {
    /// Finds out which keys open a file, by its first page; where that fits none, by `others`: the
    /// page may be damaged. What machine wrote the file is not recorded.
    ///
    /// # Errors
    ///
    /// That of [`Password::error`], if no page can be opened.
    pub(crate) fn of<'p>(
        password: Password,
        kind: &DatabaseKind,
        first: &[u8],
        others: impl IntoIterator<Item = (PageNo, Cow<'p, [u8]>)>,
    ) -> Result<Cipher> {
        let error = || password.error(kind);
        let ciphers = password.ciphers(kind.order).ok_or_else(error)?;
        let fitting = |page: &[u8], no| ciphers.iter().find(|cipher| cipher.fits(page, no)).copied();
        let by_magic = || ciphers.iter().find(|cipher| cipher.shows_magic(first, kind.order)).copied();
        fitting(first, PageNo::META)
            .or_else(by_magic)
            .or_else(|| others.into_iter().find_map(|(no, page)| fitting(&page, no)))
            .ok_or_else(error)
    }

    /// Whether these keys gave the code on a page.
    pub(crate) fn fits(&self, page: &[u8], no: PageNo) -> bool {
        let places = places(page, no);
        let code = page.get(places.code.clone());
        code.is_some() && self.code(page, &places).as_ref().map(<[u8; CODE]>::as_slice) == code
    }

    /// Whether the code on a first page is right but for the mark that pages have one: releases that
    /// find no mark check no codes, and read the file.
    pub(crate) fn fits_but_for_mark(&self, first: &[u8]) -> bool {
        let Some(mut page) = first.get(..LENGTH).map(<[u8]>::to_vec) else { return false };
        if let Some(flags) = page.get_mut(meta_at::METAFLAGS) {
            *flags |= CHECKSUMMED;
        }
        self.fits(&page, PageNo::META)
    }

    /// Whether a metadata page, decrypted, repeats its magic number.
    pub(crate) fn shows_magic(&self, first: &[u8], order: Endianness) -> bool {
        let Some(mut page) = first.get(..LENGTH).map(<[u8]>::to_vec) else { return false };
        self.open(&mut page, PageNo::META);
        let magic = order.u32_at(&page, meta_at::MAGIC);
        magic.is_some() && order.u32_at(&page, meta_at::CRYPTO_MAGIC) == magic
    }

    /// The code of a page as it stands in the file; `None` if it is too short to have one.
    fn code(&self, page: &[u8], places: &Places) -> Option<[u8; CODE]> {
        let Range { start, end } = places.code;
        let (before, behind) = (page.get(places.covered.start..start)?, page.get(end..places.covered.end)?);
        Some(self.keys.code(&[before, &[0; CODE], behind]))
    }

    /// Decrypts a page, and leaves on it whether its code was right; says so, too. A page that was
    /// never written stays as it is.
    pub(crate) fn open(&self, page: &mut [u8], no: PageNo) -> bool {
        // Zeros are zeros in either order.
        if Page::<byteorder::LittleEndian>::new(page).is_none_or(|page| page.is_hole()) {
            return true;
        }
        let places = places(page, no);
        let right = self.fits(page, no);
        let iv = page.get(places.iv.clone()).unwrap_or_default().to_vec();
        // Of a page that is cut, whole blocks.
        let end = places.hidden.end.min(page.len());
        let whole = end.saturating_sub(places.hidden.start) & !(KEY.wrapping_sub(1));
        if let Some(hidden) = page.get_mut(places.hidden.start..).and_then(|rest| rest.get_mut(..whole)) {
            self.keys.decrypt(&iv, hidden);
        }
        if let Some(lost) = page.get_mut(places.lost) {
            lost.fill(0);
        }
        if let Some(code) = page.get_mut(places.code) {
            code.fill(if right { 0 } else { WRONG });
        }
        right
    }

    /// The byte order of the machine that it is for.
    #[cfg(feature = "upgrade")]
    pub(crate) fn machine(&self) -> Endianness {
        self.keys.machine()
    }

    /// Encrypts a page that is in the clear, and puts its code on it (database-format, "Encrypted files").
    pub(crate) fn seal(&self, page: &mut [u8], no: PageNo, nonce: &Nonce) {
        let places = places(page, no);
        let magic = page.get(meta_at::MAGIC..).and_then(<[u8]>::first_chunk::<4>).copied();
        let shown = if places.lost.is_empty() { None } else { page.get_mut(meta_at::CRYPTO_MAGIC..) };
        if let Some((to, magic)) = shown.and_then(<[u8]>::first_chunk_mut).zip(magic) {
            *to = magic;
        }
        // What is encrypted with the key itself cannot be foreseen.
        let mut iv = [0; KEY];
        iv.iter_mut().zip(no.0.to_be_bytes()).for_each(|(to, from)| *to = from);
        self.keys.encrypt(&nonce.0, &mut iv);
        if let Some(hidden) = page.get_mut(places.hidden.clone()) {
            self.keys.encrypt(&iv, hidden);
        }
        if let Some(to) = page.get_mut(places.iv.clone()) {
            to.copy_from_slice(&iv);
        }
        if let Some((code, to)) = self.code(page, &places).zip(page.get_mut(places.code)) {
            to.copy_from_slice(&code);
        }
    }

    /// Whether the code of a page that was opened was right.
    ///
    /// # Errors
    ///
    /// [`Error::Authentication`].
    pub(crate) fn check(page: &[u8], no: PageNo) -> Result<()> {
        let code = places(page, no).code;
        let offset = code.start;
        match page.get(code) {
            Some(code) if code.iter().all(|&byte| byte == 0) => Ok(()),
            _ => Err(Error::Authentication { page: no, offset }),
        }
    }
}

/// Where on a page what stands. The number does not tell of pages in files of their own.
fn places(page: &[u8], no: PageNo) -> Places {
    let kind = page.get(at::TYPE).copied().and_then(PageKind::from_byte);
    Places::of(no == PageNo::META || kind.is_some_and(is_metadata), page.len())
}

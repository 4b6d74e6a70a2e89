//! Lists of locks in records of prepares and commits (log-format, "Field types").

use nom::{
    IResult, Parser, bytes::complete::take, multi::count, number::complete::u16 as short,
    number::complete::u32 as number,
};

use crate::order::Endianness;
use crate::types::FileId;

/// Length of an object that is locked: page, file id, kind.
const OBJECT: u16 = 28;

/// The pages of one file that a transaction holds locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) file: FileId,
    first: u32,
    more: Vec<u32>,
}

impl Lock {
    /// The pages.
    pub(crate) fn pages(&self) -> impl Iterator<Item = u32> {
        std::iter::once(self.first).chain(self.more.iter().copied())
    }
}

/// The entries of a list, as far as they can be read.
pub(crate) fn locks(list: &[u8], order: Endianness) -> Vec<Lock> {
    let number = |rest| -> IResult<&[u8], u32> { number(order.nom())(rest) };
    let Ok((mut rest, entries)) = number(list) else { return Vec::new() };
    let mut found = Vec::new();
    for _ in 0..entries {
        let Ok((next, lock)) = lock(rest, order) else { break };
        found.push(lock);
        rest = next;
    }
    found
}

fn lock(bytes: &[u8], order: Endianness) -> IResult<&[u8], Lock> {
    let n = || number(order.nom());
    let (rest, (pages, size)) = (short(order.nom()), short(order.nom())).parse(bytes)?;
    if size != OBJECT {
        return Err(nom::Err::Error(nom::error::Error::new(bytes, nom::error::ErrorKind::LengthValue)));
    }
    let (rest, object) = take(OBJECT).parse(rest)?;
    let (_, (first, file)) = (n(), take(20usize)).parse(object)?;
    let mut id = [0; 20];
    id.iter_mut().zip(file).for_each(|(to, from)| *to = *from);
    let (rest, more) = count(n(), usize::from(pages)).parse(rest)?;
    Ok((rest, Lock { file: FileId(id), first, more }))
}

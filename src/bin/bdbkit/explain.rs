//! `bdbkit explain`: what a code in a report means.

use std::io::{self, BufWriter, Write};

use bdbkit::ShowName;
use bdbkit::explain::Explanation;
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::page::{Page, Side, Table};
use crate::{hints, json};

/// Say what a code in a report means, and what to do about it
///
/// Rules of verify (K-ORD), findings of store survey (M-101), steps of store plan (T-RECOVER),
/// refusals (R-RECOVERY) and notices (W-MINKEY) of an upgrade. Without a code all are listed.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One JSON object a line for each code
    #[arg(long)]
    json: bool,

    /// Codes, as reports print them
    codes: Vec<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    code: &'a str,
    title: &'a str,
    meaning: &'a str,
    remedy: &'a str,
    hint: Option<&'a str>,
    sources: &'a [&'a str],
}

impl From<Explanation> for Line<'static> {
    fn from(known: Explanation) -> Line<'static> {
        let Explanation { code, title, meaning, remedy, sources, .. } = known;
        Line { code, title, meaning, remedy, hint: hints::of(code), sources }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let known = |code: &String| {
        let unknown = || format!("{}: no such code (bdbkit explain lists all)", code.shown());
        Explanation::of(code).ok_or_else(|| Failure::Usage(unknown().into()))
    };
    let chosen: Vec<Explanation> = match arguments.codes.as_slice() {
        [] => Explanation::all().collect(),
        codes => codes.iter().map(known).collect::<Result<_, _>>()?,
    };
    let mut page = Page::new(BufWriter::new(io::stdout().lock()));
    if arguments.json {
        chosen
            .into_iter()
            .try_for_each(|known| json::line("explanation", &Line::from(known), &mut page.out))?;
    } else if arguments.codes.is_empty() {
        let mut table = Table::new([("code", Side::Left), ("what it is", Side::Left)]);
        chosen.iter().for_each(|known| table.row([known.code.into(), known.title.into()]));
        page.table(&table)?;
    } else {
        chosen.iter().try_for_each(|known| explain(known, &mut page))?;
    }
    page.out.flush()?;
    Ok(Outcome::Complete)
}

fn explain(known: &Explanation, page: &mut Page<impl Write>) -> io::Result<()> {
    page.line(&format!("{}: {}", known.code, known.title))?;
    page.row("means", known.meaning)?;
    page.row("do", known.remedy)?;
    hints::of(known.code).map_or(Ok(()), |hint| page.row("with", hint))?;
    known.sources.iter().try_for_each(|source| page.row("source", source))
}

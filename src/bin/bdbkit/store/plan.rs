//! `bdbkit store plan`: the way of a store to another release.

use std::io;

use bdbkit::Endianness;
use bdbkit::mboxlist::{PlanOptions, RELEASES, Release, Severity};

use super::survey::Place;
use super::{json, text};
use crate::failure::{Failure, Outcome};
use crate::output::json_line;

/// Say how a store comes to another release, step by step
///
/// Surveys the store and lists the steps in their order: what the product does, what bdbkit
/// does, what is left to the administrator, and what is not possible at all. Writes nothing.
/// Exits with 1 if a step is impossible, or if there is an error or worse on the way, as that
/// the release would not open a database as it is; or if there is no database at all.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The release to go to, as 6.3 or 7u1 (default: the newest whose components are known)
    #[arg(long, value_name = "RELEASE", value_parser = release)]
    target: Option<&'static Release>,

    /// The release that the store comes from, if the files leave that open
    #[arg(long, value_name = "RELEASE", value_parser = release)]
    source: Option<&'static Release>,

    /// The byte order of the machine that the store goes to: little (x86) or big (SPARC)
    #[arg(long, value_name = "little|big", value_parser = order)]
    byte_order: Option<Endianness>,

    #[command(flatten)]
    place: Place,

    /// One JSON object: that of the survey, with the plan
    #[arg(long)]
    json: bool,
}

fn release(text: &str) -> Result<&'static Release, String> {
    Release::find(text).ok_or_else(|| {
        let ids: Vec<_> = RELEASES.iter().map(|release| release.id).collect();
        format!("one of {}", ids.join(", "))
    })
}

fn order(text: &str) -> Result<Endianness, &'static str> {
    match text {
        "little" | "x86" => Ok(Endianness::Little),
        "big" | "sparc" => Ok(Endianness::Big),
        _ => Err("little or big"),
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let survey = arguments.place.survey()?;
    let target = arguments.target.or_else(Release::newest_known);
    let target = target.ok_or_else(|| Failure::Message("no release is known".into()))?;
    let options = arguments.source.into_iter().fold(PlanOptions::new(), PlanOptions::source);
    let options = arguments.byte_order.into_iter().fold(options, PlanOptions::byte_order);
    let plan = options.plan(&survey, target);
    let mut out = io::stdout().lock();
    if arguments.json {
        json_line(&json::plan(&survey, &plan), &mut out)?;
    } else {
        text::plan(&survey, &plan, &mut out)?;
        text::findings(&plan.findings, &mut out)?;
    }
    let possible = plan.possible() && !survey.is_empty();
    Ok(Outcome::complete_if(possible && plan.worst() < Some(Severity::Error)))
}

//! The way of a store to another release, step by step (mboxlist, "The upgrade plan").
//!
//! - `transition`: from which release to which, and whether there is a way at all
//! - `steps`: the steps of that way
//! - `task`: what a step is about

mod steps;
mod task;
mod transition;

pub use task::Task;

use crate::order::Endianness;

use super::job::StepCommand;
use super::releases::Release;
use super::survey::{StoreFinding, StoreSeverity, Survey, Target, judge};

/// How to bring a store to a release: ordered steps, and what is found on the way.
///
/// ```
/// use bdbkit::mboxlist::{Release, StepState, StorePlan, Survey};
///
/// let survey = Survey::of("testdata/mboxlist-ims5-log2-be")?;
/// let target = Release::find("7u1").ok_or("no such release")?;
/// let plan = StorePlan::of(&survey, target);
/// let todo = plan.steps.iter().filter(|step| step.state == StepState::Todo);
/// for step in todo {
///     println!("{}: {}", step.by.name(), step.title);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Nothing is done, and a plan may end with a step that is impossible: that is an answer,
/// too.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StorePlan {
    /// Where the store is to go.
    pub target: &'static Release,
    /// The releases that it may come from, oldest first; none if nothing tells.
    pub source: Vec<&'static Release>,
    /// The steps, in their order.
    pub steps: Vec<PlanStep>,
    /// What is worth knowing about the store on this way.
    pub findings: Vec<StoreFinding>,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanStep {
    /// What it is about.
    pub task: Task,
    /// What is to be done.
    pub title: String,
    /// Who does it.
    pub by: By,
    /// Whether it is to be done.
    pub state: StepState,
    /// What happens if it is left out.
    pub severity: StoreSeverity,
    /// Why, and what to mind.
    pub reason: String,
    /// What does it.
    pub command: Option<StepCommand>,
    /// Another, that does instead.
    pub alternative: Option<StepCommand>,
    /// What else to know of the command, or what to do where there is none.
    pub note: Option<String>,
}

/// Who does a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// A program of the product.
    Product,
    /// This one.
    Bdbkit,
    /// The administrator.
    Operator,
}

impl By {
    /// In one word: `product`, `bdbkit` or `operator`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            By::Product => "product",
            By::Bdbkit => "bdbkit",
            By::Operator => "operator",
        }
    }
}

/// Whether a step is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepState {
    /// Nothing is left to do.
    Done,
    /// It is to be done.
    Todo,
    /// It cannot be done.
    Impossible,
    /// The administrator has to decide.
    Decide,
}

impl StepState {
    /// In one word: `done`, `todo`, `impossible` or `decide`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            StepState::Done => "done",
            StepState::Todo => "todo",
            StepState::Impossible => "impossible",
            StepState::Decide => "decide",
        }
    }
}

/// What a plan is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlanOptions {
    source: Option<&'static Release>,
    order: Option<Endianness>,
}

impl PlanOptions {
    /// The source as the survey has it, and a machine of the same byte order.
    #[must_use]
    pub fn new() -> PlanOptions {
        PlanOptions::default()
    }

    /// The release that the store comes from, if the administrator knows it.
    #[must_use]
    pub fn source(mut self, release: &'static Release) -> PlanOptions {
        self.source = Some(release);
        self
    }

    /// The byte order of the machine that the store goes to.
    #[must_use]
    pub fn byte_order(mut self, order: Endianness) -> PlanOptions {
        self.order = Some(order);
        self
    }

    /// Plans the way to a release.
    #[must_use]
    pub fn plan(&self, survey: &Survey, target: &'static Release) -> StorePlan {
        let source = self.source.map_or_else(|| survey.candidates.last_writer.clone(), |source| vec![source]);
        let steps = transition::steps(survey, &source, target, self.order);
        let findings = judge(survey, Some(Target { release: target, order: self.order }));
        StorePlan { target, source, steps, findings }
    }
}

impl StorePlan {
    /// Plans the way to a release.
    #[must_use]
    pub fn of(survey: &Survey, target: &'static Release) -> StorePlan {
        PlanOptions::new().plan(survey, target)
    }

    /// Whether no step is impossible.
    #[must_use]
    pub fn possible(&self) -> bool {
        self.steps.iter().all(|step| step.state != StepState::Impossible)
    }

    /// The worst severity of all findings.
    #[must_use]
    pub fn worst(&self) -> Option<StoreSeverity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }
}

impl PlanStep {
    fn new(
        task: Task,
        by: By,
        state: StepState,
        title: impl Into<String>,
        reason: impl Into<String>,
    ) -> PlanStep {
        PlanStep {
            task,
            title: title.into(),
            by,
            state,
            severity: StoreSeverity::Info,
            reason: reason.into(),
            command: None,
            alternative: None,
            note: None,
        }
    }

    fn severity(mut self, severity: StoreSeverity) -> PlanStep {
        self.severity = severity;
        self
    }

    fn command(mut self, command: impl Into<StepCommand>) -> PlanStep {
        self.command = Some(command.into());
        self
    }

    fn alternative(mut self, command: impl Into<StepCommand>) -> PlanStep {
        self.alternative = Some(command.into());
        self
    }

    fn note(mut self, note: impl Into<String>) -> PlanStep {
        self.note = Some(note.into());
        self
    }
}

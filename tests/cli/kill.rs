//! Runs of the tool that are killed, at moments spread over their time.

mod convert;
mod recover;
mod restore;
mod store;
mod upgrade;

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::tool::program;

/// The tool with its first arguments.
pub(crate) fn tool(arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// As many kills as `BDBKIT_KILLS` in the environment says.
pub(crate) fn wanted(default: usize) -> usize {
    std::env::var("BDBKIT_KILLS").map_or(default, |kills| kills.parse().unwrap())
}

/// Ends a run at once, or asks it to end as the terminal does.
fn stop(child: &mut Child, interrupt: bool) {
    if interrupt {
        let done =
            Command::new("kill").args(["-INT", &child.id().to_string()]).stderr(Stdio::null()).status();
        assert!(done.is_ok(), "no program named kill");
    } else {
        child.kill().unwrap();
    }
}

/// When a run is stopped.
pub(crate) enum Moment<'m> {
    /// After some time.
    After(Duration),
    /// As soon as this is so.
    When(&'m dyn Fn() -> bool),
}

/// The moments for many runs: spread over the time that one takes, and every fifth of them when it
/// is in the middle of its work, so that such are among them on a machine of any speed.
pub(crate) struct Moments<'m> {
    /// The time that a run takes.
    pub(crate) whole: Duration,
    /// Whether a run is in the middle.
    pub(crate) midway: &'m dyn Fn() -> bool,
}

impl Moments<'_> {
    /// The moment for a run: all parts of it in turn, in no order.
    pub(crate) fn of(&self, run: usize) -> Moment<'_> {
        if run % 5 == 2 { Moment::When(self.midway) } else { Moment::After(self.part(run, 37)) }
    }

    /// A part of the time of a run.
    pub(crate) fn part(&self, run: usize, step: usize) -> Duration {
        self.whole.mul_f64(f64::from(u32::try_from(run * step % 101).unwrap()) / 100.0)
    }

    /// A run had ended before its moment came: others may, too.
    pub(crate) fn was_late(&mut self, run: usize) {
        if let Moment::After(time) = self.of(run) {
            self.whole = time;
        }
    }
}

/// Starts a run and stops it at a moment; whether it was still running.
pub(crate) fn killed(mut run: Command, moment: Moment<'_>, interrupt: bool) -> bool {
    let mut child = run.spawn().unwrap();
    match moment {
        Moment::After(time) => sleep(time),
        Moment::When(midway) => while !midway() && child.try_wait().unwrap().is_none() {},
    }
    stop(&mut child, interrupt);
    let output = child.wait_with_output().unwrap();
    let by_signal = output.status.signal().is_some();
    assert!(by_signal || output.status.success() || too_late(&output), "{}", told(&output));
    by_signal
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether all files were new already, so that rolling back was refused.
fn too_late(output: &Output) -> bool {
    let words = ["can no longer be rolled back", "too late to bring the old file back"];
    output.status.code() == Some(1) && words.iter().any(|words| told(output).contains(words))
}

/// How a folder stands after a run, or after one that was killed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    /// All files are new.
    pub(crate) new: bool,
    /// All files are old.
    pub(crate) old: bool,
    /// Something is there that was not before: a journal, a set file, copies.
    pub(crate) leftovers: bool,
    /// A file is half-written.
    pub(crate) half_written: bool,
}

/// A run that may be killed.
pub(crate) struct Victim<'v> {
    /// The run, with arguments of its own.
    pub(crate) tool: &'v dyn Fn(&[&str]) -> Command,
    /// Puts everything back as it was before.
    pub(crate) restore: &'v dyn Fn(),
    /// How the folder stands.
    pub(crate) state: &'v dyn Fn() -> State,
    /// Whether something is in the folder that was not before, by names alone: asked while it runs.
    pub(crate) midway: &'v dyn Fn() -> bool,
    /// The arguments of the later runs, in turn: what is left when they end must be new or old.
    pub(crate) later: &'v [&'v str],
    /// Every so many later runs are killed once, too.
    pub(crate) again: usize,
}

#[derive(Debug, Default)]
struct Seen {
    kills: usize,
    /// Kills that left something behind.
    in_the_middle: usize,
    /// Those that left a half-written file.
    half_written: usize,
    /// Later runs that were killed in turn.
    again: usize,
    new: usize,
    old: usize,
}

impl Seen {
    /// Whether a kill fell into the middle, and in a long test every kind of them was there.
    fn enough(&self, wanted: usize) -> bool {
        let all_kinds = [self.half_written, self.again, self.new, self.old].iter().all(|&count| count > 0);
        self.in_the_middle > 0 && (all_kinds || wanted < 100)
    }
}

impl Victim<'_> {
    /// Kills it, so many times unless the environment says otherwise. `check` sees each later
    /// run that came to its end: its argument, and how the folder stands then.
    pub(crate) fn survives(&self, default: usize, check: impl Fn(&str, State)) {
        let wanted = wanted(default);
        (self.restore)();
        let began = Instant::now();
        let output = (self.tool)(&[]).output().unwrap();
        let mut moments = Moments { whole: began.elapsed(), midway: self.midway };
        let state = (self.state)();
        assert!(output.status.success() && state.new && !state.leftovers, "{}", told(&output));

        let mut seen = Seen::default();
        for run in 0..10 * wanted {
            if seen.kills >= wanted && seen.enough(wanted) {
                break;
            }
            (self.restore)();
            if !killed((self.tool)(&[]), moments.of(run), run % 5 == 0) {
                assert!((self.state)().new, "a run that came to its end");
                moments.was_late(run);
                continue;
            }
            seen.kills += 1;
            let state = (self.state)();
            seen.in_the_middle += usize::from(state.leftovers);
            seen.half_written += usize::from(state.half_written);
            let wish = self.later[run % self.later.len()];
            if run % self.again == 0 {
                let moment = Moment::After(moments.part(run, 53));
                seen.again += usize::from(killed((self.tool)(&[wish]), moment, false));
            }
            let output = (self.tool)(&[wish]).output().unwrap();
            if too_late(&output) {
                let output = (self.tool)(&["--resume"]).output().unwrap();
                assert!(output.status.success() && (self.state)().new, "{}", told(&output));
            } else {
                assert!(output.status.success(), "{wish}: {}", told(&output));
            }
            let state = (self.state)();
            let printed = String::from_utf8_lossy(&output.stdout);
            assert!(state.new || state.old, "a mixture after {wish}: {printed}");
            assert!(!state.leftovers, "something was left behind after {wish}");
            check(wish, state);
            seen.new += usize::from(state.new);
            seen.old += usize::from(state.old);
        }
        println!("a run takes {:.0?}; {seen:?}", moments.whole);
        assert!(seen.kills > 0 && seen.enough(wanted), "{seen:?}");
    }
}

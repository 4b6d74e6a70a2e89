//! Work on all processors.

use std::thread::{Builder, available_parallelism, scope};

/// Does work of so many parts, which it takes one by one, on as many threads as there are processors: on
/// this one alone where no others are to be had.
pub(super) fn run(parts: usize, work: impl Fn() + Sync) {
    // Asking the system takes longer than small work.
    let threads = if parts > 1 { available_parallelism().map_or(1, |threads| threads.get()) } else { 1 };
    scope(|scope| {
        for _ in 1..threads.min(parts) {
            if Builder::new().spawn_scoped(scope, &work).is_err() {
                break;
            }
        }
        work();
    });
}

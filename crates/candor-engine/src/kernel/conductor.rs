//! A thread that takes work from others and lets them wait for it, without asking for memory.
//!
//! A thread pool takes work from outside through a queue that allocates now and then, and a training step must not. So one
//! thread of the pool waits here for all its life; what it is given it does inside the pool, where work is shared out
//! through queues that have their memory.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Hands work from any thread to the one that is in [`Conductor::conduct`].
#[derive(Default)]
pub(crate) struct Conductor {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
enum State {
    /// Waiting for work.
    #[default]
    Free,
    Asked(Task),
    Busy,
    Done(Result<(), Box<dyn Any + Send>>),
    /// There will be no more work.
    Over,
}

/// Work that lives on the stack of the thread that waits for it.
struct Task(*mut (dyn FnMut() + Send));

// SAFETY: what is pointed to may be sent, and only the thread that takes the task touches it until it is done.
unsafe impl Send for Task {}

impl Conductor {
    /// Does what is asked for until [`Conductor::end`].
    pub fn conduct(&self) {
        loop {
            let mut state = self.wait(|state| matches!(state, State::Asked(_) | State::Over));
            let State::Asked(task) = std::mem::replace(&mut *state, State::Busy) else {
                *state = State::Over;
                return;
            };
            drop(state);
            // SAFETY: `run` keeps the closure alive, and does not touch it, until it sees `Done`.
            let outcome = catch_unwind(AssertUnwindSafe(|| unsafe { (*task.0)() }));
            self.change(self.state(), State::Done(outcome));
        }
    }

    /// Does `work` on the conducting thread, and waits for what comes of it. A panic there goes on here.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let (mut work, mut result) = (Some(work), None);
        let mut task = || result = work.take().map(|work| work());
        let task: &mut (dyn FnMut() + Send) = &mut task;
        // SAFETY: only the lifetime is forgotten, and this function does not return before the task is done.
        let task = Task(unsafe {
            std::mem::transmute::<*mut (dyn FnMut() + Send + '_), *mut (dyn FnMut() + Send)>(task)
        });
        let free = self.wait(|state| matches!(state, State::Free));
        self.change(free, State::Asked(task));
        let mut done = self.wait(|state| matches!(state, State::Done(_)));
        let outcome = std::mem::replace(&mut *done, State::Free);
        drop(done);
        // Another thread may be waiting for its turn.
        self.changed.notify_all();
        if let State::Done(Err(panic)) = outcome {
            resume_unwind(panic);
        }
        result.expect("the work is done")
    }

    /// Lets the conducting thread go.
    pub fn end(&self) {
        self.change(self.state(), State::Over);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, until: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waiting = self.changed.wait_while(self.state(), |state| !until(state));
        waiting.unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, mut state: MutexGuard<'_, State>, to: State) {
        *state = to;
        drop(state);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_from_several_threads_is_done_one_by_one_and_panics_come_back() {
        let conductor = Conductor::default();
        std::thread::scope(|scope| {
            scope.spawn(|| conductor.conduct());
            let total = Mutex::new(0);
            std::thread::scope(|scope| {
                for number in 0..4 {
                    let (conductor, total) = (&conductor, &total);
                    scope.spawn(move || {
                        for _ in 0..50 {
                            let sum = conductor.run(|| {
                                let mut total = total.try_lock().expect("nobody else works");
                                *total += number;
                                *total
                            });
                            assert!(sum >= number);
                        }
                    });
                }
            });
            assert_eq!(*total.lock().unwrap(), 50 * (1 + 2 + 3));
            let panic = catch_unwind(AssertUnwindSafe(|| conductor.run(|| panic!("as meant"))));
            assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"as meant"));
            assert_eq!(conductor.run(|| 7), 7);
            conductor.end();
        });
    }
}

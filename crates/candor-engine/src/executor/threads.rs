//! The threads that a compiled network computes on. They stay alive between steps.

use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::EngineError;
use crate::kernel::Conductor;

/// A pool of threads, one of which takes work from outside.
pub(super) struct Threads {
    pool: ThreadPool,
    conductor: Arc<Conductor>,
}

impl Threads {
    /// So many threads; 0 for one on each core.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(count: usize) -> Result<Threads, EngineError> {
        let builder =
            ThreadPoolBuilder::new().num_threads(count).thread_name(|i| format!("candor-engine-{i}"));
        let pool = builder.build().map_err(|error| EngineError::NoThreads(error.to_string()))?;
        let conductor = Arc::new(Conductor::default());
        let inside = Arc::clone(&conductor);
        pool.spawn(move || inside.conduct());
        Ok(Threads { pool, conductor })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Does `work` inside the pool, and waits for it. What is inside already goes on there: to hand work over takes as
    /// long as a small layer.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        if self.pool.current_thread_index().is_some() { work() } else { self.conductor.run(work) }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.conductor.end();
    }
}

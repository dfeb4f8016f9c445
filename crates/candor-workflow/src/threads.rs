//! How many threads work on the pictures. The engine has threads of its own.

use rayon::ThreadPoolBuilder;

/// Runs `work`, whose parallel parts use `threads` threads; 0 for all cores.
pub(crate) fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    if threads == 0 {
        return work();
    }
    match ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        // A machine that gives no threads can still do it on this one.
        Err(_) => work(),
    }
}

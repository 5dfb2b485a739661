//! Exit codes with which a worker says why it ended. Z3 itself calls `exit(101)`, which is also a Rust panic's code.

/// The worker could not start; the reason is on its standard error.
pub const CANNOT_START: i32 = 90;
/// The other end broke the framing.
pub const BAD_FRAME: i32 = 91;
/// Z3 called `exit`.
pub const SOLVER_EXIT: i32 = 93;
/// The worker's own code panicked.
pub const PANIC: i32 = 94;
/// Z3 ended the process while the memory limit was near.
pub const MEMORY: i32 = 95;
/// Z3 ran into the end of its stack.
pub const STACK: i32 = 96;

//! The few calls of Z3: a fresh context, options through the API, one text in and one text out.
//!
//! Owns every `unsafe` call of the library. Knows nothing of verdicts. What it gets must have been printed by the
//! normaliser: Z3 answers `sat` to some malformed scripts, and options stay set for the whole process.

use std::ffi::{CStr, CString};
use z3_sys::{ErrorCode, Z3_context};

/// Why a text has no output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SolverFault {
    #[error("the solver made no context")]
    NoContext,
    #[error("the text has a NUL in it")]
    Nul,
    #[error("{0}")]
    Reported(String),
}

/// One context of Z3: it sees one proof and is thrown away.
pub struct Context(Z3_context);

impl Context {
    /// Resets the options, which are global to the process, and makes a context. Costs about 1 ms.
    ///
    /// # Errors
    /// If the library makes none.
    pub fn fresh() -> Result<Context, SolverFault> {
        reset_options();
        // SAFETY: the configuration is used for one context and freed; both calls have no other preconditions.
        unsafe {
            let configuration = z3_sys::Z3_mk_config().ok_or(SolverFault::NoContext)?;
            let context = z3_sys::Z3_mk_context(configuration);
            z3_sys::Z3_del_config(configuration);
            let context = Context(context.ok_or(SolverFault::NoContext)?);
            // The library's own handler prints to standard output and ends the process.
            z3_sys::Z3_set_error_handler(context.0, None);
            Ok(context)
        }
    }

    /// The same, and begins to read a text, which takes another third of that. Some options are read then: one that is set
    /// later does not hold in this context.
    ///
    /// # Errors
    /// If the library makes none.
    pub fn begun() -> Result<Context, SolverFault> {
        let mut context = Context::fresh()?;
        context.eval("")?;
        Ok(context)
    }

    /// Runs commands and returns their output. State is kept between calls.
    ///
    /// # Errors
    /// Whenever the library's error code is not zero, whatever it printed.
    pub fn eval(&mut self, text: &str) -> Result<String, SolverFault> {
        let text = CString::new(text).map_err(|_| SolverFault::Nul)?;
        // SAFETY: the context is live, and both strings that come back are copied before the next call.
        unsafe {
            let output = copy(z3_sys::Z3_eval_smtlib2_string(self.0, text.as_ptr()));
            let code = z3_sys::Z3_get_error_code(self.0);
            if code == ErrorCode::Ok {
                Ok(output)
            } else {
                Err(SolverFault::Reported(copy(z3_sys::Z3_get_error_msg(self.0, code))))
            }
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: made by `fresh`, and never used after this.
        unsafe { z3_sys::Z3_del_context(self.0) }
    }
}

/// Copies a string that belongs to the library.
///
/// # Safety
/// `text` is null or a NUL-terminated string.
unsafe fn copy(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, and by contract terminated.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Sets one option for the whole process, until the next reset. Both come from the normaliser's exact list.
pub fn set_option(name: &str, value: &str) {
    z3::set_global_param(name, value);
}

/// Sets the seeds of all of the solver's pseudo-random choices, until the next reset. No script can: they are not in the
/// normaliser's list.
pub fn set_seed(seed: u32) {
    for name in ["smt.random_seed", "sat.random_seed", "nlsat.seed", "sls.random_seed", "fp.spacer.random_seed"] {
        z3::set_global_param(name, &seed.to_string());
    }
}

/// Takes back every option, and switches the solver's warnings off: a pattern that misses a variable, or options that do not
/// go together, would otherwise be told before the answer, and the output would be no answer any more. The library's own
/// reset leaves `verbose` as it was, and turns warnings on.
pub fn reset_options() {
    z3::reset_all_global_params();
    z3::set_global_param("verbose", "0");
    z3::set_global_param("warning", "false");
}

/// What the library says of its version; for people only.
pub fn version() -> String {
    z3::full_version().to_owned()
}

/// An address inside the library, by which the loaded file is found.
pub fn address() -> usize {
    z3_sys::Z3_eval_smtlib2_string as *const () as usize
}

//! Says what a panic was about and where it happened.
//!
//! The unwinding payload carries the text but not the place, so a hook notes the place for the thread that panics. The
//! hook that was there before runs only where nobody catches the panic. Where backtraces are asked for, that of a panic
//! which is caught is taken as addresses, and a thread of its own finds their names and prints it: that takes half a second,
//! and the actor starts anew meanwhile.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        let wants_backtraces = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
        std::panic::set_hook(Box::new(move |info| {
            // During the end of a thread its locals may be gone; the place is then unknown, which is harmless.
            let _ = PLACE.try_with(|place| {
                *place.borrow_mut() = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
            });
            if !IS_CAUGHT.try_with(Cell::get).unwrap_or(false) {
                previous(info);
            } else if wants_backtraces {
                print_elsewhere(info.to_string(), Backtrace::force_capture());
            }
        }));
    });
}

/// Names of functions are found when a backtrace is printed, and not before.
fn print_elsewhere(panic: String, backtrace: Backtrace) {
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    let print = move || {
        let text = format!("thread {thread:?}: {panic}\n{backtrace}\n");
        // Without a standard error there is nobody to read it.
        let _ = std::io::stderr().write_all(text.as_bytes());
    };
    // Without a thread the panic is still reported by the caller that caught it, without its backtrace.
    let _ = std::thread::Builder::new().name("backtrace".into()).spawn(print);
}

/// What a panic said, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panic {
    pub text: String,
    /// `file:line`, if the thread still knew.
    pub place: Option<String>,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{} ({place})", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Runs `action`; a panic becomes a value.
///
/// # Errors
/// The panic.
pub fn caught<T>(action: impl FnOnce() -> T) -> Result<T, Panic> {
    let before = IS_CAUGHT.replace(true);
    let result = catch_unwind(AssertUnwindSafe(action));
    IS_CAUGHT.set(before);
    result.map_err(|payload| {
        let text = describe(payload.as_ref());
        // A payload may panic when it is dropped; that one is not worth a process.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        Panic { text, place: PLACE.with(|place| place.borrow_mut().take()) }
    })
}

fn describe(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a text").to_owned()
}

//! Says what a panic was about and where it happened.
//!
//! The unwinding payload carries the text but not the place, so a hook notes the place for the thread that panics. The
//! hook that was there before still runs.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

pub(super) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // During the end of a thread its locals may be gone; the place is then unknown, which is harmless.
            let _ = PLACE.try_with(|place| {
                *place.borrow_mut() = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
            });
            previous(info);
        }));
    });
}

/// Runs `action`; a panic becomes its description.
pub(crate) fn caught<T>(action: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(action)).map_err(|payload| describe(payload.as_ref()))
}

fn describe(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a text");
    match PLACE.with(|place| place.borrow_mut().take()) {
        Some(place) => format!("{text} ({place})"),
        None => text.to_owned(),
    }
}

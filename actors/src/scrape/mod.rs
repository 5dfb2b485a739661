//! The page of metrics that Prometheus reads.
//!
//! | file | owns |
//! |---|---|
//! | [`page`] | the page, and where it looks |
//! | [`gather`] | what is read when a page is made |
//! | [`process`] | what the system reports of this process and its disk |
//!
//! A page waits for no actor: it is made of counters, of what parts publish, and of what can be observed of them from
//! outside. Nothing but the node imports it.

mod gather;
mod page;
mod process;
#[cfg(test)]
mod tests;

pub use page::{Page, Sources};

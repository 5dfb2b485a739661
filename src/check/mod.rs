//! `pop check`: whole projects, each obligation looked up first and checked only if it is not known.
//!
//! | file | what it owns |
//! |---|---|
//! | [`settings`] | what a run is asked to do, and its limits |
//! | [`paths`], [`glob`] | which files are meant |
//! | [`reader`], [`work`], [`steps`] | reading them on several threads, looking them up, and what comes of that |
//! | [`keys`], [`cache`], [`lasting`] | under which keys a finding is remembered, where, and which one is |
//! | [`local`] | the workers on this machine |
//! | [`series`] | which queries of a log are asked together |
//! | [`node`], [`again`] | a network in their place, and the scripts that it is given |
//! | [`run`] | who gets what next, until everything is done or Ctrl-C |
//! | [`outcome`], [`findings`], [`account`] | what one obligation came to, what is told of it, and all of them |
//! | [`explained`], [`stability`] | what is asked besides: why one holds, and whether it does with other seeds |
//! | [`place`], [`cut_name`] | where in the source it comes from |
//! | [`progress`], [`report`] | what is shown while it runs, and afterwards |

pub mod account;
mod again;
mod cache;
mod cut_name;
pub mod explained;
mod findings;
pub mod glob;
mod interrupt;
mod keys;
mod lasting;
mod local;
mod node;
pub mod outcome;
pub mod paths;
pub mod place;
mod progress;
mod reader;
pub mod report;
mod run;
mod series;
pub mod settings;
pub mod stability;
mod steps;
mod work;

pub use run::run;

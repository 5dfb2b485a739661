//! Validators of the run's own: a testnet of processes, started again when they die, stopped at the end. A network that was
//! running before is left to whoever runs it.

use super::schedule::Entry;
use crate::exit::{Exit, Failure};
use crate::testnet::{self, Site, Validators};
use protocol::types::Stake;
use std::path::{Path, PathBuf};
use std::time::Duration;

const STAKE: Stake = Stake(10_000);
const START_DEADLINE: Duration = Duration::from_secs(60);

pub enum Fleet {
    Own(Box<Own>),
    Foreign,
}

pub struct Own {
    validators: Validators,
    site: Site,
}

/// A process of ours that ended.
pub struct Ended {
    pub node: String,
    pub status: String,
    /// With the code by which supervision gives up.
    pub gave_up: bool,
}

impl Fleet {
    /// Starts a testnet with its administrators' routes on, and waits until it makes blocks.
    ///
    /// # Errors
    /// If it cannot be made or does not start.
    pub fn start(nodes: u16, folder: &Path) -> Result<Fleet, Failure> {
        let plan = testnet::Plan {
            nodes,
            stake: STAKE,
            duration: Duration::ZERO,
            until_done: false,
            interval: None,
            tasks: Vec::new(),
            folder: folder.to_owned(),
            admin: true,
            output: PathBuf::new(),
        };
        let site = Site::make(&plan)?;
        let mut validators = Validators::start(&site)?;
        validators.await_quorum(&site, START_DEADLINE)?;
        Ok(Fleet::Own(Box::new(Own { validators, site })))
    }

    pub fn foreign() -> Fleet {
        Fleet::Foreign
    }

    pub fn is_own(&self) -> bool {
        match self {
            Fleet::Own(_) => true,
            Fleet::Foreign => false,
        }
    }

    /// Where a network of ours has its files.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Fleet::Own(own) => Some(&own.site.folder),
            Fleet::Foreign => None,
        }
    }

    /// A fault is about to be done that ends a process on purpose.
    pub fn expect(&mut self, _entry: &Entry) {}

    /// Notices who ended, and starts it again when its time has come.
    pub fn tend(&mut self) -> Vec<Ended> {
        let Fleet::Own(own) = self else { return Vec::new() };
        let ended = own.validators.ended().into_iter();
        let told = |ended: testnet::Ended| Ended {
            node: ended.node_id.to_string(),
            gave_up: ended.status.code() == Some(i32::from(Exit::Internal as u8)),
            status: ended.status.to_string(),
        };
        ended.map(told).collect()
    }

    pub fn stop(&mut self) {
        if let Fleet::Own(own) = self {
            own.validators.stop();
        }
    }
}

//! The run's own validators: a testnet of processes, restarted when they die, stopped at the end. A network that was
//! running before is left as it is.

use super::schedule::Entry;
use super::target::Fault;
use crate::exit::{Exit, Failure};
use crate::testnet::restart::{RestartPolicy, Then};
use crate::testnet::validators::{Happened, How};
use crate::testnet::{self, Site, Validators};
use protocol::types::Stake;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const STAKE: Stake = Stake(10_000);
/// Between the request to stop and SIGKILL.
const GRACE: Duration = Duration::from_secs(10);

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
    /// With the exit code of a supervision that exceeded its limit.
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
            variants: None,
            folder: folder.to_owned(),
            ports: testnet::Ports::Free,
            admin: true,
            restart: true,
            prometheus: None,
            output: PathBuf::new(),
        };
        testnet::check_machine(nodes)?;
        let site = Site::make(&plan)?;
        // The limits of every testnet: what ends more often than that is not to be hidden here.
        let mut validators = Validators::start(&site, RestartPolicy::default())?;
        validators.await_quorum(&site, testnet::start_deadline(nodes), |_, _| true)?;
        validators.release(|_| true);
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

    /// A fault is about to be done. A validator that is asked to stop would not be restarted unless this says so.
    pub fn expect(&mut self, entry: &Entry) {
        if let (Fleet::Own(own), Fault::Restart) = (self, entry.fault) {
            own.validators.hold(|node| node.as_str() == entry.target.node);
        }
    }

    /// Notices who ended, and starts it again when its time has come.
    pub fn tend(&mut self) -> Vec<Ended> {
        let Fleet::Own(own) = self else { return Vec::new() };
        let mut told = Vec::new();
        for happened in own.validators.look() {
            let Happened::Ended(ended) = happened else { continue };
            if matches!(ended.then, Then::Held) {
                own.validators.release(|node| *node == ended.node_id);
            }
            let code = match &ended.how {
                How::Status(status) => status.code(),
                How::NotMade(_) => None,
            };
            let then = match &ended.then {
                Then::Stays(stays) => format!("; {stays}"),
                Then::Again(_) | Then::Held => String::new(),
            };
            told.push(Ended {
                node: ended.node_id.to_string(),
                status: format!("{}{then}", ended.how),
                gave_up: code == Some(i32::from(Exit::Internal as u8)),
            });
        }
        told
    }

    pub fn stop(&mut self) {
        if let Fleet::Own(own) = self {
            own.validators.stop(Instant::now() + GRACE);
        }
    }
}

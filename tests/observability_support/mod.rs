//! What the tests of dashboards, rules and alerts share: the real Prometheus and Alertmanager, and readers of what they are
//! given.
#![allow(dead_code)]

pub mod dashboards;
pub mod expressions;
pub mod lists;
pub mod load;
pub mod project;
pub mod servers;
pub mod shorten;
pub mod site;

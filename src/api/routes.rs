//! Every route of the API, and what it may do to the node.
//!
//! A route that is not in this table does not exist, so whoever adds one says here what it changes. Anything that changes
//! the node is an administrator's ([`super::admin`]), who has this machine and its files.

use super::live::{self, events};
use super::{
    Api, batch, blocks, health, ledger, listing, lookup, metrics, openapi, page, proofs, search, status, tree,
};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, get, post};
use std::sync::Arc;

/// What a request may do to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// It reads, and leaves nothing behind.
    Nothing,
    /// It takes in a proof that its submitter signed, from anybody, by purpose: bounded by the mempool.
    Submissions,
    /// It makes the node fail, for a test: an administrator's, and off unless the configuration turns it on.
    Actors,
}

/// One path with its method. Only the tests ask what is known of it.
pub struct Route {
    #[cfg_attr(not(test), allow(dead_code))]
    pub method: &'static str,
    pub path: &'static str,
    #[cfg_attr(not(test), allow(dead_code))]
    pub changes: Changes,
    handler: fn() -> MethodRouter<Arc<Api>>,
}

pub const ROUTES: &[Route] = &[
    Route { method: "GET", path: "/", changes: Changes::Nothing, handler: || get(page::show) },
    Route { method: "GET", path: "/page/{file}", changes: Changes::Nothing, handler: || get(page::file) },
    Route { method: "GET", path: "/v1/overview", changes: Changes::Nothing, handler: || get(live::overview) },
    Route { method: "GET", path: "/v1/events", changes: Changes::Nothing, handler: || get(events::listen) },
    Route { method: "GET", path: "/v1/search", changes: Changes::Nothing, handler: || get(search::show) },
    Route { method: "GET", path: "/v1/proofs", changes: Changes::Nothing, handler: || get(listing::show) },
    Route { method: "POST", path: "/v1/proofs", changes: Changes::Submissions, handler: || post(proofs::submit) },
    Route { method: "POST", path: "/v1/proofs/batch", changes: Changes::Submissions, handler: || post(batch::submit) },
    Route {
        method: "POST",
        path: "/v1/proofs/lookup",
        changes: Changes::Nothing,
        handler: || post(lookup::look_up).layer(DefaultBodyLimit::max(lookup::BODY_BYTES_MAX)),
    },
    Route { method: "GET", path: "/v1/proofs/{id}", changes: Changes::Nothing, handler: || get(proofs::find) },
    Route {
        method: "GET",
        path: "/v1/proofs/{id}/script",
        changes: Changes::Nothing,
        handler: || get(listing::script),
    },
    Route { method: "GET", path: "/v1/blocks", changes: Changes::Nothing, handler: || get(blocks::list) },
    Route { method: "GET", path: "/v1/blocks/{sequence}", changes: Changes::Nothing, handler: || get(blocks::show) },
    Route { method: "GET", path: "/v1/status", changes: Changes::Nothing, handler: || get(status::show) },
    Route { method: "GET", path: "/v1/why", changes: Changes::Nothing, handler: || get(health::why) },
    Route { method: "GET", path: "/health", changes: Changes::Nothing, handler: || get(health::fit) },
    Route { method: "GET", path: "/ready", changes: Changes::Nothing, handler: || get(health::ready) },
    Route { method: "GET", path: "/v1/ledger", changes: Changes::Nothing, handler: || get(ledger::show) },
    Route { method: "GET", path: "/v1/actors", changes: Changes::Nothing, handler: || get(tree::show) },
    Route { method: "POST", path: "/v1/admin/kill", changes: Changes::Actors, handler: || post(tree::kill) },
    Route { method: "GET", path: "/v1/openapi.json", changes: Changes::Nothing, handler: || get(openapi::show) },
    Route { method: "GET", path: "/metrics", changes: Changes::Nothing, handler: || get(metrics) },
];

pub fn router() -> Router<Arc<Api>> {
    ROUTES.iter().fold(Router::new(), |router, route| router.route(route.path, (route.handler)()))
}

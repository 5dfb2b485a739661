//! The API as an OpenAPI document, made from the handlers and from what they take and answer; served as
//! `/v1/openapi.json`.
//!
//! A test holds the answers of running
//! validators against it, so that neither can change without the other.

use axum::Json;
use std::sync::LazyLock;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Proof-of-Proof",
        description = "Submitting proofs to a validator, and finding out what became of them. Hashes, keys and signatures are \
                       hexadecimal; stakes are whole tokens, amounts micro-tokens, times milliseconds."
    ),
    paths(
        super::page::show,
        super::page::file,
        super::live::overview,
        super::live::events::listen,
        super::search::show,
        super::listing::show,
        super::listing::script,
        super::proofs::submit,
        super::batch::submit,
        super::lookup::look_up,
        super::proofs::find,
        super::blocks::list,
        super::blocks::show,
        super::status::show,
        super::health::why,
        super::health::fit,
        super::health::ready,
        super::ledger::show,
        super::tree::show,
        super::tree::kill,
        super::metrics,
        show,
    ),
    // A tree names itself, and so is found by name only.
    components(schemas(super::tree::MemberView))
)]
struct Document;

static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(Document::openapi);

/// This document.
#[utoipa::path(get, path = "/v1/openapi.json", responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub async fn show() -> Json<&'static utoipa::openapi::OpenApi> {
    Json(&DOCUMENT)
}

//! The administrator: whoever is on this machine and can read the token's file.
//!
//! Off unless the configuration turns it on. The token is made anew at each start and only the validator's user can read
//! it; a request needs it, and must come over loopback to an address on loopback.

use super::error::ApiError;
use super::guard::Turn;
use super::{Api, Shared};
use actors::randomness::{NoRandomness, random_bytes};
use actors::storage::files::{self, Existing, FileError};
use axum::extract::{FromRequestParts, State};
use axum::http::header;
use axum::http::request::Parts;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// In the data directory.
const FILE_NAME: &str = "admin_token";

/// Where a validator's token is.
pub fn token_path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE_NAME)
}

/// What a request must show. Only its hash is kept.
#[derive(Debug, Clone)]
pub struct Token(blake3::Hash);

/// Why there is no administrator.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error("the administrator's token cannot be written: {0}")]
    File(#[from] FileError),
}

impl Token {
    /// Makes a new token and writes it, as 64 hexadecimal digits, where only this user can read it.
    ///
    /// # Errors
    /// If the system gives no randomness or the file cannot be written.
    pub fn make(data_dir: &Path) -> Result<Token, TokenError> {
        let text = hex::encode(random_bytes()?);
        files::write_whole(&token_path(data_dir), format!("{text}\n").as_bytes(), 0o600, Existing::Replace)?;
        Ok(Token(blake3::hash(text.as_bytes())))
    }

    /// In constant time: hashes are compared so.
    fn is(&self, shown: &str) -> bool {
        blake3::hash(shown.as_bytes()) == self.0
    }
}

/// A request that may change the node. Taken before the body, so that nobody else's body is read for it.
#[derive(Debug)]
pub struct Administrator;

impl FromRequestParts<Arc<Api>> for Administrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Administrator, ApiError> {
        let State(api): Shared = State(Arc::clone(api));
        let Some(token) = &api.node.admin else {
            return Err(ApiError::forbidden("the administrator's requests are off; admin.enabled turns them on"));
        };
        let Ok(turn) = Turn::from_request_parts(parts, &()).await;
        if !api.loopback || !turn.from.is_loopback() {
            return Err(ApiError::forbidden(
                "the administrator's requests come over loopback, to http.address on loopback",
            ));
        }
        let shown = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match shown.and_then(|value| value.strip_prefix("Bearer ")) {
            Some(shown) if token.is(shown.trim()) => Ok(Administrator),
            Some(_) => Err(ApiError::unauthorized("this is not the token that this validator made at its start")),
            None => Err(ApiError::unauthorized(
                "send Authorization: Bearer and what is in admin_token, in the data directory",
            )),
        }
    }
}

//! Why a validator did not report something that an invariant is judged by.

use crate::exit::Failure;

#[derive(Debug, thiserror::Error)]
pub enum Unreported {
    /// It does not answer, or refuses; in the client's words.
    #[error(transparent)]
    Unanswered(#[from] Failure),
    /// The same of a request that says it shortly.
    #[error(transparent)]
    Unreached(#[from] ureq::Error),
    #[error("GET {path} answers {status}")]
    Status { path: &'static str, status: ureq::http::StatusCode },
    /// The answer is of another form.
    #[error("GET {path}: {error}")]
    OtherForm { path: &'static str, error: serde_json::Error },
    #[error("GET {path}: {error}")]
    Unread { path: &'static str, error: ureq::Error },
    /// The blocks in an answer are.
    #[error(transparent)]
    OtherBlocks(#[from] serde_json::Error),
}

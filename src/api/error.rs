//! Errors as the API tells them: a stable name for programs, a sentence for people, and the place in a script.

use actors::mempool::SubmitError;
use actors::supervision::AskError;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::mempool::Refusal;
use protocol::types::Millis;
use serde::Serialize;

/// An actor is rebuilt, and a submission looked at, in less.
const A_MOMENT: Millis = Millis(1_000);

/// What is sent as the body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// One of the names in `docs/API_REFERENCE.md`; never changes its meaning.
    pub error: &'static str,
    pub message: String,
    /// In the script, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The proof that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// Ids that begin as the one that was given; at most ten.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub candidates: Box<[String]>,
    /// Seconds after which the same request may be taken; the header `Retry-After` says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    body: ErrorBody,
}

impl ApiError {
    fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> ApiError {
        let body = ErrorBody {
            error,
            message: message.into(),
            line: None,
            column: None,
            proof: None,
            candidates: Box::default(),
            retry_after: None,
        };
        ApiError { status, body }
    }

    /// For an answer that holds several.
    pub fn into_body(self) -> ErrorBody {
        self.body
    }

    /// An actor does not answer in time.
    pub fn silent(who: &str) -> ApiError {
        ApiError::unavailable(format!("{who} does not answer"))
    }

    pub fn bad_request(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    pub fn not_found(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// Several ids begin as the one that was given; of these at most so many are named.
    pub fn ambiguous(message: impl Into<String>, candidates: Vec<String>) -> ApiError {
        let mut error = ApiError::new(StatusCode::CONFLICT, "ambiguous", message);
        error.body.candidates = candidates.into();
        error
    }

    pub fn method_not_allowed() -> ApiError {
        let message = "this path does not take that method; docs/API_REFERENCE.md lists them";
        ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    }

    pub fn foreign_host() -> ApiError {
        let message = "the Host or Origin header names another machine, and this API is for programs on this one";
        ApiError::new(StatusCode::FORBIDDEN, "foreign_host", message)
    }

    /// What is asked for is not allowed, whoever asks.
    pub fn forbidden(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub fn unauthorized(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    pub fn busy(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, "busy", message).retry_after(Some(A_MOMENT))
    }

    /// Says when to come back, in whole seconds, never sooner.
    fn retry_after(mut self, span: Option<Millis>) -> ApiError {
        self.body.retry_after = span.map(|span| span.0.div_ceil(1_000).max(1));
        self
    }

    pub fn too_slow() -> ApiError {
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the request took too long")
    }

    pub fn too_large(bytes_max: u64) -> ApiError {
        let message = format!("the body is too large: scripts have at most {bytes_max} bytes in this network");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// A body that holds no script.
    pub fn too_large_body(of: &str, bytes_max: usize) -> ApiError {
        let message = format!("the body is too large: {of} take at most {bytes_max} bytes");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    pub fn no_claim() -> ApiError {
        let message = "no answer is claimed: give claim as \"sat\" or \"unsat\", or write (set-info :status …)";
        ApiError::new(StatusCode::BAD_REQUEST, "no_claim", message)
    }

    /// An actor is down, is being rebuilt, or does not answer.
    pub fn unavailable(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message).retry_after(Some(A_MOMENT))
    }

    pub fn internal(message: impl std::fmt::Display) -> ApiError {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message.to_string())
    }
}

impl<M> From<AskError<M>> for ApiError {
    fn from(error: AskError<M>) -> ApiError {
        ApiError::unavailable(error.to_string())
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> ApiError {
        let message = error.to_string();
        match error {
            SubmitError::TooLong { max, .. } => {
                ApiError { body: ErrorBody { message, ..ApiError::too_large(max).body }, ..ApiError::too_large(max) }
            }
            SubmitError::BadSignature => ApiError::new(StatusCode::BAD_REQUEST, "bad_signature", message),
            SubmitError::Busy { .. } => ApiError::busy(message),
            SubmitError::Failed(_) => ApiError::unavailable(message),
            SubmitError::Refused { proof, refusal, come_back } => {
                let mut error = ApiError::refused(&refusal).retry_after(come_back);
                error.body.proof = Some(proof.to_string());
                error
            }
        }
    }
}

impl ApiError {
    fn refused(refusal: &Refusal) -> ApiError {
        let message = refusal.to_string();
        match refusal {
            Refusal::Malformed { line, column, text } => {
                let mut error = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "malformed", text.clone());
                (error.body.line, error.body.column) = (Some(*line), Some(*column));
                error
            }
            Refusal::Full { .. } | Refusal::ShareFull { .. } => {
                ApiError::new(StatusCode::TOO_MANY_REQUESTS, "mempool_full", message)
            }
            Refusal::SourceFull { .. } => ApiError::new(StatusCode::TOO_MANY_REQUESTS, "submitter_full", message),
            Refusal::Displaced => ApiError::new(StatusCode::TOO_MANY_REQUESTS, "displaced", message),
            Refusal::Words { .. } => ApiError::new(StatusCode::CONFLICT, "refused", message),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let retry_after = self.body.retry_after;
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

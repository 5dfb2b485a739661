//! Bodies of requests: read whole within their bounds, and understood as one JSON object.
//!
//! Must never: hold a permit for a client that is slow while others want it, or send back what was sent.

use super::error::ApiError;
use super::guard::Turn;
use super::limiter::Permit;
use super::{Api, BODY_DEADLINE};
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// Characters of what is wrong with a body.
const REASON_CHARS_MAX: usize = 300;

/// A JSON object: serde would take an array of the same values in their order as well.
#[derive(Debug)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Object)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// Reads a body whole. Who is slow at it gives way to others.
pub async fn read(turn: &Turn, permit: &Permit, request: Request, too_large: ApiError) -> Result<Bytes, ApiError> {
    turn.waits();
    let body = tokio::select! {
        read = tokio::time::timeout(BODY_DEADLINE, Bytes::from_request(request, &())) => read,
        () = permit.lost() => return Err(ApiError::too_slow()),
        () = turn.lost() => return Err(ApiError::too_slow()),
    };
    turn.works();
    permit.works();
    body.map_err(|_| ApiError::too_slow())?.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large,
        _ => ApiError::bad_request("the body could not be read"),
    })
}

/// What the body of a submission, or of several, must not be.
pub fn script_too_large(api: &Api) -> ApiError {
    ApiError::too_large(api.node.genesis.parameters().verifier.script_bytes_max)
}

/// Understands a body; `what` it should be, in an error.
pub fn parse<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, ApiError> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::bad_request("the body is no JSON object"));
    }
    let Object(parsed) = serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_request(format!("the body is no {what}: {}", shortened(error.to_string()))))?;
    Ok(parsed)
}

/// What a decoder says may repeat a name as long as the body.
pub fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(REASON_CHARS_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
}

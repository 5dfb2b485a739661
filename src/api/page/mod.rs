//! The page that each validator shows at `/`: its files, which are part of the program, and what a browser may do with them.
//!
//! Must never: take anything from elsewhere, or put a text of a script, a node or a client into markup. What the page shows it
//! gets as JSON from [`super::live`] and sets as text.

#[cfg(test)]
mod tests;

use super::error::{ApiError, ErrorBody};
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// What a browser may load and do: the page's own script and style, and requests to this validator.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

struct File {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const HTML: File = File { name: "", kind: "text/html; charset=utf-8", text: include_str!("index.html") };

macro_rules! script {
    ($name:literal) => {
        File { name: $name, kind: "text/javascript; charset=utf-8", text: include_str!($name) }
    };
}

const FILES: &[File] = &[
    File { name: "style.css", kind: "text/css; charset=utf-8", text: include_str!("style.css") },
    File { name: "icon.svg", kind: "image/svg+xml", text: include_str!("icon.svg") },
    script!("main.js"),
    script!("stream.js"),
    script!("dom.js"),
    script!("words.js"),
    script!("overview.js"),
    script!("actors.js"),
    script!("plot.js"),
    script!("detail.js"),
];

/// The page.
#[utoipa::path(
    get,
    path = "/",
    responses((status = 200, description = "for people", body = String, content_type = "text/html"))
)]
pub async fn show(headers: HeaderMap) -> Response {
    answer(&HTML, &headers)
}

/// A file of the page.
#[utoipa::path(
    get,
    path = "/page/{file}",
    params(("file" = String, Path, description = "its name")),
    responses(
        (status = 200, description = "script, style or picture", body = String, content_type = "text/plain"),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn file(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let file = FILES.iter().find(|file| file.name == name);
    Ok(answer(file.ok_or_else(|| ApiError::not_found("the page has no such file"))?, &headers))
}

/// A browser asks each time whether the file is still the same, and gets it once for each version of the program.
fn answer(file: &File, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", &blake3::hash(file.text.as_bytes()).to_hex()[..16]);
    let is_same = |known: &HeaderValue| known.to_str().is_ok_and(|known| known.split(',').any(|one| one.trim() == tag));
    let is_same = headers.get_all(header::IF_NONE_MATCH).iter().any(is_same);
    let (status, body) = if is_same { (StatusCode::NOT_MODIFIED, "") } else { (StatusCode::OK, file.text) };
    let fixed = [
        (header::CONTENT_TYPE, file.kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    (status, fixed, [(header::ETAG, tag)], body).into_response()
}

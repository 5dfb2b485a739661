//! The command line's way to be a node's administrator: the token in its data directory.

use crate::api;
use crate::exit::{Exit, Failure};
use actors::config;
use std::path::{Path, PathBuf};

/// Longer files are no tokens.
const TOKEN_BYTES_MAX: u64 = 4_096;

/// The token of a node, from this file or from where the node keeps it.
///
/// # Errors
/// If it cannot be read; says where it was looked for and what turns it on.
pub fn token(node: &str, file: Option<&Path>) -> Result<String, Failure> {
    let path = match file {
        Some(file) => file.to_owned(),
        None => api::token_path(&data_dir(node)?),
    };
    let bytes = actors::storage::files::read_bounded(&path, TOKEN_BYTES_MAX).map_err(|error| {
        let message = format!(
            "no administrator's token: {error}. A validator writes it at its start if its configuration has \
             \"admin\": {{\"enabled\": true}}; --token names another file"
        );
        Failure::new(Exit::Configuration, message)
    })?;
    let text = String::from_utf8(bytes).ok().map(|text| text.trim().to_owned());
    text.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .ok_or_else(|| Failure::new(Exit::Configuration, format!("{} holds no administrator's token", path.display())))
}

/// Where the node keeps its data, by its configuration or the convention.
fn data_dir(node: &str) -> Result<PathBuf, Failure> {
    if node.contains(':') {
        let message = format!("{node} is an address: --token must say where its administrator's token is");
        return Err(Failure::new(Exit::Input, message));
    }
    config::data_directory(node, Path::new(config::CONFIG_DIRECTORY)).map_err(Failure::with(Exit::Configuration))
}

//! The parts as they were made last, each as JSON and as an event.

use axum::body::Bytes;
use parking_lot::Mutex;
use serde::Serialize;

/// In the order in which a page wants them.
const NAMES: [&str; 7] = ["health", "status", "blocks", "proofs", "validators", "history", "actors"];

#[derive(Debug, Default)]
pub struct Parts(Mutex<[Option<String>; NAMES.len()]>);

impl Parts {
    /// All of it as events, for who has just come.
    pub fn events(&self) -> Bytes {
        let mut chunk = Vec::new();
        for (name, json) in NAMES.iter().zip(&*self.0.lock()) {
            json.iter().for_each(|json| event(&mut chunk, name, json));
        }
        chunk.into()
    }

    /// All of it as one object.
    pub fn document(&self) -> String {
        let parts = self.0.lock();
        let member = |(name, json): (&&str, &Option<String>)| Some(format!("\"{name}\":{}", json.as_ref()?));
        let members: Vec<_> = NAMES.iter().zip(&*parts).filter_map(member).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// JSON has no line break outside of its strings, and none unescaped within.
fn event(chunk: &mut Vec<u8>, name: &str, json: &str) {
    [b"event: ", name.as_bytes(), b"\ndata: ", json.as_bytes(), b"\n\n"].iter().for_each(|part| chunk.extend(*part));
}

/// Events for what differs from what was sent before.
#[derive(Debug, Default)]
pub struct Changed(Vec<u8>);

impl Changed {
    pub fn add(&mut self, parts: &Parts, name: &str, value: &impl Serialize) {
        let Some(place) = NAMES.iter().position(|one| *one == name) else { return };
        // Maps have strings as keys, and no other value of ours fails.
        let Ok(json) = serde_json::to_string(value) else { return };
        let mut parts = parts.0.lock();
        if parts[place].as_ref() != Some(&json) {
            event(&mut self.0, name, &json);
            parts[place] = Some(json);
        }
    }

    /// One chunk of what was added since; none if nothing was.
    pub fn take(&mut self) -> Option<Bytes> {
        Some(std::mem::take(&mut self.0)).filter(|chunk| !chunk.is_empty()).map(Bytes::from)
    }
}

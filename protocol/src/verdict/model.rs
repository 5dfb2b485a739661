//! A model, bounded: it is shown to people.

use crate::text::misleads;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// A model as the solver found it, in the terms of the submitted script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    pub text: String,
    /// Something was left out, and the text says where.
    pub truncated: bool,
}

impl Model {
    /// Longest text of a model, in bytes.
    pub const TEXT_BYTES_MAX: usize = 16 << 10;
    /// The last line of a text that was cut.
    pub const CUT: &str = "; cut here: the model is longer\n";

    /// Cuts a text that is too long at the end of a line, and writes out what could mislead on a terminal.
    pub fn bounded(mut self) -> Model {
        if self.text.chars().any(|c| c != '\n' && misleads(c)) {
            let harmless = |c| if c != '\n' && misleads(c) { '\u{fffd}' } else { c };
            self.text = self.text.chars().map(harmless).collect();
        }
        if self.text.len() > Self::TEXT_BYTES_MAX {
            let room = Self::TEXT_BYTES_MAX - Self::CUT.len();
            let end = self.text.as_bytes()[..room].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            self.text.truncate(end);
            self.text.push_str(Self::CUT);
            self.truncated = true;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_long_model_is_cut_at_a_line_and_says_so() {
        let model = Model { text: "(define-fun x () Int 0)\n".repeat(2_000), truncated: false }.bounded();
        assert!(model.truncated && model.text.len() <= Model::TEXT_BYTES_MAX);
        assert!(model.text.ends_with(&format!("(define-fun x () Int 0)\n{}", Model::CUT)));
        let short = Model { text: "; \u{1b}[31m\u{202e}x\n".into(), truncated: false }.bounded();
        assert_eq!((short.text.as_str(), short.truncated), ("; \u{fffd}[31m\u{fffd}x\n", false));
    }
}

//! Patterns for paths: `*` and `?` within a name, `**` for any folders. A pattern without `/` is about the file's name.
//!
//! Must never: try more than one way at once: patterns of many stars would take forever.

/// A pattern, as it is given to `--include` and `--exclude`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(String);

/// A pattern without a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an empty pattern fits nothing")]
pub struct EmptyPattern;

impl std::str::FromStr for Glob {
    type Err = EmptyPattern;

    fn from_str(text: &str) -> Result<Glob, EmptyPattern> {
        match text.trim_start_matches("./") {
            "" => Err(EmptyPattern),
            pattern => Ok(Glob(pattern.to_owned())),
        }
    }
}

impl Glob {
    /// Whether a path, with `/` between its parts, is meant.
    pub fn fits(&self, path: &str) -> bool {
        let path = path.trim_start_matches("./");
        if self.0.contains('/') {
            let pattern: Vec<&str> = self.0.trim_start_matches('/').split('/').collect();
            let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
            matches(&pattern, &parts, |part| *part == "**", |part, name| name_fits(part, name))
        } else {
            name_fits(&self.0, path.rsplit('/').next().unwrap_or(path))
        }
    }
}

fn name_fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    matches(&pattern, &name, |letter| *letter == '*', |letter, other| *letter == '?' || letter == other)
}

/// Whether a pattern fits, some of whose parts stand for any number of items. Goes back to the last such part only: what an
/// earlier one could take as well, the last one can.
fn matches<P, T>(pattern: &[P], items: &[T], is_any: impl Fn(&P) -> bool, one: impl Fn(&P, &T) -> bool) -> bool {
    let (mut at, mut item) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while item < items.len() {
        match pattern.get(at) {
            Some(part) if is_any(part) => {
                back = Some((at, item));
                at += 1;
            }
            Some(part) if one(part, &items[item]) => (at, item) = (at + 1, item + 1),
            _ => {
                let Some((any, taken)) = back else { return false };
                (at, item) = (any + 1, taken + 1);
                back = Some((any, taken + 1));
            }
        }
    }
    pattern[at..].iter().all(is_any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_what_they_mean() {
        for (pattern, path, fits) in [
            ("*.smt2", "a/b/c.smt2", true),
            ("*.smt2", "a/b/c.smt", false),
            ("c.smt2", "a/b/c.smt2", true),
            ("?.smt2", "a/é.smt2", true),
            ("?.smt2", "a/cc.smt2", false),
            ("a/*.smt2", "a/c.smt2", true),
            ("a/*.smt2", "a/b/c.smt2", false),
            ("a/**/*.smt2", "a/b/d/c.smt2", true),
            ("a/**/*.smt2", "a/c.smt2", true),
            ("**/b/**", "a/b/c.smt2", true),
            ("**/b/**", "a/bb/c.smt2", false),
            ("./a/c.smt2", "a/c.smt2", true),
            ("/tmp/*/x", "/tmp/y/x", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
        ] {
            assert_eq!(pattern.parse::<Glob>().unwrap().fits(path), fits, "{pattern} {path}");
        }
        assert!("".parse::<Glob>().is_err() && "./".parse::<Glob>().is_err());
    }

    #[test]
    fn a_hostile_pattern_takes_no_time() {
        let pattern: Glob = "*a".repeat(2_000).parse().unwrap();
        assert!(!pattern.fits(&"a".repeat(1_999)));
    }
}

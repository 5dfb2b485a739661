//! How a process that ends by itself has to do it: with a documented code, and one line that says what to do.

pub const CONFIGURATION: i32 = 3;
pub const DAMAGED: i32 = 8;

/// Expects this exit code, and an error of one line that has these words.
#[track_caller]
pub fn refused(ended: &(Option<i32>, String), code: i32, words: &[&str]) {
    let (ended_with, said) = ended;
    assert_eq!(*ended_with, Some(code), "{said}");
    let errors: Vec<_> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{said}");
    for word in words {
        assert!(errors[0].contains(word), "{word:?} is not in: {}", errors[0]);
    }
}

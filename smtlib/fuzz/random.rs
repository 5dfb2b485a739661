//! Pseudo-random choices that a seed repeats.
//!
//! Must never: ask the system for randomness.

/// A generator with one word of state.
pub struct Seeded(pub u64);

impl Seeded {
    /// A word. Steele and Vigna's splitmix64: every seed is as good as another.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// A number below `below`; 0 if that is 0.
    pub fn next(&mut self, below: usize) -> usize {
        (self.word() % below.max(1) as u64) as usize
    }

    /// One of them.
    pub fn of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.next(choices.len())]
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.next(times) == 0
    }
}

/// The seed of this run: `POP_SEED`, else the one given. It is printed, so that a failing run can be repeated.
pub fn seed(default: u64) -> u64 {
    let seed = std::env::var("POP_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(default);
    println!("seed {seed} (POP_SEED repeats it)");
    seed
}

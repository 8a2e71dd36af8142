//! Draws that a seed repeats.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// SplitMix64: small, and good enough to choose moments.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    /// By `CQRS_TEST_SEED`, else by chance. The seed is shown with a test that fails.
    #[allow(
        clippy::print_stderr,
        reason = "a test's output is shown when it fails"
    )]
    pub(super) fn from_environment() -> Self {
        let seed = match std::env::var("CQRS_TEST_SEED") {
            Ok(text) => text.parse().expect("CQRS_TEST_SEED is a number"),
            Err(_) => RandomState::new().hash_one(0),
        };
        eprintln!("CQRS_TEST_SEED={seed}");
        Self(seed)
    }

    /// Draws of their own for another thread.
    pub(super) fn branch(&mut self) -> Self {
        Self(self.next())
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap();
        usize::try_from(self.next() % bound).unwrap()
    }

    pub(super) fn up_to(&mut self, longest: Duration) -> Duration {
        longest * u32::try_from(self.next() % 1000).unwrap() / 1000
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

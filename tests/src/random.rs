//! Random numbers that can be had again.

/// A small generator of random numbers (splitmix64), so that a failure can be repeated by its seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Begins the numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// Returns the next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from 0 to below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    /// Returns true once in so many times, on average.
    pub fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

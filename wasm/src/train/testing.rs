//! Helpers of tests.

/// Returns `count` values from -1 to 1, the same for the same seed.
pub fn values(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Scratch memory that notices a value written past its end.
pub struct Guarded {
    values: Vec<f32>,
    length: usize,
}

impl Guarded {
    const GUARD: usize = 256;
    const MARK: f32 = 1234.5;

    /// Allocates `length` values, which are NaN.
    pub fn new(length: usize) -> Self {
        let mut values = vec![f32::NAN; length + Self::GUARD];
        values[length..].fill(Self::MARK);
        Self { values, length }
    }

    pub fn start(&mut self) -> *mut f32 {
        self.values.as_mut_ptr()
    }

    /// Panics if a value past the end was written.
    pub fn check(self) {
        assert!(self.values[self.length..].iter().all(|&value| value == Self::MARK), "wrote past the scratch memory");
    }
}

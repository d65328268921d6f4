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

/// Panics unless a gradient, less what it was added to, is that of central differences of a loss by
/// the values of one of its parts.
pub fn check_gradient<const N: usize>(
    parts: &[Vec<f64>; N],
    part: usize,
    got: &[f32],
    base: f64,
    loss: impl Fn(&[Vec<f64>; N]) -> f64,
) {
    assert_eq!(got.len(), parts[part].len());
    for (i, &got) in got.iter().enumerate() {
        let moved = |by: f64| {
            let mut parts = parts.clone();
            parts[part][i] += by;
            loss(&parts)
        };
        let (got, want) = (f64::from(got) - base, (moved(1e-6) - moved(-1e-6)) / 2e-6);
        assert!((got - want).abs() < 1e-4 * want.abs().max(1.0), "part {part}, value {i}: {got}, not {want}");
    }
}

/// Returns lists of values from -1 to 1, of given lengths, that float32 holds exactly.
pub fn parts<const N: usize>(lengths: [usize; N]) -> [Vec<f64>; N] {
    let mut seed = 0;
    lengths.map(|length| {
        seed += 1;
        values(length, seed).into_iter().map(f64::from).collect()
    })
}

/// Returns values in float32.
pub fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

/// Returns a mask of `n` values, some of which are 0.
pub fn mask(n: usize) -> Vec<f32> {
    (0..n).map(|i| if i % 5 == 2 || i % 7 == 6 { 0.0 } else { 1.0 }).collect()
}

/// The sigmoid, or the piecewise linear curve in its place.
pub fn sigmoid(hard: bool, z: f64) -> f64 {
    if hard { (0.2 * z + 0.5).clamp(0.0, 1.0) } else { 1.0 / (1.0 + (-z).exp()) }
}

/// Returns the product of a row of `a`, `inputs` values, and a column of `b`.
pub fn dot(a: &[f64], row: usize, inputs: usize, b: &[f64], wide: usize, column: usize) -> f64 {
    (0..inputs).map(|k| a[row * inputs + k] * b[k * wide + column]).sum()
}

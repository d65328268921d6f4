//! What recurrent layers share: sequences by step, and products over all steps.
//!
//! Sequences are kept step by step, `[steps, rows, length]`, so that the rows of a step are
//! contiguous. `x` is the input `[steps, rows, inputs]`; `h` holds the states
//! `[steps + 1, rows, units]`, the first of which is the initial state. `w` has the shape
//! `[inputs, gates * units]`, `u` `[units, gates * units]`. `mask` is `[steps, rows]`: where it is 0,
//! the state of the step before stays. A null mask stands for ones.

use super::gemm::{Finish, Left, Sides, Start, multiply};
use super::packed::{Pair, add_products, multiply_packed, pack, pack_transposed, product_scratch};
use crate::simd::F32x4;

/// Copies sequences `[rows, steps, length]`, whose rows are `row` values apart and steps `step`, to
/// `[steps, rows, length]`. The last step comes first where `reverse` is not 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn to_steps(
    x: *const f32,
    y: *mut f32,
    rows: usize,
    steps: usize,
    length: usize,
    row: usize,
    step: usize,
    reverse: u32,
) {
    for r in 0..rows {
        for t in 0..steps {
            let source = if reverse == 0 { t } else { steps - 1 - t };
            unsafe {
                let from = x.add(r * row + source * step);
                y.add((t * rows + r) * length).copy_from_nonoverlapping(from, length);
            }
        }
    }
}

/// Copies sequences by step to `[rows, steps, length]`, as the reverse of [`to_steps`]. Where `add`
/// is not 0, they are added to the values there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn from_steps(
    x: *const f32,
    y: *mut f32,
    rows: usize,
    steps: usize,
    length: usize,
    row: usize,
    step: usize,
    reverse: u32,
    add: u32,
) {
    for r in 0..rows {
        for t in 0..steps {
            let target = if reverse == 0 { t } else { steps - 1 - t };
            unsafe {
                let from = x.add((t * rows + r) * length);
                super::activation::put(from, y.add(r * row + target * step), length, add);
            }
        }
    }
}

/// Writes 1 for each value that is not 0, else 0: the mask of sequences that are padded by zeros.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mask_of(x: *const f32, mask: *mut f32, n: usize) {
    for i in 0..n {
        unsafe { *mask.add(i) = if *x.add(i) == 0.0 { 0.0 } else { 1.0 } };
    }
}

/// Sizes of a recurrent layer and its batch.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub steps: usize,
    pub rows: usize,
    pub inputs: usize,
    pub units: usize,
    /// Number of values that `w` and `u` have for each unit and input.
    pub gates: usize,
}

impl Sizes {
    /// Number of values of the gates of a row.
    pub fn wide(&self) -> usize {
        self.gates * self.units
    }

    /// Number of rows of all steps.
    pub fn all(&self) -> usize {
        self.steps * self.rows
    }

    /// Number of values of the states of a step.
    pub fn state(&self) -> usize {
        self.rows * self.units
    }

    /// Number of values of the packed weights, those of the input first.
    pub fn weights(&self) -> usize {
        self.wide() * (self.inputs + self.units)
    }

    /// Number of values of the scratch memory for the products of the backward pass.
    pub fn scratch(&self) -> usize {
        let weights = self.wide() * self.inputs.max(self.units);
        weights.max(product_scratch(self.wide(), self.all()))
    }
}

/// Returns true if the mask lets a row take a step.
///
/// # Safety
/// `mask` is null or has a value for the index.
pub unsafe fn takes(mask: *const f32, index: usize) -> bool {
    mask.is_null() || unsafe { *mask.add(index) } != 0.0
}

/// Product of the input of all steps with its weights.
pub struct Projection {
    sizes: Sizes,
    x: *const f32,
    packed: *const f32,
    b: *const f32,
    z: *mut f32,
}

impl Projection {
    /// Packs the weights into the first part of `packed`. `b` may be null.
    ///
    /// # Safety
    /// All places have the sizes of the module's documentation, `packed` has `Sizes::weights` values.
    pub unsafe fn new(
        sizes: Sizes,
        x: *const f32,
        w: *const f32,
        b: *const f32,
        z: *mut f32,
        packed: *mut f32,
    ) -> Self {
        unsafe { pack([sizes.inputs, sizes.wide()], w, sizes.wide(), packed) };
        Self { sizes, x, packed, b, z }
    }

    /// Writes `z = x * w + b` for step `t`, which is called for each step in turn. So few steps are
    /// computed at once that their `z` are still in the cache when they are used.
    ///
    /// # Safety
    /// As for [`new`](Self::new).
    pub unsafe fn reach(&self, t: usize) {
        let Self { sizes, x, packed, b, z } = *self;
        let (wide, inputs) = (sizes.wide(), sizes.inputs);
        let at_once = ROWS_AT_ONCE.div_ceil(sizes.rows.max(1));
        if t % at_once != 0 {
            return;
        }
        let count = at_once.min(sizes.steps - t) * sizes.rows;
        let start = if b.is_null() { Start::Zero } else { Start::Row(b) };
        unsafe {
            let left = Left { values: x.add(t * sizes.rows * inputs), row: inputs, step: 1 };
            let z = z.add(t * sizes.rows * wide);
            multiply_packed::<false>([count, wide, inputs], left, packed, z, wide, start, Finish::Store);
        }
    }
}

/// Least number of rows whose input is multiplied at once, unless there are fewer.
const ROWS_AT_ONCE: usize = 48;

/// Places of the gradients of a recurrent layer. `dx` and `db` may be null.
pub struct Gradients {
    pub dx: *mut f32,
    pub dw: *mut f32,
    pub db: *mut f32,
    /// 0 to replace the values of the gradients of the weights, else to add to them.
    pub add: u32,
}

/// Writes the gradients of [`Projection`] from that of `z`. `dw` may be `w`. The product of `states` with
/// the gradient of `z`, that of `u`, is computed beside that of `w`, which takes one copy for both.
///
/// # Safety
/// All places have the sizes of the module's documentation, `scratch` has `Sizes::scratch` values.
pub unsafe fn project_backward(
    sizes: Sizes,
    [x, w, dz]: [*const f32; 3],
    Gradients { dx, dw, db, add }: Gradients,
    states: Option<Pair>,
    scratch: *mut f32,
) {
    let Sizes { inputs, .. } = sizes;
    let (wide, all) = (sizes.wide(), sizes.all());
    unsafe {
        if !dx.is_null() {
            pack_transposed([wide, inputs], w, wide, scratch);
            let left = Left { values: dz, row: wide, step: 1 };
            multiply_packed::<false>([all, inputs, wide], left, scratch, dx, inputs, Start::Zero, Finish::Store);
        }
        let weights = Pair { rows: inputs, left: (x, inputs), result: (dw, wide) };
        let pairs = [weights, states.unwrap_or(weights)];
        let pairs = if states.is_some() { &pairs[..] } else { &pairs[..1] };
        add_products([wide, all], pairs, (dz, wide), add == 0, scratch);
        if !db.is_null() {
            add_sums([all, wide], (dz, wide), db, add);
        }
    }
}

/// Writes the sums of columns of a matrix, whose rows are a number of values apart, to `to`, or adds
/// them to it where `add` is not 0.
///
/// # Safety
/// The matrix has `rows * columns` values and `to` has `columns`; they do not overlap.
pub unsafe fn add_sums([rows, columns]: [usize; 2], (from, row): (*const f32, usize), to: *mut f32, add: u32) {
    static ONE: f32 = 1.0;
    let left = Left { values: &ONE, row: 0, step: 0 };
    let sides = Sides { right: from, right_row: row, result: to, result_row: columns };
    let finish = if add == 0 { Finish::Store } else { Finish::Add };
    unsafe { multiply::<true>([1, columns, rows], left, sides, Start::Zero, finish) }
}

/// Calls `part` for each offset of four of `n` values, with their number, which is less at the end.
#[inline(always)]
pub fn in_fours(n: usize, mut part: impl FnMut(usize, usize)) {
    let whole = n - n % 4;
    for at in (0..whole).step_by(4) {
        part(at, 4);
    }
    if whole < n {
        part(whole, n - whole);
    }
}

/// Reads up to four values; the lanes past them are 0.
#[inline(always)]
pub unsafe fn read(from: *const f32, count: usize) -> F32x4 {
    if count == 4 {
        return unsafe { F32x4::load(from) };
    }
    let mut lanes = [0.0; 4];
    unsafe {
        lanes.as_mut_ptr().copy_from_nonoverlapping(from, count);
        F32x4::load(lanes.as_ptr())
    }
}

/// Writes up to four values.
#[inline(always)]
pub unsafe fn write(values: F32x4, to: *mut f32, count: usize) {
    unsafe {
        if count == 4 {
            return values.store(to);
        }
        let mut lanes = [0.0; 4];
        values.store(lanes.as_mut_ptr());
        to.copy_from_nonoverlapping(lanes.as_ptr(), count);
    }
}

/// `min(1, max(0, 0.2 z + 0.5))`.
#[inline(always)]
pub fn hard_sigmoid(z: F32x4) -> F32x4 {
    let (one, line) = (F32x4::splat(1.0), z * F32x4::splat(0.2) + F32x4::splat(0.5));
    let low = F32x4::where_positive(F32x4::splat(0.0) - line, F32x4::splat(0.0), line);
    F32x4::where_positive(low - one, one, low)
}

/// Slope of [`hard_sigmoid`] where its value is `y`.
#[inline(always)]
pub fn hard_slope(y: F32x4) -> F32x4 {
    F32x4::where_positive(y * (F32x4::splat(1.0) - y), F32x4::splat(0.2), F32x4::splat(0.0))
}

/// Slope of the sigmoid where its value is `y`.
#[inline(always)]
pub fn soft_slope(y: F32x4) -> F32x4 {
    y * (F32x4::splat(1.0) - y)
}

/// Returns the place of the gradient of the output of step `t`, null where the step has none: that of
/// every step, or with `last_only` of the last one alone.
///
/// # Safety
/// `dy` has a value for each state that it is for.
pub unsafe fn output_gradient(dy: *const f32, t: usize, sizes: Sizes, last_only: u32) -> *const f32 {
    match (last_only != 0, t + 1 == sizes.steps) {
        (false, _) => unsafe { dy.add(t * sizes.state()) },
        (true, true) => dy,
        (true, false) => core::ptr::null(),
    }
}

/// Writes zeros.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clear(x: *mut f32, n: usize) {
    unsafe { x.write_bytes(0, n) }
}

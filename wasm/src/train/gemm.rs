//! Products of row-major matrices, `result = left * right`, with the sums of a tile held in
//! registers.
//!
//! Shapes: left `[rows, depth]`, right `[depth, columns]`, result `[rows, columns]`. Nothing is
//! packed: the right side is read in place, a panel of eight columns at a time.

use crate::simd::F32x4;

/// Number of rows of a tile: as many as V8's fifteen vector registers hold with two columns of
/// vectors; a product without fused multiply-add takes one register more.
const ROWS: usize = if cfg!(target_feature = "relaxed-simd") { 6 } else { 5 };
/// Number of rows of a tile of three columns of vectors.
const WIDE_ROWS: usize = 3;
/// Number of products that are summed before the sums go to memory: so few that the rows of a panel
/// stay in the first-level cache.
const DEPTH: usize = 392;

/// Initial value of the sums.
#[derive(Clone, Copy)]
pub enum Start {
    Zero,
    /// The same row for every row.
    Row(*const f32),
    /// The values of the result.
    Result,
}

/// Treatment of the sums.
#[derive(Clone, Copy)]
pub enum Finish {
    Store,
    /// Negative sums become 0.
    Relu,
    /// The sums are added to the values of the result.
    Add,
}

/// Left side of a product: `rows` rows of `depth` values.
#[derive(Clone, Copy)]
pub struct Left {
    pub values: *const f32,
    /// Distance of neighbours in a column.
    pub row: usize,
    /// Distance of neighbours in a row.
    pub step: usize,
}

/// Right side of a product, `depth` rows of `columns` values, and result, `rows` rows of `columns`
/// values.
#[derive(Clone, Copy)]
pub struct Sides {
    pub right: *const f32,
    pub right_row: usize,
    pub result: *mut f32,
    pub result_row: usize,
}

/// Computes `result = finish(start + left * right)`. `DOWN` is for a left side whose columns are
/// contiguous.
///
/// # Safety
/// The three matrices are within the memory, and the result overlaps neither side.
pub unsafe fn multiply<const DOWN: bool>(
    [rows, columns, depth]: [usize; 3],
    left: Left,
    sides: Sides,
    start: Start,
    finish: Finish,
) {
    if matches!(finish, Finish::Add) {
        // The sum is rounded into the result once.
        return unsafe { block::<DOWN>([rows, columns, depth], left, sides, start, finish) };
    }
    let mut from = 0;
    loop {
        let part = (depth - from).min(DEPTH);
        let last = from + part == depth;
        unsafe {
            let left = Left { values: left.values.add(from * left.step), ..left };
            let sides = Sides { right: sides.right.add(from * sides.right_row), ..sides };
            let start = if from == 0 { start } else { Start::Result };
            let finish = if last { finish } else { Finish::Store };
            block::<DOWN>([rows, columns, part], left, sides, start, finish);
        }
        if last {
            return;
        }
        from += part;
    }
}

unsafe fn block<const DOWN: bool>(
    [rows, columns, depth]: [usize; 3],
    left: Left,
    sides: Sides,
    start: Start,
    finish: Finish,
) {
    let call = Call { depth, left, sides, start, finish };
    // Of the columns past the last panel of eight, up to three join that panel; more make a panel
    // of their own.
    let rest = columns % 8;
    let panels = (columns / 8) - usize::from((1..4).contains(&rest) && columns >= 8);
    let tail = panels * 8;
    unsafe {
        if DOWN {
            for (row, count) in tiles(rows, ROWS) {
                for panel in 0..panels {
                    call.short::<2, true, DOWN>(count, row, panel * 8, 4);
                }
            }
        } else {
            for panel in 0..panels {
                for (row, count) in tiles(rows, ROWS) {
                    call.short::<2, true, DOWN>(count, row, panel * 8, 4);
                }
            }
        }
        match columns - tail {
            0 => {}
            left @ 1..4 => call.narrow(rows, tail, left),
            left @ 4..8 => {
                for (row, count) in tiles(rows, ROWS) {
                    call.short::<2, false, DOWN>(count, row, tail, left - 4);
                }
            }
            left => {
                for (row, count) in tiles(rows, WIDE_ROWS) {
                    call.wide::<DOWN>(count, row, tail, left - 4);
                }
            }
        }
    }
}

/// Cuts rows into the least number of tiles, of sizes as even as possible, and yields first row and
/// number of rows of each.
pub fn tiles(rows: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = rows.div_ceil(most);
    let (size, longer) = if count == 0 { (0, 0) } else { (rows / count, rows % count) };
    (0..count).map(move |i| (i * size + i.min(longer), size + usize::from(i < longer)))
}

struct Call {
    depth: usize,
    left: Left,
    sides: Sides,
    start: Start,
    finish: Finish,
}

impl Call {
    #[inline(always)]
    unsafe fn short<const VECTORS: usize, const EXACT: bool, const DOWN: bool>(
        &self,
        count: usize,
        row: usize,
        column: usize,
        last: usize,
    ) {
        unsafe {
            match count {
                1 => self.tile::<1, VECTORS, EXACT, DOWN>(row, column, last),
                2 => self.tile::<2, VECTORS, EXACT, DOWN>(row, column, last),
                3 => self.tile::<3, VECTORS, EXACT, DOWN>(row, column, last),
                4 => self.tile::<4, VECTORS, EXACT, DOWN>(row, column, last),
                5 => self.tile::<5, VECTORS, EXACT, DOWN>(row, column, last),
                _ => self.tile::<6, VECTORS, EXACT, DOWN>(row, column, last),
            }
        }
    }

    #[inline(always)]
    unsafe fn wide<const DOWN: bool>(&self, count: usize, row: usize, column: usize, last: usize) {
        unsafe {
            match count {
                1 => self.tile::<1, 3, false, DOWN>(row, column, last),
                2 => self.tile::<2, 3, false, DOWN>(row, column, last),
                _ => self.tile::<3, 3, false, DOWN>(row, column, last),
            }
        }
    }

    /// Computes a tile of vectors at columns 0, 4 and so on. Unless `EXACT`, the last vector lies
    /// at `last` and overlaps the one before: all are loaded before any is stored, so values that
    /// are computed twice are equal.
    #[inline(never)]
    unsafe fn tile<const TALL: usize, const VECTORS: usize, const EXACT: bool, const DOWN: bool>(
        &self,
        row: usize,
        column: usize,
        last: usize,
    ) {
        let Self { depth, left, sides, start, finish } = *self;
        let at = |j: usize| if !EXACT && j + 1 == VECTORS { last } else { j * 4 };
        unsafe {
            let result = sides.result.add(row * sides.result_row + column);
            let place = |i: usize, j: usize| result.add(i * sides.result_row + at(j));
            let mut sums = [[F32x4::splat(0.0); VECTORS]; TALL];
            match start {
                Start::Zero => {}
                Start::Row(values) => {
                    for j in 0..VECTORS {
                        let value = F32x4::load(values.add(column + at(j)));
                        for sums in &mut sums {
                            sums[j] = value;
                        }
                    }
                }
                Start::Result => {
                    for i in 0..TALL {
                        for j in 0..VECTORS {
                            sums[i][j] = F32x4::load(place(i, j));
                        }
                    }
                }
            }
            let mut right = sides.right.add(column);
            if DOWN {
                let mut values = left.values.add(row);
                for _ in 0..depth {
                    let vectors: [F32x4; VECTORS] = core::array::from_fn(|j| F32x4::load(right.add(at(j))));
                    for i in 0..TALL {
                        let value = F32x4::splat(*values.add(i));
                        for j in 0..VECTORS {
                            sums[i][j] = value.mul_add(vectors[j], sums[i][j]);
                        }
                    }
                    values = values.add(left.step);
                    right = right.add(sides.right_row);
                }
            } else {
                let mut values: [*const f32; TALL] = core::array::from_fn(|i| left.values.add((row + i) * left.row));
                for _ in 0..depth {
                    let vectors: [F32x4; VECTORS] = core::array::from_fn(|j| F32x4::load(right.add(at(j))));
                    for i in 0..TALL {
                        let value = F32x4::splat(*values[i]);
                        for j in 0..VECTORS {
                            sums[i][j] = value.mul_add(vectors[j], sums[i][j]);
                        }
                    }
                    for value in &mut values {
                        *value = value.add(1);
                    }
                    right = right.add(sides.right_row);
                }
            }
            match finish {
                Finish::Store => {}
                Finish::Relu => {
                    for value in sums.as_flattened_mut() {
                        *value = value.relu();
                    }
                }
                Finish::Add => {
                    for i in 0..TALL {
                        for j in 0..VECTORS {
                            sums[i][j] = sums[i][j] + F32x4::load(place(i, j));
                        }
                    }
                }
            }
            for i in 0..TALL {
                for j in 0..VECTORS {
                    sums[i][j].store(place(i, j));
                }
            }
        }
    }

    /// Computes up to three columns, value by value.
    #[inline(never)]
    unsafe fn narrow(&self, rows: usize, column: usize, count: usize) {
        let Self { depth, left, sides, start, finish } = *self;
        for i in 0..rows {
            for j in column..column + count {
                unsafe {
                    let place = sides.result.add(i * sides.result_row + j);
                    let mut sum = match start {
                        Start::Zero => 0.0,
                        Start::Row(values) => *values.add(j),
                        Start::Result => *place,
                    };
                    for k in 0..depth {
                        sum +=
                            *left.values.add(i * left.row + k * left.step) * *sides.right.add(k * sides.right_row + j);
                    }
                    *place = match finish {
                        Finish::Store => sum,
                        Finish::Relu => sum.max(0.0),
                        Finish::Add => *place + sum,
                    };
                }
            }
        }
    }
}

/// Computes `result = left * right^T`: both sides are row-major without gaps, the rows of the
/// result `result_row` apart. Depth and columns are multiples of 4.
///
/// # Safety
/// As for [`multiply`].
#[inline(never)]
pub unsafe fn multiply_rows(
    [rows, columns, depth]: [usize; 3],
    left: *const f32,
    right: *const f32,
    result: *mut f32,
    result_row: usize,
) {
    for j in (0..columns).step_by(4) {
        for i in (0..rows).step_by(2) {
            // Of an odd number of rows the last is its own partner.
            let next = (i + 1).min(rows - 1);
            unsafe {
                let mut lefts = [left.add(i * depth), left.add(next * depth)];
                let mut rights: [*const f32; 4] = core::array::from_fn(|t| right.add((j + t) * depth));
                let mut sums = [[F32x4::splat(0.0); 4]; 2];
                for _ in 0..depth / 4 {
                    let [one, two] = lefts.map(|at| F32x4::load(at));
                    for t in 0..4 {
                        let value = F32x4::load(rights[t]);
                        sums[0][t] = one.mul_add(value, sums[0][t]);
                        sums[1][t] = two.mul_add(value, sums[1][t]);
                        rights[t] = rights[t].add(4);
                    }
                    lefts = lefts.map(|at| at.add(4));
                }
                F32x4::totals(sums[0]).store(result.add(i * result_row + j));
                F32x4::totals(sums[1]).store(result.add(next * result_row + j));
            }
        }
    }
}

/// Writes the transpose of `from`, of shape `[rows, columns]`, to `to`.
///
/// # Safety
/// Both are within the memory and do not overlap.
pub unsafe fn transpose(rows: usize, columns: usize, from: *const f32, to: *mut f32) {
    unsafe { transpose_part([rows, columns], from, columns, to) }
}

/// Writes the transpose of a matrix of shape `[rows, columns]`, whose rows are `row` values apart, to
/// `to`.
///
/// # Safety
/// As for [`transpose`].
#[inline(never)]
pub unsafe fn transpose_part([rows, columns]: [usize; 2], from: *const f32, row: usize, to: *mut f32) {
    let (whole_rows, whole_columns) = (rows - rows % 4, columns - columns % 4);
    unsafe {
        for i in (0..whole_rows).step_by(4) {
            for j in (0..whole_columns).step_by(4) {
                let block = core::array::from_fn(|t| F32x4::load(from.add((i + t) * row + j)));
                for (t, lanes) in F32x4::transpose(block).into_iter().enumerate() {
                    lanes.store(to.add((j + t) * rows + i));
                }
            }
        }
        for i in 0..rows {
            let first = if i < whole_rows { whole_columns } else { 0 };
            for j in first..columns {
                *to.add(j * rows + i) = *from.add(i * row + j);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::values;

    #[test]
    fn multiply_agrees_with_plain_sums_for_every_remainder() {
        for rows in 1..14 {
            for columns in 1..20 {
                for depth in [1, 3, 8, 400] {
                    let a = values(rows * depth, 1);
                    let b = values(depth * columns, 2);
                    let bias = values(columns, 3);
                    let before = values(rows * columns, 4);
                    let mut turned = vec![0.0; a.len()];
                    unsafe { transpose(rows, depth, a.as_ptr(), turned.as_mut_ptr()) };
                    let product = |i: usize, j: usize| -> f64 {
                        (0..depth).map(|k| f64::from(a[i * depth + k]) * f64::from(b[k * columns + j])).sum()
                    };
                    let mut plain = vec![0.0f32; rows * columns];
                    let mut added = before.clone();
                    let sides = |result: &mut [f32]| Sides {
                        right: b.as_ptr(),
                        right_row: columns,
                        result: result.as_mut_ptr(),
                        result_row: columns,
                    };
                    unsafe {
                        let left = Left { values: a.as_ptr(), row: depth, step: 1 };
                        let start = Start::Row(bias.as_ptr());
                        multiply::<false>([rows, columns, depth], left, sides(&mut plain), start, Finish::Relu);
                        let left = Left { values: turned.as_ptr(), row: 1, step: rows };
                        multiply::<true>([rows, columns, depth], left, sides(&mut added), Start::Zero, Finish::Add);
                    }
                    for i in 0..rows {
                        for j in 0..columns {
                            let at = i * columns + j;
                            let want = (product(i, j) + f64::from(bias[j])).max(0.0);
                            assert!((f64::from(plain[at]) - want).abs() < 1e-4, "{rows} {columns} {depth}");
                            let want = product(i, j) + f64::from(before[at]);
                            assert!((f64::from(added[at]) - want).abs() < 1e-4, "{rows} {columns} {depth}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn multiply_rows_agrees_with_plain_sums() {
        for rows in 1..6 {
            let (columns, depth) = (12, 20);
            let (a, b) = (values(rows * depth, 1), values(columns * depth, 2));
            let mut result = vec![0.0; rows * columns];
            unsafe { multiply_rows([rows, columns, depth], a.as_ptr(), b.as_ptr(), result.as_mut_ptr(), columns) };
            for i in 0..rows {
                for j in 0..columns {
                    let want: f32 = (0..depth).map(|k| a[i * depth + k] * b[j * depth + k]).sum();
                    assert!((result[i * columns + j] - want).abs() < 1e-5);
                }
            }
        }
    }
}

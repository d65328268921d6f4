//! Begin and end of a training step: selection of the batch, and update of the weights.
//!
//! Shapes: `features` `[samples, length]`, `labels` `[samples]`, `order` and `classes` `[count]`,
//! `rows` `[count, length]`; all vectors of an update have `n` values.

use crate::simd::F32x4;

/// Selection of a batch: `rows[i] = features[order[i]]` and `classes[i] = labels[order[i]]`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gather(
    features: *const f32,
    labels: *const i32,
    order: *const u32,
    count: usize,
    length: usize,
    rows: *mut f32,
    classes: *mut i32,
) {
    for i in 0..count {
        unsafe {
            let row = *order.add(i) as usize;
            core::ptr::copy_nonoverlapping(features.add(row * length), rows.add(i * length), length);
            *classes.add(i) = *labels.add(row);
        }
    }
}

/// Coefficients of an update.
#[repr(C)]
pub struct Rule {
    /// Step size; Adam's is divided by the first moment's share of its sum so far.
    pub rate: f32,
    pub decay: f32,
    pub proximal: f32,
    /// Factor of the velocity, or of the first moment, and of the value that is added to it, 1 for
    /// a velocity.
    pub stay: f32,
    pub come: f32,
    /// Factors of the second moment and of the value that is added to it.
    pub second_stay: f32,
    pub second_come: f32,
    /// Factor of the root of the second moment, and the term that is added to the product.
    pub spread: f32,
    pub epsilon: f32,
}

/// Vectors of an update; the last four may be null.
#[derive(Clone, Copy)]
struct Vectors {
    w: *mut f32,
    g: *const f32,
    v: *mut f32,
    s: *mut f32,
    start: *const f32,
    correction: *const f32,
}

const PLAIN: u8 = 0;
const MOMENTUM: u8 = 1;
const NESTEROV: u8 = 2;
const ADAM: u8 = 3;

/// Update of the weights `w` by the gradient `g`, with
/// `d = g + decay * w + proximal * (w - start) + correction`; null `start` and null `correction`
/// drop their terms.
///
/// - SGD, where `v` and `s` are null: `w -= rate * d`.
/// - Momentum, where `s` is null: `v = momentum * v + d`, then `w -= rate * v`, or
///   `w -= rate * (d + momentum * v)` where `nesterov` is not 0.
/// - Adam (Kingma and Ba 2015): `v` and `s` are the first and the second moment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn update(
    w: *mut f32,
    g: *const f32,
    v: *mut f32,
    s: *mut f32,
    start: *const f32,
    correction: *const f32,
    n: usize,
    nesterov: u32,
    rule: &Rule,
) {
    let vectors = Vectors { w, g, v, s, start, correction };
    let plain = start.is_null() && correction.is_null();
    let run = match (v.is_null(), s.is_null(), nesterov, plain) {
        (true, _, _, true) => run::<PLAIN, false>,
        (true, _, _, false) => run::<PLAIN, true>,
        (_, false, _, true) => run::<ADAM, false>,
        (_, false, _, false) => run::<ADAM, true>,
        (_, _, 0, true) => run::<MOMENTUM, false>,
        (_, _, 0, false) => run::<MOMENTUM, true>,
        (_, _, _, true) => run::<NESTEROV, false>,
        (_, _, _, false) => run::<NESTEROV, true>,
    };
    unsafe { run(vectors, n, rule) }
}

#[inline(never)]
unsafe fn run<const KIND: u8, const TERMS: bool>(vectors: Vectors, n: usize, rule: &Rule) {
    let whole = n - n % 4;
    for i in (0..whole).step_by(4) {
        unsafe { step::<KIND, TERMS>(vectors, i, rule, |from| F32x4::load(from), |to, value| value.store(to)) }
    }
    for i in whole..n {
        unsafe {
            step::<KIND, TERMS>(vectors, i, rule, |from| F32x4::splat(*from), |to, value| *to = value.first());
        }
    }
}

/// Takes the step at index `i`, on as many values as `load` and `store` handle.
#[inline(always)]
unsafe fn step<const KIND: u8, const TERMS: bool>(
    Vectors { w, g, v, s, start, correction }: Vectors,
    i: usize,
    rule: &Rule,
    load: impl Fn(*const f32) -> F32x4,
    store: impl Fn(*mut f32, F32x4),
) {
    unsafe {
        let weight = load(w.add(i));
        let mut d = F32x4::splat(rule.decay).mul_add(weight, load(g.add(i)));
        if TERMS && !start.is_null() {
            d = F32x4::splat(rule.proximal).mul_add(weight - load(start.add(i)), d);
        }
        if TERMS && !correction.is_null() {
            d = d + load(correction.add(i));
        }
        let mut direction = d;
        if KIND != PLAIN {
            let stay = F32x4::splat(rule.stay);
            let come = if KIND == ADAM { F32x4::splat(rule.come) * d } else { d };
            let velocity = stay.mul_add(load(v.add(i)), come);
            store(v.add(i), velocity);
            direction = if KIND == NESTEROV { stay.mul_add(velocity, d) } else { velocity };
        }
        if KIND == ADAM {
            let square = F32x4::splat(rule.second_come) * d * d;
            let second = F32x4::splat(rule.second_stay).mul_add(load(s.add(i)), square);
            store(s.add(i), second);
            direction = direction / F32x4::splat(rule.spread).mul_add(second.sqrt(), F32x4::splat(rule.epsilon));
        }
        store(w.add(i), F32x4::splat(-rule.rate).mul_add(direction, weight));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule {
        rate: 0.5,
        decay: 0.25,
        proximal: 2.0,
        stay: 0.75,
        come: 0.25,
        second_stay: 0.875,
        second_come: 0.125,
        spread: 2.0,
        epsilon: 0.5,
    };

    /// Returns the new value, velocity and second moment.
    fn reference([w, g, v, s, start, c]: [f64; 6], kind: u8, terms: [bool; 2]) -> [f64; 3] {
        let mut d = g + 0.25 * w;
        d += if terms[0] { 2.0 * (w - start) } else { 0.0 };
        d += if terms[1] { c } else { 0.0 };
        let velocity = match kind {
            PLAIN => v,
            ADAM => 0.75 * v + 0.25 * d,
            _ => 0.75 * v + d,
        };
        let second = if kind == ADAM { 0.875 * s + 0.125 * d * d } else { s };
        let direction = match kind {
            PLAIN => d,
            MOMENTUM => velocity,
            NESTEROV => d + 0.75 * velocity,
            _ => velocity / (2.0 * second.sqrt() + 0.5),
        };
        [w - 0.5 * direction, velocity, second]
    }

    #[test]
    fn update_follows_every_rule_with_every_term() {
        for n in [1, 3, 4, 7, 9] {
            for kind in [PLAIN, MOMENTUM, NESTEROV, ADAM] {
                for terms in [[false, false], [true, false], [false, true], [true, true]] {
                    let value =
                        |i: usize, k: usize| ((i * 7 + k * 5) % 11) as f32 / 4.0 - if k == 3 { 0.0 } else { 1.25 };
                    let columns: [Vec<f32>; 6] = core::array::from_fn(|k| (0..n).map(|i| value(i, k)).collect());
                    let [mut w, g, mut v, mut s, start, c] = columns.clone();
                    unsafe {
                        update(
                            w.as_mut_ptr(),
                            g.as_ptr(),
                            if kind == PLAIN { core::ptr::null_mut() } else { v.as_mut_ptr() },
                            if kind == ADAM { s.as_mut_ptr() } else { core::ptr::null_mut() },
                            if terms[0] { start.as_ptr() } else { core::ptr::null() },
                            if terms[1] { c.as_ptr() } else { core::ptr::null() },
                            n,
                            u32::from(kind == NESTEROV),
                            &RULE,
                        );
                    }
                    for i in 0..n {
                        let before = core::array::from_fn(|k| f64::from(columns[k][i]));
                        let after = reference(before, kind, terms);
                        for (found, want) in [w[i], v[i], s[i]].into_iter().zip(after) {
                            assert!((f64::from(found) - want).abs() < 1e-5, "{kind} {terms:?} {i}: {found} {want}");
                        }
                    }
                }
            }
        }
    }
}

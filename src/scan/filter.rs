//! What is done to a picture before another attempt to read it; each filter is one pass over it.

use super::grey::{Grey, to_f32, to_u8};

/// Halves width and height, each pixel the mean of four.
pub(super) fn half(grey: &Grey) -> Grey {
    Grey::by_rows(grey.width() / 2, grey.height() / 2, |y, out| {
        let y = y.cast_signed() * 2;
        let pairs = |row| grey.row(row).as_chunks::<2>().0;
        for ((o, [a, b]), [c, d]) in out.iter_mut().zip(pairs(y)).zip(pairs(y + 1)) {
            let sum = [a, b, c, d].into_iter().map(|v| u16::from(*v)).sum::<u16>();
            *o = low_byte((sum + 2) / 4);
        }
    })
}

/// Doubles width and height, with straight lines between the pixels' middles.
pub(super) fn double(grey: &Grey) -> Grey {
    let width = grey.width();
    let mut mixed = vec![0_u16; width];
    Grey::by_rows(width * 2, grey.height() * 2, |y, out| {
        let near = y.cast_signed() / 2;
        let far = if y % 2 == 0 { near - 1 } else { near + 1 };
        for ((m, a), b) in mixed.iter_mut().zip(grey.row(near)).zip(grey.row(far)) {
            *m = 3 * u16::from(*a) + u16::from(*b);
        }
        for (x, pair) in out.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let (left, right) = (mixed[x.saturating_sub(1)], mixed[(x + 1).min(width - 1)]);
            *pair = [left, right].map(|far| low_byte((3 * mixed[x] + far + 8) / 16));
        }
    })
}

/// Turns white into black.
pub(super) fn invert(grey: &Grey) -> Grey {
    Grey::by_rows(grey.width(), grey.height(), |y, out| {
        for (o, v) in out.iter_mut().zip(grey.row(y.cast_signed())) {
            *o = !v;
        }
    })
}

/// Softens: each pixel the mean of three by three.
pub(super) fn soften(grey: &Grey) -> Grey {
    let width = grey.width();
    let mut columns = vec![0_u16; width];
    Grey::by_rows(width, grey.height(), |y, out| {
        let y = y.cast_signed();
        let rows = grey.row(y - 1).iter().zip(grey.row(y)).zip(grey.row(y + 1));
        for (c, ((a, b), d)) in columns.iter_mut().zip(rows) {
            *c = u16::from(*a) + u16::from(*b) + u16::from(*d);
        }
        let mean = |a: u16, b: u16, c: u16| low_byte((a + b + c + 4) / 9);
        for (o, three) in out[1.min(width)..].iter_mut().zip(columns.windows(3)) {
            *o = mean(three[0], three[1], three[2]);
        }
        if width > 1 {
            out[0] = mean(columns[0], columns[0], columns[1]);
            out[width - 1] = mean(columns[width - 2], columns[width - 1], columns[width - 1]);
        }
    })
}

/// Sharpens: moves each pixel away from the mean around it.
pub(super) fn sharpen(grey: &Grey) -> Grey {
    let soft = soften(grey);
    Grey::by_rows(grey.width(), grey.height(), |y, out| {
        let y = y.cast_signed();
        for ((o, v), mean) in out.iter_mut().zip(grey.row(y)).zip(soft.row(y)) {
            let (v, mean) = (i16::from(*v), i16::from(*mean));
            *o = low_byte((v + 2 * (v - mean)).clamp(0, 255).cast_unsigned());
        }
    })
}

/// Deviation below which a window counts as empty paper, so that its grain is not blown up.
const PAPER_GRAIN: f32 = 5.0;

/// Gives every window of the picture the same mean and the same contrast.
///
/// Window sums come from running column sums and their prefix sums (an integral image of the rows
/// at hand), so the cost does not depend on the radius. `radius` is at most 100 pixels.
pub(super) fn normalise(grey: &Grey, radius: usize) -> Grey {
    let radius = radius.min(100); // (2 · 100 + 1)² · 255² still fits 32 bits
    let (width, reach) = (grey.width(), radius.cast_signed());
    let mut sums = WindowSums::new(width, radius);
    for y in -reach..=reach {
        sums.enter(grey.row(y));
    }
    let per_pixel = 1.0 / to_f32((2 * radius + 1).pow(2));
    Grey::by_rows(width, grey.height(), |y, out| {
        let y = y.cast_signed();
        if y > 0 {
            sums.slide(grey.row(y - reach - 1), grey.row(y + reach));
        }
        let (plain, squares) = sums.prefixes();
        let window = 2 * radius + 1;
        let plain = plain[window..].iter().zip(plain).map(|(to, from)| to.wrapping_sub(*from));
        let squares =
            squares[window..].iter().zip(squares).map(|(to, from)| to.wrapping_sub(*from));
        for (((o, v), sum), square) in out.iter_mut().zip(grey.row(y)).zip(plain).zip(squares) {
            let mean = sum32(sum) * per_pixel;
            let variance = sum32(square) * per_pixel - mean * mean;
            let contrast = 64.0 / variance.max(PAPER_GRAIN * PAPER_GRAIN).sqrt();
            *o = to_u8((f32::from(*v) - mean) * contrast + 128.0);
        }
    })
}

/// Sums of the pixels, and of their squares, over the columns of a band of rows.
struct WindowSums {
    radius: usize,
    plain: Vec<u32>,
    squares: Vec<u32>,
    plain_prefix: Vec<u32>,
    squares_prefix: Vec<u32>,
}

impl WindowSums {
    fn new(width: usize, radius: usize) -> Self {
        let columns = || vec![0; width];
        let prefix = || vec![0; width + 2 * radius + 1];
        Self {
            radius,
            plain: columns(),
            squares: columns(),
            plain_prefix: prefix(),
            squares_prefix: prefix(),
        }
    }

    fn enter(&mut self, row: &[u8]) {
        for ((plain, square), v) in self.plain.iter_mut().zip(&mut self.squares).zip(row) {
            let v = u32::from(*v);
            *plain += v;
            *square += v * v;
        }
    }

    /// Moves the band down by a row: one leaves above, one enters below.
    fn slide(&mut self, leaves: &[u8], enters: &[u8]) {
        let columns = self.plain.iter_mut().zip(&mut self.squares);
        for ((plain, square), (old, new)) in columns.zip(leaves.iter().zip(enters)) {
            let (old, new) = (u32::from(*old), u32::from(*new));
            *plain = *plain + new - old;
            *square = *square + new * new - old * old;
        }
    }

    fn prefixes(&mut self) -> (&[u32], &[u32]) {
        prefix(&self.plain, self.radius, &mut self.plain_prefix);
        prefix(&self.squares, self.radius, &mut self.squares_prefix);
        (&self.plain_prefix, &self.squares_prefix)
    }
}

/// Writes prefix sums over `columns`, the outer ones repeated `radius` times, to `out`, which
/// starts with 0; they wrap, their differences over a window do not.
fn prefix(columns: &[u32], radius: usize, out: &mut [u32]) {
    let (Some(first), Some(last)) = (columns.first(), columns.last()) else {
        return;
    };
    let mut sum = 0_u32;
    let mut add = |out: &mut u32, column: u32| {
        sum = sum.wrapping_add(column);
        *out = sum;
    };
    let (left, rest) = out[1..].split_at_mut(radius);
    let (middle, right) = rest.split_at_mut(columns.len());
    for out in left {
        add(out, *first);
    }
    for (out, column) in middle.iter_mut().zip(columns) {
        add(out, *column);
    }
    for out in right {
        add(out, *last);
    }
}

/// Returns the low byte of a value that is known to fit it.
fn low_byte(v: u16) -> u8 {
    v.to_le_bytes()[0]
}

#[allow(clippy::cast_precision_loss, reason = "a relative error of 2⁻²⁴ is no matter for a mean")]
fn sum32(v: u32) -> f32 {
    v as f32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::turn;
    use super::*;

    fn ramp(width: usize, height: usize) -> Grey {
        Grey::by_rows(width, height, |y, row| {
            for (x, v) in row.iter_mut().enumerate() {
                *v = to_u8(to_f32(x * 3 + y * 5).min(255.0));
            }
        })
    }

    #[test]
    fn half_takes_the_mean_of_four() {
        let grey = Grey::new(3, 2, vec![0, 100, 7, 100, 200, 7]).unwrap();
        assert_eq!(half(&grey).pixels(), [100]);
    }

    #[test]
    fn double_keeps_flat_parts_and_order() {
        let doubled = double(&ramp(10, 8));
        assert_eq!((doubled.width(), doubled.height()), (20, 16));
        assert!(doubled.row(7).is_sorted());
        let flat = Grey::new(3, 3, vec![77; 9]).unwrap();
        assert!(double(&flat).pixels().iter().all(|v| *v == 77));
        assert_eq!(half(&double(&flat)).pixels(), flat.pixels());
    }

    #[test]
    fn inverting_twice_changes_nothing() {
        let grey = ramp(7, 5);
        assert!(invert(&invert(&grey)) == grey);
        assert_eq!(invert(&grey).pixels()[0], 255);
    }

    #[test]
    fn soft_and_sharp_leave_flat_parts_alone() {
        let flat = Grey::new(5, 4, vec![90; 20]).unwrap();
        assert!(soften(&flat) == flat);
        assert!(sharpen(&flat) == flat);
        let mut pixels = vec![90; 25];
        pixels[12] = 180;
        let dot = Grey::new(5, 5, pixels).unwrap();
        assert_eq!(soften(&dot).pixels()[12], 100);
        assert!(sharpen(&dot).pixels()[12] > 180);
    }

    /// The same by the definition, slowly.
    fn normalised_slowly(grey: &Grey, radius: usize) -> Vec<u8> {
        let reach = radius.cast_signed();
        let mut out = Vec::new();
        for y in 0..grey.height().cast_signed() {
            for x in 0..grey.width().cast_signed() {
                let mut values = Vec::new();
                for wy in y - reach..=y + reach {
                    for wx in x - reach..=x + reach {
                        let wx = wx.clamp(0, grey.width().cast_signed() - 1).cast_unsigned();
                        values.push(f32::from(grey.row(wy)[wx]));
                    }
                }
                let count = to_f32(values.len());
                let mean = values.iter().sum::<f32>() / count;
                let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / count;
                let deviation = variance.sqrt().max(PAPER_GRAIN);
                let v = f32::from(grey.row(y)[x.cast_unsigned()]);
                out.push(to_u8((v - mean) / deviation * 64.0 + 128.0));
            }
        }
        out
    }

    #[test]
    fn running_sums_agree_with_the_definition() {
        let mut noise = super::super::tests::Noise(3);
        for (width, height, radius) in [(23, 17, 3), (9, 30, 8), (1, 1, 2), (40, 3, 12)] {
            let grey = Grey::new(width, height, noise.bytes(width * height)).unwrap();
            let quick = normalise(&grey, radius);
            for (a, b) in quick.pixels().iter().zip(normalised_slowly(&grey, radius)) {
                assert!(a.abs_diff(b) <= 1, "{a} {b}");
            }
        }
    }

    #[test]
    fn normalising_takes_a_shadow_away() {
        // stripes of ten, the right half in shadow
        let stripes = Grey::by_rows(200, 60, |_, row| {
            for (x, v) in row.iter_mut().enumerate() {
                let ink = if x / 10 % 2 == 0 { 40 } else { 220 };
                *v = if x < 100 { ink } else { ink / 4 };
            }
        });
        let even = normalise(&stripes, 20);
        for (ink, paper) in [(25, 35), (165, 155)] {
            assert!(even.row(30)[ink] < 90 && even.row(30)[paper] > 160);
        }
    }

    #[test]
    fn tiny_pictures_pass_every_filter() {
        for (width, height) in [(0, 0), (1, 1), (1, 3), (2, 1), (3, 0)] {
            let grey = Grey::new(width, height, vec![9; width * height]).unwrap();
            for filter in [half, double, invert, soften, sharpen, turn::rotate] {
                filter(&grey);
            }
            normalise(&grey, 8);
        }
    }
}

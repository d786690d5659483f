//! A code as it was measured: how dark each module is, and how much that is worth. Decoding it uses
//! both: what is covered is an erasure, which costs half of what an error costs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fec::reed_solomon::{Decoder, Encoder};
use zeroize::Zeroizing;

use super::decode::printable;
use super::qr::{Blocks, Format, Symbol};
use crate::codes::payload;

/// Measurements that agree more than this are of one code.
pub(super) const SAME: f32 = 0.6;

/// Field of QR codes: x⁸ + x⁴ + x³ + x² + 1.
const POLYNOMIAL: u16 = 0x11d;

/// Blots cover at least this many modules in both directions.
const BLOT: usize = 4;

/// A format is tried when it fits at most this much worse than the best one.
const FORMAT_MARGIN: f32 = 8.0;

/// Weight of a module at the edge of a blot.
const EDGE: f32 = 0.3;

/// The modules of one code, row by row: −1 light to 1 dark, 0 where nothing can be said.
pub(super) struct Soft {
    symbol: &'static Symbol,
    values: Zeroizing<Vec<f32>>,
}

impl Soft {
    /// Takes measured modules; those under a blot get no weight.
    pub(super) fn measured(symbol: &'static Symbol, mut values: Zeroizing<Vec<f32>>) -> Self {
        weigh(symbol, &mut values);
        Self { symbol, values }
    }

    /// Takes modules that have been weighed already; `None` when their number is wrong.
    pub(super) fn weighed(symbol: &'static Symbol, values: Zeroizing<Vec<f32>>) -> Option<Self> {
        (values.len() == symbol.side * symbol.side).then_some(Self { symbol, values })
    }

    pub(super) fn symbol(&self) -> &'static Symbol {
        self.symbol
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Returns how well what is known of every code of this version is seen here: 1 all of it, 0 as
    /// much as chance gives.
    pub(super) fn likeness(&self) -> f32 {
        let (mut fits, mut all) = (0.0, 1e-6);
        for (known, value) in self.symbol.known.iter().zip(self.values.iter()) {
            if *known != 0 {
                fits += f32::from(*known) * value;
                all += value.abs();
            }
        }
        fits / all
    }

    /// Returns how far two measurements agree on data: 1 wholly, 0 as two unrelated codes do.
    pub(super) fn agreement(&self, other: &Self) -> f32 {
        if self.symbol.version != other.symbol.version {
            return 0.0;
        }
        let (mut same, mut all) = (0.0, 1e-6);
        for at in &self.symbol.order {
            let both = self.values[*at] * other.values[*at];
            same += both;
            all += both.abs();
        }
        same / all
    }

    /// Tells whether both are measurements of one code.
    pub(super) fn is_copy(&self, other: &Self) -> bool {
        self.agreement(other) > SAME
    }

    pub(super) fn copy(&self) -> Self {
        Self { symbol: self.symbol, values: self.values.clone() }
    }

    /// Lays another measurement of the same code over this one.
    pub(super) fn add(&mut self, other: &Self) {
        for (value, more) in self.values.iter_mut().zip(other.values.iter()) {
            *value += more;
        }
    }

    /// Returns the text, when it is a code of ours whose payloads all fit their checksums.
    pub(super) fn text(&self) -> Option<Zeroizing<String>> {
        let likely = |format: &Format| {
            format.modules.iter().map(|(at, sign)| f32::from(*sign) * self.values[*at]).sum::<f32>()
        };
        let mut formats: Vec<(f32, &Format)> =
            self.symbol.formats.iter().map(|format| (likely(format), format)).collect();
        formats.sort_by(|a, b| b.0.total_cmp(&a.0));
        // two formats differ in ten of the thirty modules at least
        let least = formats.first()?.0 - FORMAT_MARGIN;
        let likely = formats.iter().take_while(|(f, _)| *f >= least);
        // what is measured may have been made by somebody else, and two libraries decode it
        let decode = || likely.into_iter().find_map(|(_, format)| self.text_as(format));
        catch_unwind(AssertUnwindSafe(decode)).ok().flatten()
    }

    fn text_as(&self, format: &Format) -> Option<Zeroizing<String>> {
        let mask = self.symbol.masks.get(format.mask)?;
        let bits = self
            .symbol
            .order
            .iter()
            .map(|at| if mask[*at] { -self.values[*at] } else { self.values[*at] });
        let bits: Zeroizing<Vec<f32>> = Zeroizing::new(bits.collect());
        let codewords: Vec<&[f32; 8]> = bits.as_chunks().0.iter().collect();
        let blocks = self.symbol.blocks(format.level)?;
        let data = decode(&codewords, &blocks)?;
        let text = self.symbol.text(format.level, &data)?;
        let payloads = payload::parse_each(&text).ok()?;
        (printable(&text) && payloads.iter().all(Result::is_ok)).then_some(text)
    }
}

/// Takes the weight from what lies under a blot, and most of it from what lies at its edge.
fn weigh(symbol: &Symbol, values: &mut [f32]) {
    let side = symbol.side;
    let dark: Vec<bool> = values.iter().map(|v| *v > 0.0).collect();
    // a finder and its margin are no blot
    let free: Vec<bool> = symbol.known.iter().map(|known| *known == 0).collect();
    let mut under = vec![false; side * side];
    for y in 0..=side - BLOT {
        for x in 0..=side - BLOT {
            let first = dark[y * side + x];
            let inside = || (0..BLOT * BLOT).map(|i| (y + i / BLOT) * side + x + i % BLOT);
            if inside().all(|at| dark[at] == first) && inside().any(|at| free[at]) {
                inside().for_each(|at| under[at] = true);
            }
        }
    }
    let mut edge = vec![false; side * side];
    for at in (0..side * side).filter(|at| under[*at]) {
        let (x, y) = (at % side, at / side);
        for ny in y.saturating_sub(1)..=(y + 1).min(side - 1) {
            for nx in x.saturating_sub(1)..=(x + 1).min(side - 1) {
                let near = ny * side + nx;
                edge[near] |= !under[near] && dark[near] == dark[at];
            }
        }
    }
    for (at, value) in values.iter_mut().enumerate() {
        if under[at] {
            *value = 0.0;
        } else if edge[at] {
            *value *= EDGE;
        }
    }
}

/// Corrects every block; `None` when one cannot be.
fn decode(codewords: &[&[f32; 8]], blocks: &Blocks) -> Option<Zeroizing<Vec<u8>>> {
    let mut corrector = Corrector::new(blocks.correction);
    let mut all = Zeroizing::new(Vec::with_capacity(codewords.len()));
    for block in &blocks.codewords {
        let block: Vec<&[f32; 8]> =
            block.iter().map(|at| codewords.get(*at).copied()).collect::<Option<_>>()?;
        all.extend_from_slice(&corrector.correct(&block)?);
    }
    Some(all)
}

/// Corrects blocks with one number of correcting codewords.
struct Corrector {
    decoder: Decoder,
    encoder: Encoder,
    correction: usize,
}

impl Corrector {
    fn new(correction: usize) -> Self {
        Self {
            decoder: Decoder::new(POLYNOMIAL, 0, 1, correction),
            encoder: Encoder::new(POLYNOMIAL, 0, 1, correction),
            correction,
        }
    }

    /// Returns the data of a block, by generalised minimum distance decoding (Forney 1966): more and
    /// more of the least certain codewords are taken as erased, and of all results the one wins that
    /// contradicts the least of what was measured.
    fn correct(&mut self, block: &[&[f32; 8]]) -> Option<Zeroizing<Vec<u8>>> {
        let bits = |word: &[f32; 8]| word.iter().fold(0, |byte, v| byte << 1 | u8::from(*v > 0.0));
        let received: Zeroizing<Vec<u8>> =
            Zeroizing::new(block.iter().map(|word| bits(word)).collect());
        // a codeword is worth as much as its least certain bit
        let worth: Vec<f32> = block
            .iter()
            .map(|word| word.iter().fold(f32::INFINITY, |least, v| least.min(v.abs())))
            .collect();
        let mut order: Vec<usize> = (0..block.len()).collect();
        order.sort_by(|a, b| worth[*a].total_cmp(&worth[*b]));
        let mut best: Option<(f32, Zeroizing<Vec<u8>>)> = None;
        let covered = worth.iter().filter(|worth| **worth == 0.0).count();
        for erased in (covered..=self.correction).step_by(2) {
            let Some((errors, against, data)) = self.attempt(&received, &worth, &order[..erased])
            else {
                continue;
            };
            if best.as_ref().is_none_or(|(least, _)| against < *least) {
                best = Some((against, data));
            }
            // far inside the radius there is no second result
            if 2 * errors + erased <= self.correction / 2 {
                break;
            }
        }
        best.map(|(_, data)| data)
    }

    /// Returns the errors outside of what is erased, the weight they had, and the data.
    fn attempt(
        &mut self,
        received: &[u8],
        worth: &[f32],
        erased: &[usize],
    ) -> Option<(usize, f32, Zeroizing<Vec<u8>>)> {
        let mut data = Zeroizing::new(vec![0; received.len().checked_sub(self.correction)?]);
        let places: Vec<u8> =
            erased.iter().map(|at| u8::try_from(*at)).collect::<Result<_, _>>().ok()?;
        self.decoder.decode_with_erasures(received, &places, &mut data).ok()?;
        // beyond its radius the decoder may say yes to a wrong word: encode again and count
        let mut again = Zeroizing::new(vec![0; received.len()]);
        self.encoder.encode(&data, &mut again).ok()?;
        let wrong = (0..received.len()).filter(|at| received[*at] != again[*at]);
        let errors: Vec<usize> = wrong.filter(|at| !erased.contains(at)).collect();
        let fits = 2 * errors.len() + erased.len() <= self.correction;
        let against = errors.iter().map(|at| worth[*at]).sum();
        fits.then_some((errors.len(), against, data))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ::qrcode::types::{EcLevel, Version};
    use ::qrcode::{Color, QrCode};

    use super::super::qr::symbol;
    use super::super::tests::Noise;
    use super::*;
    use crate::codes::payload::{Payload, SealedPart};

    fn text(fill: u8) -> Zeroizing<String> {
        let bytes = Noise(u64::from(fill)).bytes(365);
        Payload::Sealed(SealedPart { set: [fill; 10], index: 0, bytes }).text()
    }

    /// A code of version 22 as a perfect scan gives it.
    fn values(text: &str) -> Zeroizing<Vec<f32>> {
        let code = QrCode::with_version(text.as_bytes(), Version::Normal(22), EcLevel::H).unwrap();
        let sign = |color: &Color| if *color == Color::Dark { 1.0 } else { -1.0 };
        Zeroizing::new(code.to_colors().iter().map(sign).collect())
    }

    /// Covers that share of the code with discs, as `benches/paper/damage.py` does.
    fn blot(values: &mut [f32], percent: usize, noise: &mut Noise) {
        let side = 105_usize;
        let mut covered = vec![false; side * side];
        while covered.iter().filter(|c| **c).count() * 100 < percent * side * side {
            let (cx, cy, r) = (noise.below(side), noise.below(side), 1 + noise.below(6));
            let ink = if noise.below(2) == 0 { 1.0 } else { -1.0 };
            for at in 0..side * side {
                let (x, y) = (at % side, at / side);
                if (x.abs_diff(cx)).pow(2) + (y.abs_diff(cy)).pow(2) <= r * r {
                    values[at] = ink;
                    covered[at] = true;
                }
            }
        }
    }

    #[test]
    fn a_clean_code_is_read_and_is_like_a_code() {
        let soft = Soft::measured(symbol(22).unwrap(), values(&text(7)));
        assert!(soft.likeness() > 0.99);
        assert_eq!(*soft.text().unwrap(), *text(7));
    }

    #[test]
    fn covered_modules_cost_half_of_wrong_ones() {
        let mut noise = Noise(11);
        let (mut alone, mut merged) = (0, 0);
        for _ in 0..10 {
            let mut copies: Vec<Soft> = (0..3)
                .map(|_| {
                    let mut values = values(&text(7));
                    blot(&mut values, 16, &mut noise);
                    Soft::measured(symbol(22).unwrap(), values)
                })
                .collect();
            let whole = text(7);
            for copy in &copies {
                let read = copy.text();
                assert!(read.as_ref().is_none_or(|read| **read == *whole));
                alone += usize::from(read.is_some());
            }
            assert!(copies[0].agreement(&copies[1]) > 0.8);
            let (first, rest) = copies.split_at_mut(1);
            for copy in rest {
                first[0].add(copy);
            }
            merged += usize::from(first[0].text().is_some());
        }
        assert!(alone > 0, "erasures are not used");
        assert_eq!(merged, 10, "copies do not help each other");
    }

    #[test]
    fn other_codes_do_not_agree() {
        let one = Soft::measured(symbol(22).unwrap(), values(&text(7)));
        let other = Soft::measured(symbol(22).unwrap(), values(&text(9)));
        assert!(one.agreement(&other) < 0.2);
        let values = one.values().iter().map(|v| -v).collect();
        assert!(
            Soft::weighed(symbol(22).unwrap(), Zeroizing::new(values)).unwrap().text().is_none()
        );
        assert!(Soft::weighed(symbol(22).unwrap(), Zeroizing::new(vec![0.0; 9])).is_none());
    }

    #[test]
    fn noise_is_no_code() {
        let mut noise = Noise(12);
        for version in [5, 12, 24] {
            let symbol = symbol(version).unwrap();
            for _ in 0..20 {
                let values = (0..symbol.side * symbol.side)
                    .map(|_| f32::from(noise.bytes(1)[0]) / 128.0 - 1.0)
                    .collect();
                let soft = Soft::measured(symbol, Zeroizing::new(values));
                assert!(soft.likeness().abs() < 0.3 && soft.text().is_none());
            }
        }
    }
}

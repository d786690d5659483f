//! What of a stream cannot be of a piece, and is passed over.

use crate::session::escapes::Escapes;
use crate::session::index::Pieces;
use crate::session::values::SHORTEST;

/// Where every third three bytes are looked at, five bytes of a piece can go unnoticed: no form may be so short.
const _: () = assert!(SHORTEST > 5);

/// Returns from where on bytes have to be looked at one by one, and up to where at least; most of what is shown is passed over
/// like that. What ends it is three bytes that may be in a piece, and what moves the terminal where less than four bytes that
/// may not be are behind it.
///
/// No piece is lost by it: of one that ends at what moves the terminal at most two bytes are passed over, for three of it would
/// have been asked for, and at most two behind; before `at` two more may have been (`is_in_nothing`), but then there is no
/// text between. [`SHORTEST`] is more than that.
pub(super) fn skip(pieces: &Pieces, held: &[u8], at: usize) -> (usize, usize) {
    let may_hold = |at: usize| pieces.may_hold([held[at], held[at + 1], held[at + 2]]);
    let mut start = at;
    loop {
        let (threes, _) = held[start..].as_chunks::<3>();
        let passed =
            threes.iter().take_while(|three| is_plain(**three) && !pieces.may_hold(**three));
        let end = start + 3 * passed.count();
        let rest = held[end..].iter().take(2).take_while(|byte| is_plain([**byte; 3]));
        let moves = end + rest.count();
        // a break may take a sign with it, and before that two may be of a piece that nothing tells of yet
        let mut from = moves.saturating_sub(3).min(end.saturating_sub(2)).max(start);
        let two = from;
        while from > start && may_hold(from - 1) {
            from -= 1;
        }
        // of three bytes the last may be the sign, and the others the middle of a piece
        let is_alone = from == two && (moves == at || moves > start + 3 && !may_hold(moves - 3));
        let next = behind(held, moves);
        // a fourth, so that the third is no sign of the next break
        let text = held.get(next..next + 4).filter(|_| is_alone && next > moves);
        let text = text.filter(|text| text.iter().all(|byte| is_plain([*byte; 3])));
        if text.is_none() || may_hold(next) {
            return (from, next);
        }
        start = next;
    }
}

/// Returns where text goes on behind what moves the terminal; the words of a title are no text here.
fn behind(held: &[u8], at: usize) -> usize {
    let mut escapes = Escapes::default();
    for (next, byte) in held.iter().enumerate().skip(at) {
        let rests = escapes.is_at_rest();
        if escapes.is_text(*byte) {
            // before a title nothing is passed over
            return if rests { next } else { at };
        }
    }
    held.len()
}

/// Says whether three bytes are text.
#[inline]
fn is_plain(three: [u8; 3]) -> bool {
    const HIGH: u32 = 0x80_8080;
    let all = u32::from_le_bytes([three[0], three[1], three[2], 0]);
    // Anderson, Bit Twiddling Hacks: is a byte less than 0x20, or 0x7f?
    let low = all.wrapping_sub(0x20_2020) & !all;
    let other = all ^ 0x7f_7f7f;
    (low | (other.wrapping_sub(0x01_0101) & !other)) & HIGH == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_from_what_moves() {
        for byte in 0..=u8::MAX {
            let expected = byte >= b' ' && byte != 0x7f;
            for three in [[byte, b'a', b'~'], [b' ', byte, 0xff], [0x80, b'Z', byte]] {
                assert_eq!(is_plain(three), expected, "{three:?}");
            }
        }
    }
}

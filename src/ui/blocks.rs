//! Pictures of dark and light squares on a terminal: two squares to a character.

/// Light squares around the picture, without which no reader finds it.
pub(super) const QUIET: usize = 2;

/// Black on white, whatever the terminal's colours are.
const ON: &str = "\x1b[0;30;107m";
const OFF: &str = "\x1b[0m";

/// Draws a picture of `side` squares a side and its margin, row by row.
pub(super) fn rows(side: usize, dark: impl Fn(usize, usize) -> bool) -> Vec<String> {
    let whole = side + 2 * QUIET;
    let inside = |x: usize, y: usize| {
        let (x, y) = (x.wrapping_sub(QUIET), y.wrapping_sub(QUIET));
        x < side && y < side && dark(x, y)
    };
    let sign = |x: usize, y: usize| match (inside(x, y), inside(x, y + 1)) {
        (true, true) => '\u{2588}',
        (true, false) => '\u{2580}',
        (false, true) => '\u{2584}',
        (false, false) => ' ',
    };
    let row = |y: usize| (0..whole).map(|x| sign(x, y)).collect::<String>();
    (0..whole).step_by(2).map(|y| format!("{ON}{}{OFF}", row(y))).collect()
}

/// Returns the most squares a side that a screen has room for under one line of words.
pub(super) fn room((rows, columns): (usize, usize)) -> usize {
    columns.min(2 * rows.saturating_sub(1)).saturating_sub(2 * QUIET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_squares_make_a_character() {
        // dark on the diagonal
        let rows = rows(2, |x, y| x == y);
        let bare = |row: &String| row.replace(ON, "").replace(OFF, "");
        let rows: Vec<String> = rows.iter().map(bare).collect();
        assert_eq!(rows, ["      ", "  \u{2580}\u{2584}  ", "      "]);
    }

    #[test]
    fn a_small_screen_has_room_for_a_small_picture() {
        assert_eq!(room((24, 80)), 42);
        assert_eq!(room((100, 30)), 26);
        assert_eq!(room((0, 0)), 0);
    }
}

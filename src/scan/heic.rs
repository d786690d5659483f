//! HEIC, as phones write it, to grey pictures: the only file that knows its decoder.

use heic_decoder::{DecodeOptions, HeifError, decode_with, probe};

use super::grey::Grey;
use super::{MAX_PIXELS, PageProblem};

/// Decodes the picture; its brightness is there already, its colours are not looked at.
pub(super) fn decode(file: &[u8]) -> Result<Grey, PageProblem> {
    let info = probe(file).map_err(|error| problem(&error))?;
    if info.coded_width.checked_mul(info.coded_height).is_none_or(|all| all > MAX_PIXELS) {
        return Err(PageProblem::TooLarge);
    }
    // codes are read whichever way up they are
    let options = DecodeOptions { apply_transforms: false };
    let image = decode_with(file, &options).map_err(|error| problem(&error))?;
    let more = image.bit_depth_luma.saturating_sub(8);
    let grey = |sample: &i32| (sample >> more).clamp(0, 255).to_le_bytes()[0];
    let pixels = image.y.iter().map(grey).collect();
    Grey::new(image.width, image.height, pixels).ok_or(PageProblem::Damaged)
}

fn problem(error: &HeifError) -> PageProblem {
    match error {
        HeifError::Unsupported(_) => PageProblem::Unsupported,
        _ => PageProblem::Damaged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_picture_is_damaged() {
        assert!(matches!(decode(b"\0\0\0\x18ftypheic\0\0\0\0"), Err(PageProblem::Damaged)));
    }
}

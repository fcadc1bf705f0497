//! The link as a picture that a phone reads.

use qrcodegen::{QrCode, QrCodeEcc};

/// The quiet border that readers need, in modules: four, says ISO/IEC 18004.
const BORDER: usize = 4;

/// The squares of a code with its border, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Squares {
    /// Squares along a side.
    pub(crate) side: usize,
    /// Whether each is black.
    pub(crate) black: Vec<bool>,
}

/// The code of `text`.
///
/// # Errors
/// In words, where it is longer than a code can hold (2,953 bytes).
pub(crate) fn squares(text: &str) -> Result<Squares, String> {
    // The least correction: a screen is not torn or stained, and larger squares are read from further away. Where there is room to
    // spare the encoder corrects more by itself.
    let code = QrCode::encode_text(text, QrCodeEcc::Low).map_err(|_| {
        format!("The link has {} characters; a QR code holds 2,953. Shorten the task, or say less in the link.", text.len())
    })?;
    let inner = usize::try_from(code.size()).unwrap_or_default();
    let side = inner + 2 * BORDER;
    let at = |place: usize| i32::try_from(place).unwrap_or_default() - BORDER as i32;
    // Outside of the code all is white.
    let black = (0..side * side).map(|place| code.get_module(at(place % side), at(place / side))).collect();
    Ok(Squares { side, black })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a reader of codes reads in a picture of the squares, each `scale` pixels wide.
    fn decoded(squares: &Squares, scale: usize) -> String {
        let side = squares.side * scale;
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| {
            if squares.black[y / scale * squares.side + x / scale] { 0 } else { 255 }
        });
        let grids = picture.detect_grids();
        assert_eq!(grids.len(), 1, "there is one code");
        grids[0].decode().unwrap().1
    }

    #[test]
    fn a_border_of_four_squares_is_white() {
        let squares = squares("https://example.org/").unwrap();
        for place in 0..squares.side * squares.side {
            let (x, y) = (place % squares.side, place / squares.side);
            let inside = |at: usize| (BORDER..squares.side - BORDER).contains(&at);
            assert!(!squares.black[place] || (inside(x) && inside(y)), "{x} {y}");
        }
    }

    #[test]
    fn what_no_code_can_hold_is_said_in_words() {
        let told = squares(&"x".repeat(2954)).unwrap_err();
        assert!(told.contains("2954") && told.contains("Shorten"), "{told}");
        assert!(squares(&"x".repeat(2953)).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_reader_reads_the_link_again(text in "https://[a-z]{3,12}\\.org/#v=1(&[a-z]{2,9}=[-A-Za-z0-9.,%]{1,20}){0,24}") {
            prop_assert_eq!(decoded(&squares(&text).unwrap(), 4), text);
        }
    }
}

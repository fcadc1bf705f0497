//! The link as an element that other web pages embed.

/// The height of the frame, in CSS pixels: the stage is seen whole in the width of a column of text.
const HEIGHT: u32 = 560;

/// HTML that shows `link`, a whole address, in a frame.
pub(crate) fn frame(link: &str) -> String {
    let link = link.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    format!(
        "<iframe src=\"{link}\" title=\"gairat: adversarial training, step by step\" width=\"100%\" height=\"{HEIGHT}\" \
         style=\"border: 0\" allow=\"clipboard-write\"></iframe>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_holds_the_link_and_nothing_that_could_end_its_attribute() {
        let told = frame("https://example.org/#v=1&task=a%22b&embed=1");
        assert!(told.contains("src=\"https://example.org/#v=1&amp;task=a%22b&amp;embed=1\""), "{told}");
        let told = frame("https://example.org/\"><script>#v=1");
        assert!(!told.contains("<script>") && !told.contains("/\">"), "{told}");
    }
}

//! Sizes of the text; the same on every paper.

use serde::Deserialize;

use super::PaperError;

/// `theme.toml`: lengths of the page in mm, sizes of text in points.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Theme {
    /// Paper where none is asked for.
    #[serde(default)]
    pub(super) paper: PaperName,
    pub(super) page: PageTheme,
    pub(super) text: TextTheme,
    pub(super) facts: FactsTheme,
    pub(super) typed: TypedTheme,
    #[serde(default)]
    pub(super) fonts: FontsTheme,
}

/// `paper = "a4"`
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PaperName {
    #[default]
    A4,
    Letter,
}

/// Names of TrueType files in the folder of the templates; the shipped ones where there is none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FontsTheme {
    pub(super) regular: Option<String>,
    pub(super) bold: Option<String>,
    pub(super) mono: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageTheme {
    /// From the upper edge of the paper, mm.
    pub(super) top: f32,
    /// From the lower edge of the paper, mm.
    pub(super) bottom: f32,
    /// Left and right of the text of documents, mm; on sheets text goes as far as the codes do.
    pub(super) side: f32,
    /// Between two columns, mm.
    pub(super) gutter: f32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TextTheme {
    pub(super) body: f32,
    /// Block quotes.
    pub(super) small: f32,
    /// Captions of codes and the fold mark.
    pub(super) caption: f32,
    /// Headings of level 2, 3 and 4.
    pub(super) headings: [f32; 3],
    /// Baseline to baseline, as a multiple of the size.
    pub(super) leading: f32,
    /// Between two blocks, beyond the leading.
    pub(super) gap: f32,
    /// At most this much is added to every gap where a frame has room.
    pub(super) stretch: f32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactsTheme {
    pub(super) label: f32,
    pub(super) huge: f32,
    pub(super) large: f32,
    pub(super) plain: f32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedTheme {
    pub(super) share: f32,
    pub(super) locked: f32,
    pub(super) other: f32,
    pub(super) leading: f32,
}

impl Theme {
    /// Reads the theme of a file; [`PaperError::Theme`] says what is wrong with it.
    pub(super) fn parse(name: &'static str, text: &str) -> Result<Self, PaperError> {
        let wrong = |what: &str| PaperError::Theme { name, what: what.trim_end().to_owned() };
        let theme: Self = toml::from_str(text).map_err(|e| wrong(&e.to_string()))?;
        let lengths = [theme.page.top, theme.page.bottom, theme.page.side, theme.page.gutter];
        let (text, facts, typed) = (&theme.text, &theme.facts, &theme.typed);
        let sizes = [text.body, text.small, text.caption, facts.label, facts.huge, facts.large];
        let rest = [facts.plain, typed.share, typed.locked, typed.other];
        if !lengths.iter().all(|mm| (3.0..=60.0).contains(mm)) {
            return Err(wrong("margins and gutter are 3 to 60 mm"));
        }
        if !sizes.iter().chain(&rest).chain(&text.headings).all(|pt| (5.0..=72.0).contains(pt)) {
            return Err(wrong("text sizes are 5 to 72 points"));
        }
        if ![text.leading, typed.leading].iter().all(|times| (1.0..=3.0).contains(times)) {
            return Err(wrong("leading is 1 to 3 times the size"));
        }
        if ![text.gap, text.stretch].iter().all(|pt| (0.0..=72.0).contains(pt)) {
            return Err(wrong("gap and stretch are 0 to 72 points"));
        }
        Ok(theme)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const BUILT_IN: &str = include_str!("../../templates/theme.toml");

    #[test]
    fn the_built_in_theme_is_valid_and_strange_ones_are_not() {
        Theme::parse("theme.toml", BUILT_IN).unwrap();
        for (from, to) in [("body = ", "bodi = "), ("body = ", "body = 9"), ("top = ", "top = -")] {
            assert!(Theme::parse("theme.toml", &BUILT_IN.replacen(from, to, 1)).is_err(), "{to}");
        }
    }
}

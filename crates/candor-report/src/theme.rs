//! The report's colours, light and dark. The page and its drawings name them as CSS variables only.
//!
//! They are values and not only a style sheet so that a test can measure their contrast.

use std::fmt::Write;

/// A colour as CSS writes it: `#rrggbb`.
type Colour = &'static str;

/// Steps of a heat map's scale above "nothing".
pub(crate) const SHADES: usize = 6;

/// One scheme's colours.
pub(crate) struct Theme {
    /// Behind everything.
    paper: Colour,
    /// Behind cards and tables.
    surface: Colour,
    /// Text.
    ink: Colour,
    /// Text that matters less.
    muted: Colour,
    /// Lines between things.
    rule: Colour,
    /// Links, the model's right answers, the first line of a chart.
    accent: Colour,
    /// Wrong answers.
    wrong: Colour,
    /// The second line of a chart.
    second: Colour,
    /// Scale for right answers, weak to strong.
    right_shades: [Colour; SHADES],
    /// Scale for wrong answers, weak to strong.
    wrong_shades: [Colour; SHADES],
    /// Faces of the network's blocks: convolution, pooling, dense, other.
    blocks: [Colour; 4],
}

/// For paper, and for readers who prefer light.
pub(crate) const LIGHT: Theme = Theme {
    paper: "#faf9f6",
    surface: "#ffffff",
    ink: "#1c2226",
    muted: "#59636b",
    rule: "#dad7cf",
    accent: "#1c5d99",
    wrong: "#a9421a",
    second: "#8a5a00",
    right_shades: ["#e3eef8", "#c3daee", "#9cc2e2", "#2f6fb0", "#1f5596", "#133d70"],
    wrong_shades: ["#fbeae0", "#f7d3be", "#efb596", "#b04a1f", "#8f3710", "#6c2808"],
    blocks: ["#9cc2e2", "#e8c77e", "#c3b1dd", "#cfd4d8"],
};

/// For readers who prefer dark.
pub(crate) const DARK: Theme = Theme {
    paper: "#14181b",
    surface: "#1c2125",
    ink: "#e9e7e2",
    muted: "#a7b0b7",
    rule: "#384047",
    accent: "#86bdf2",
    wrong: "#f2a07a",
    second: "#e6bd62",
    right_shades: ["#1f3042", "#25435e", "#2c577c", "#7ab0e5", "#9dc8f1", "#c4dffa"],
    wrong_shades: ["#3b281f", "#573421", "#724325", "#ee9a6e", "#f4b592", "#fad5bf"],
    blocks: ["#3f78ad", "#9c7a2d", "#77609b", "#5a646c"],
};

impl Theme {
    /// The colours as CSS declarations: `--paper:#faf9f6;…`. Every shade comes with the ink that is read best on it.
    pub(crate) fn declarations(&self) -> String {
        let mut css = String::new();
        for (name, colour) in self.named() {
            write!(css, "--{name}:{colour};").expect("writing to a string cannot fail");
        }
        for (scale, shades) in [("right", &self.right_shades), ("wrong", &self.wrong_shades)] {
            for (level, shade) in (1..).zip(shades) {
                write!(css, "--{scale}-{level}:{shade};--{scale}-ink-{level}:{};", self.ink_on(shade))
                    .expect("writing to a string cannot fail");
            }
        }
        css
    }

    /// `css` with every `var(--name)` replaced by this theme's colour.
    pub(crate) fn resolve(&self, css: &str) -> String {
        self.named()
            .into_iter()
            .fold(css.to_owned(), |css, (name, colour)| css.replace(&format!("var(--{name})"), colour))
    }

    fn named(&self) -> [(&'static str, Colour); 12] {
        let [conv, pool, dense, other] = self.blocks;
        [
            ("paper", self.paper),
            ("surface", self.surface),
            ("ink", self.ink),
            ("muted", self.muted),
            ("rule", self.rule),
            ("accent", self.accent),
            ("wrong", self.wrong),
            ("second", self.second),
            ("conv", conv),
            ("pool", pool),
            ("dense", dense),
            ("other", other),
        ]
    }

    fn ink_on(&self, shade: &str) -> Colour {
        if contrast(self.ink, shade) >= contrast(self.surface, shade) { self.ink } else { self.surface }
    }
}

/// The step of a scale for a share in 0..=1: 0 for nothing at all, else 1..=[`SHADES`].
pub(crate) fn shade(share: f64) -> usize {
    if share <= 0.0 { 0 } else { ((share * SHADES as f64).ceil() as usize).clamp(1, SHADES) }
}

/// Contrast of two colours, 1..=21 (WCAG 2.2, "contrast ratio").
fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Relative luminance, 0..=1 (WCAG 2.2, "relative luminance").
fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let value = u8::from_str_radix(&colour[at..at + 2], 16).expect("the themes' colours are #rrggbb");
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What WCAG AA asks of text, and of lines and marks that carry meaning.
    const TEXT: f64 = 4.5;
    const MARK: f64 = 3.0;

    #[test]
    fn contrast_is_what_wcag_says() {
        assert!((contrast("#ffffff", "#000000") - 21.0).abs() < 1e-9);
        assert!((contrast("#777777", "#ffffff") - 4.478).abs() < 1e-3);
    }

    #[test]
    fn every_text_and_every_mark_can_be_read_in_both_schemes() {
        for theme in [LIGHT, DARK] {
            for ground in [theme.paper, theme.surface] {
                for text in [theme.ink, theme.muted, theme.accent, theme.wrong, theme.second] {
                    assert!(contrast(text, ground) >= TEXT, "{text} on {ground}");
                }
            }
            for shade in theme.right_shades.iter().chain(&theme.wrong_shades) {
                let ink = theme.ink_on(shade);
                assert!(contrast(ink, shade) >= TEXT, "{ink} on {shade}: {}", contrast(ink, shade));
            }
            for block in theme.blocks {
                assert!(contrast(theme.ink, block) >= MARK, "outline on {block}");
            }
        }
    }

    #[test]
    fn shades_grow_steadily_away_from_the_surface() {
        for theme in [LIGHT, DARK] {
            for shades in [theme.right_shades, theme.wrong_shades] {
                let steps: Vec<f64> = shades.iter().map(|shade| contrast(shade, theme.surface)).collect();
                assert!(steps.is_sorted_by(|a, b| a < b), "{steps:?}");
            }
        }
        assert_eq!([0.0, 0.001, 0.5, 0.51, 1.0].map(shade), [0, 1, 3, 4, SHADES]);
    }
}

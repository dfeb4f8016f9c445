//! Fitting words into the space that a drawing has.

/// At most `most` characters; what is longer has a `…` in its middle, because long names often differ at their end only.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    let characters = text.chars().count();
    if characters <= most {
        return text.to_owned();
    }
    let end = most.saturating_sub(1) / 2;
    let start: String = text.chars().take(most.saturating_sub(1) - end).collect();
    let end: String = text.chars().skip(characters - end).collect();
    format!("{}…{}", start.trim_end(), end.trim_start())
}

/// The last `most` characters; what is longer begins with `…`.
pub(crate) fn shorten_front(text: &str, most: usize) -> String {
    let characters = text.chars().count();
    if characters <= most {
        return text.to_owned();
    }
    std::iter::once('…').chain(text.chars().skip(characters - most.saturating_sub(1))).collect()
}

/// One or two lines of at most `most` characters, broken at a space where there is one.
pub(crate) fn two_lines(text: &str, most: usize) -> Vec<String> {
    if text.chars().count() <= most {
        return vec![text.to_owned()];
    }
    let fits = |&(at, _): &(usize, &str)| at > 0 && text[..at].chars().count() <= most;
    match text.match_indices(' ').rfind(fits) {
        Some((at, _)) => vec![text[..at].to_owned(), shorten(text[at..].trim_start(), most)],
        None => vec![shorten(text, most)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_lose_their_middle_and_long_names_break_at_a_space() {
        let cases: [(&str, &[&str]); 5] = [
            ("fork", &["fork"]),
            ("plastic bottle", &["plastic", "bottle"]),
            ("a very long plastic bottle", &["a very", "long…ttle"]),
            ("incomprehensible", &["inco…ible"]),
            ("Füße über Füße", &["Füße über", "Füße"]),
        ];
        for (text, lines) in cases {
            assert_eq!(two_lines(text, 9), lines);
        }
    }

    #[test]
    fn the_end_of_a_file_s_name_is_what_tells_it_apart() {
        assert_eq!(shorten_front("a-long-name-0004.jpg", 9), "…0004.jpg");
        assert_eq!(shorten_front("grün.jpg", 8), "grün.jpg");
    }
}

//! Columns and lines of text that fit a terminal.

use std::fmt;

/// What a terminal shows at least, in characters.
pub const WIDTH: usize = 80;

/// Between two columns.
const GAP: &str = "  ";

/// No column is wrapped to less.
const LEAST_WIDTH: usize = 12;

/// Rows of cells, each column as wide as its widest cell. A heading that begins with `>` makes its column right-aligned.
pub struct Table {
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
    has_heading: bool,
    /// The column whose cells may take several lines, and how wide the table may be without that.
    wrapping: Option<(usize, usize)>,
}

impl Table {
    /// With a heading.
    pub fn new<S: AsRef<str>>(heading: &[S]) -> Table {
        let right = heading.iter().map(|name| name.as_ref().starts_with('>')).collect();
        let names = heading.iter().map(|name| name.as_ref().trim_start_matches('>').to_owned());
        Table { right, rows: vec![names.collect()], has_heading: true, wrapping: None }
    }

    /// Without.
    pub fn plain() -> Table {
        Table { right: Vec::new(), rows: Vec::new(), has_heading: false, wrapping: None }
    }

    /// Where the table is wider than `width`, the cells of `column` are broken into as many lines as make it fit.
    pub fn wrapping(self, column: usize, width: usize) -> Table {
        Table { wrapping: Some((column, width)), ..self }
    }

    /// Adds a row.
    pub fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(|cell| cell.as_ref().to_owned()).collect());
    }

    /// The width of the widest line, in characters.
    pub fn width(&self) -> usize {
        self.to_string().lines().map(|line| line.chars().count()).max().unwrap_or(0)
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..columns).map(width).collect();
        if let Some((column, most)) = self.wrapping {
            let all = widths.iter().sum::<usize>() + GAP.len() * columns.saturating_sub(1);
            widths[column] = widths[column].saturating_sub(all.saturating_sub(most)).max(LEAST_WIDTH);
        }
        widths
    }

    /// A row's lines: one, unless a cell is wrapped.
    fn lines(&self, row: &[String], widths: &[usize]) -> Vec<String> {
        let wraps = |column| self.wrapping.is_some_and(|(wrapped, _)| wrapped == column);
        let cells: Vec<Vec<String>> = (0..)
            .zip(row.iter().zip(widths))
            .map(|(column, (cell, &width))| match wraps(column) {
                true => wrapped(cell, width).split('\n').map(str::to_owned).collect(),
                false => vec![cell.clone()],
            })
            .collect();
        let line = |number: usize| {
            let cells = cells.iter().zip(widths).enumerate().map(|(column, (cell, &width))| {
                let text = cell.get(number).map_or("", String::as_str);
                match self.right.get(column) {
                    Some(true) => format!("{text:>width$}"),
                    _ => format!("{text:<width$}"),
                }
            });
            cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
        };
        (0..cells.iter().map(Vec::len).max().unwrap_or(0)).map(line).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (number, row) in self.rows.iter().enumerate() {
            self.lines(row, &widths).iter().try_for_each(|line| writeln!(f, "{line}"))?;
            if number == 0 && self.has_heading {
                let rule = widths.iter().map(|&width| "─".repeat(width)).collect::<Vec<_>>();
                writeln!(f, "{}", rule.join("──"))?;
            }
        }
        Ok(())
    }
}

/// Broken at spaces into lines of at most `width` characters; a word that is longer has a line to itself.
pub fn wrapped(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        match line.chars().count() + word.chars().count() < width {
            _ if line.is_empty() => line.push_str(word),
            true => *line += &format!(" {word}"),
            false => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

/// `text`, or its end behind an ellipsis where it is longer than `most` characters: the end of a path says more.
pub fn shortened(text: &str, most: usize) -> String {
    let length = text.chars().count();
    match length <= most {
        true => text.to_owned(),
        false if most == 0 => String::new(),
        false => format!("…{}", text.chars().skip(length + 1 - most).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["name", ">count"]);
        table.row(["a", "1"]);
        table.row(["größer", "1,000"]);
        let expected = "name    count\n─────────────\na           1\ngrößer  1,000\n";
        assert_eq!(table.to_string(), expected);
        assert_eq!(table.width(), 13);
    }

    #[test]
    fn a_wrapped_column_makes_the_table_fit_and_loses_no_word() {
        let mut table = Table::new(&["layer", "settings", ">count"]).wrapping(1, 30);
        table.row(["a", "short", "1"]);
        table.row(["b", "3×3 same stride 2×2 groups 576", "1,000"]);
        let expected = "layer  settings          count\n\
                        ──────────────────────────────\n\
                        a      short                 1\n\
                        b      3×3 same stride   1,000\n       2×2 groups 576\n";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn text_is_wrapped_at_spaces() {
        let text = wrapped(&"word ".repeat(40), WIDTH);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(text.lines().next().unwrap().chars().count(), 79, "as many as fit");
        assert_eq!(text.split_whitespace().count(), 40);
    }

    #[test]
    fn long_paths_keep_their_end() {
        assert_eq!(shortened("photos/a.jpg", 12), "photos/a.jpg");
        assert_eq!(shortened("photos/a.jpg", 6), "…a.jpg");
    }
}

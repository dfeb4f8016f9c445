//! Columns of text.

use std::fmt;

/// Rows of cells, each column as wide as its widest cell. A heading that begins with `>` makes its column right-aligned.
pub struct Table {
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
    has_heading: bool,
}

impl Table {
    /// With a heading.
    pub fn new<S: AsRef<str>>(heading: &[S]) -> Table {
        let right = heading.iter().map(|name| name.as_ref().starts_with('>')).collect();
        let names = heading.iter().map(|name| name.as_ref().trim_start_matches('>').to_owned());
        Table { right, rows: vec![names.collect()], has_heading: true }
    }

    /// Without.
    pub fn plain() -> Table {
        Table { right: Vec::new(), rows: Vec::new(), has_heading: false }
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
        (0..columns).map(width).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (number, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
                match self.right.get(column) {
                    Some(true) => format!("{cell:>width$}"),
                    _ => format!("{cell:<width$}"),
                }
            });
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
            if number == 0 && self.has_heading {
                let rule = widths.iter().map(|&width| "─".repeat(width)).collect::<Vec<_>>();
                writeln!(f, "{}", rule.join("──"))?;
            }
        }
        Ok(())
    }
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
    fn long_paths_keep_their_end() {
        assert_eq!(shortened("photos/a.jpg", 12), "photos/a.jpg");
        assert_eq!(shortened("photos/a.jpg", 6), "…a.jpg");
    }
}

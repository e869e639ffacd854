//! [`Table`]: rows for people, lines with tabs for programs.

use comfy_table::{ColumnConstraint, ContentArrangement, Width, presets};

use super::Out;
use crate::escape;
use crate::failure::Failure;
use crate::terminal::{STRONG, styled};

/// Rows of text of others, one of which stands on each line.
#[derive(Debug)]
pub(crate) struct Table {
    heads: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(heads: &[&'static str]) -> Self {
        Self {
            heads: heads.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn print(&self, out: Out) -> Result<(), Failure> {
        out.words(&self.render(out.width()))
    }

    /// Columns within `width`; without one, tabs and no heads, for `cut` and `awk`.
    pub(crate) fn render(&self, width: Option<u16>) -> String {
        let safe = self
            .rows
            .iter()
            .map(|row| row.iter().map(|cell| escape::line(cell.trim())));
        let Some(width) = width else {
            let lines = safe.map(|row| row.collect::<Vec<_>>().join("\t") + "\n");
            return lines.collect();
        };
        // Columns that are empty everywhere say nothing.
        let used: Vec<bool> = (0..self.heads.len())
            .map(|at| {
                self.rows
                    .iter()
                    .any(|row| row.get(at).is_some_and(|cell| !cell.trim().is_empty()))
            })
            .collect();
        let pick = |at: usize| used.get(at).copied().unwrap_or(false);
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
        table.set_header(
            self.heads
                .iter()
                .enumerate()
                .filter(|(at, _)| pick(*at))
                .map(|(_, head)| *head),
        );
        for row in safe {
            table.add_row(
                row.enumerate()
                    .filter(|(at, _)| pick(*at))
                    .map(|(_, cell)| cell.into_owned()),
            );
        }
        let columns = table.column_count();
        for (at, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, if at + 1 == columns { 0 } else { 2 }));
            // A name is to be copied: it is not broken as long as there is room.
            if at == 0 {
                column.set_constraint(ColumnConstraint::UpperBoundary(Width::Percentage(50)));
            }
        }
        let mut text = String::new();
        for (at, line) in table.lines().enumerate() {
            let line = line.trim_end();
            text.push_str(&if at == 0 {
                styled(STRONG, line).to_string()
            } else {
                line.to_owned()
            });
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["NAME", "EMPTY", "DESCRIPTION"]);
        table.row(vec![
            "add".into(),
            String::new(),
            "Add two whole numbers, whatever they are.".into(),
        ]);
        table.row(vec![
            "evil\u{1b}]0;x\u{7}".into(),
            " ".into(),
            "a\nb\t\u{202e}c".into(),
        ]);
        table
    }

    #[test]
    fn columns_for_people() {
        let text = table().render(Some(48));
        let text = anstream::adapter::strip_str(&text).to_string();
        let expected = "\
NAME                 DESCRIPTION
add                  Add two whole numbers,
                     whatever they are.
evil\\u{1b}]0;x\\u{7}  a\\u{a}b\\u{9}\\u{202e}c
";
        assert_eq!(text, expected);
    }

    #[test]
    fn tabs_for_programs() {
        let expected = "add\t\tAdd two whole numbers, whatever they are.\nevil\\u{1b}]0;x\\u{7}\t\ta\\u{a}b\\u{9}\\u{202e}c\n";
        assert_eq!(table().render(None), expected);
    }
}

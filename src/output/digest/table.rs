//! A table of text whose columns are as wide as they have to be, and no wider than the terminal.
//!
//! Knows texts and columns. Knows nothing of what they say.

use crate::output::style;
use std::io;

/// How a column is written and what happens to it where the line is too short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// A number: at the right, never cut.
    Number,
    /// A word: at the left, never cut.
    Word,
    /// A name: at the left, loses its middle.
    Name,
    /// A value: at the left, loses its end.
    Value,
}

/// The least a name or a value is cut to.
const LEAST: usize = 8;

/// Rows of cells under a heading.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<(Column, &'static str)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(columns: &[(Column, &'static str)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row with a cell for each column.
    pub(super) fn push<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.columns.len(), "a cell for each column");
        self.rows.push(cells.into());
    }

    /// Writes heading and rows, two blanks in front; without the heading where it has no text.
    pub(super) fn write(&self, out: &mut dyn io::Write, width: usize) -> io::Result<()> {
        let widths = self.widths(width);
        let widths = &widths[..self.fitting(&widths, width)];
        if self.columns.iter().any(|(_, title)| !title.is_empty()) {
            let titles: Vec<String> = self.columns.iter().map(|(_, title)| (*title).to_owned()).collect();
            self.write_row(out, &titles, widths)?;
        }
        self.rows.iter().try_for_each(|row| self.write_row(out, row, widths))
    }

    fn write_row(&self, out: &mut dyn io::Write, cells: &[String], widths: &[usize]) -> io::Result<()> {
        let mut line = " ".to_owned();
        for (at, ((cell, (column, _)), &width)) in cells.iter().zip(&self.columns).zip(widths).enumerate() {
            style::push_blanks(&mut line, self.gap(at));
            match column {
                Column::Number => style::push_right(&mut line, cell, width),
                Column::Word => style::push_left(&mut line, cell, width),
                Column::Name => style::push_left(&mut line, &style::fit_middle(cell, width), width),
                Column::Value => style::push_left(&mut line, &style::fit_end(cell, width), width),
            }
        }
        writeln!(out, "{}", line.trim_end())
    }

    /// Blanks in front of a column: two where a number would touch a text.
    fn gap(&self, at: usize) -> usize {
        let is_number = |at: usize| self.columns.get(at).is_some_and(|(column, _)| *column == Column::Number);
        if at > 0 && is_number(at - 1) && !is_number(at) { 2 } else { 1 }
    }

    /// How many columns a line has room for, when those that may be cut have been: the last ones go first.
    fn fitting(&self, widths: &[usize], width: usize) -> usize {
        let mut used = 1;
        let fits = widths.iter().enumerate().take_while(|(at, column)| {
            used += self.gap(*at) + **column;
            used <= width
        });
        fits.count().clamp(1, widths.len())
    }

    /// What each column needs; where that is too much, the widest of those that may be cut gives way first.
    fn widths(&self, width: usize) -> Vec<usize> {
        let needed = |at: usize, title: &str| {
            let cells = self.rows.iter().filter_map(|row| row.get(at)).map(|cell| style::display_width(cell));
            cells.max().unwrap_or(0).max(style::display_width(title))
        };
        let mut widths: Vec<usize> =
            self.columns.iter().enumerate().map(|(at, (_, title))| needed(at, title)).collect();
        let gaps: usize = (0..widths.len()).map(|at| self.gap(at)).sum();
        let room = width.saturating_sub(gaps + 1);
        while widths.iter().sum::<usize>() > room {
            let widest = (0..widths.len())
                .filter(|&at| matches!(self.columns[at].0, Column::Name | Column::Value))
                .max_by_key(|&at| widths[at]);
            match widest {
                Some(at) if widths[at] > LEAST => widths[at] -= 1,
                _ => break,
            }
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_give_way() {
        let mut table = Table::new(&[(Column::Name, "object"), (Column::Number, "n"), (Column::Value, "first")]);
        table.push(["battery.soc".into(), "7".into(), "29.6 %".into()]);
        table.push(["dc_conv.dc_conv_struct[0].p_dc_lp".into(), "12345".into(), "a value of some length".into()]);
        let written = |width| {
            let mut out = Vec::new();
            table.write(&mut out, width).expect("a vector takes everything");
            String::from_utf8(out).expect("text")
        };
        assert_eq!(
            written(80),
            "  object                                n  first\n  \
             battery.soc                           7  29.6 %\n  \
             dc_conv.dc_conv_struct[0].p_dc_lp 12345  a value of some length\n"
        );
        assert_eq!(
            written(40),
            "  object              n  first\n  \
             battery.soc         7  29.6 %\n  \
             dc_conv…p_dc_lp 12345  a value of som…\n"
        );
        assert!(written(0).lines().all(|line| style::display_width(line) <= 40), "still readable");
    }
}

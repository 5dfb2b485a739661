//! Tables: columns that fit are shown whole, the least important ones go first, and the selected row stays in sight.

use super::{Theme, cut};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// A column of rows of a type.
pub struct Column<R> {
    pub title: &'static str,
    pub width: usize,
    pub right: bool,
    /// The highest go first when there is no room; 0 stays.
    pub spare: u8,
    pub text: fn(&R) -> String,
}

/// The rows of a table, and which of them is selected, if one is.
pub struct Rows<'a, R> {
    pub rows: &'a [R],
    pub selected: Option<usize>,
    pub style: fn(&R, Theme) -> Style,
    /// What is said if there are none.
    pub none: &'static str,
}

/// Head and rows, at most so many lines; the last column takes what is left.
pub fn lines<R>(
    columns: Vec<Column<R>>,
    rows: &Rows<'_, R>,
    theme: Theme,
    width: usize,
    height: usize,
) -> Vec<Line<'static>> {
    if rows.rows.is_empty() {
        return vec![Line::styled(cut(rows.none, width), theme.dim())];
    }
    let columns = that_fit(columns, width);
    let head: Vec<String> = columns.iter().map(|column| column.title.to_owned()).collect();
    let mut lines = vec![Line::styled(row_text(&columns, &head, width), theme.dim())];
    let room = height.saturating_sub(1);
    let first = first_row(rows.rows.len(), rows.selected.unwrap_or(0), room);
    for (index, row) in rows.rows.iter().enumerate().skip(first).take(room) {
        let texts: Vec<String> = columns.iter().map(|column| (column.text)(row)).collect();
        let mut text = row_text(&columns, &texts, width);
        let mut style = (rows.style)(row, theme);
        if rows.selected == Some(index) {
            style = style.patch(theme.selected());
            text = format!("{text:width$}");
        }
        lines.push(Line::from(Span::styled(text, style)));
    }
    lines
}

/// Which rows of a table of so many lines are seen: `, 3 to 16 of 40`; nothing if all are.
pub fn range(count: usize, selected: usize, height: usize) -> String {
    let room = height.saturating_sub(1);
    if count <= room {
        return String::new();
    }
    let first = first_row(count, selected, room);
    format!(", {} to {} of {count}", first + 1, first + room)
}

/// Where a window of so many rows begins, so that the selected one is in it.
pub fn first_row(count: usize, selected: usize, room: usize) -> usize {
    let last_first = count.saturating_sub(room);
    selected.saturating_sub(room / 2).min(last_first)
}

fn that_fit<R>(mut columns: Vec<Column<R>>, width: usize) -> Vec<Column<R>> {
    while columns.iter().map(|column| column.width + 1).sum::<usize>() > width + 1 {
        let Some(index) = (0..columns.len()).rev().max_by_key(|index| columns[*index].spare) else { break };
        if columns[index].spare == 0 {
            break;
        }
        columns.remove(index);
    }
    columns
}

fn row_text<R>(columns: &[Column<R>], texts: &[String], width: usize) -> String {
    let mut line = String::new();
    for (index, (column, text)) in columns.iter().zip(texts).enumerate() {
        if index > 0 {
            line.push(' ');
        }
        let is_last = index + 1 == columns.len();
        let room = if is_last { width.saturating_sub(line.chars().count()).max(column.width) } else { column.width };
        let text = cut(text, room);
        match (column.right, is_last) {
            (true, _) => line.push_str(&format!("{text:>column_width$}", column_width = column.width)),
            (false, true) => line.push_str(&text),
            (false, false) => line.push_str(&format!("{text:<column_width$}", column_width = column.width)),
        }
    }
    cut(&line, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(width: usize, selected: usize, height: usize) -> Vec<String> {
        let column = |title, spare, text| Column::<u32> { title, width: 5, right: spare == 2, spare, text };
        let columns = vec![
            column("NAME", 0, |row| format!("n{row}")),
            column("MANY", 2, |row| (row * 100).to_string()),
            column("WHY", 1, |_| "because of it".into()),
        ];
        let numbers: Vec<u32> = (0..50).collect();
        let rows = Rows { rows: &numbers, selected: Some(selected), style: |_, _| Style::new(), none: "none" };
        let theme = Theme { colours: false, ascii: true };
        let drawn = lines(columns, &rows, theme, width, height);
        drawn.iter().map(|line| line.spans.iter().map(|span| span.content.as_ref()).collect::<String>()).collect()
    }

    #[test]
    fn columns_go_whole_and_the_last_takes_the_rest() {
        assert_eq!(shown(30, 9, 3), ["NAME   MANY WHY", "n8      800 because of it", "n9      900 because of it     "]);
        assert_eq!(shown(16, 49, 2)[1], "n49   because o…");
        assert_eq!(shown(5, 49, 2)[1], "n49  ");
    }

    #[test]
    fn the_selected_row_stays_in_sight() {
        assert_eq!(
            (first_row(50, 0, 10), first_row(50, 49, 10), first_row(50, 20, 10), first_row(3, 2, 10)),
            (0, 40, 15, 0)
        );
        assert_eq!((range(16, 0, 5).as_str(), range(16, 15, 5).as_str()), (", 1 to 4 of 16", ", 13 to 16 of 16"));
        assert_eq!((range(4, 0, 5).as_str(), range(0, 0, 0).as_str()), ("", ""));
    }
}

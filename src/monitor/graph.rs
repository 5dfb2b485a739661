//! Bars for a terminal: values become rows of characters, with the scale at their left.
//!
//! Each column is one value, or the largest of those that share it: a peak must not be averaged away.

/// From empty to full, in eighths of a cell, and what stands for them without Unicode.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 9] = [' ', '.', '.', ':', ':', '|', '|', '#', '#'];
/// Columns of the scale: `999.9 ms` and a space.
const SCALE: usize = 9;

/// Draws the newest values at the right edge. Each row is at most `width` columns wide.
pub fn bars(values: &[f64], width: usize, height: usize, ascii: bool, unit: impl Fn(f64) -> String) -> Vec<String> {
    let columns = width.saturating_sub(SCALE + 1);
    if columns == 0 || height == 0 {
        return vec![String::new(); height];
    }
    let values = squeeze(values, columns);
    let top = values.iter().copied().fold(0.0, f64::max);
    let levels: Vec<usize> = values.iter().map(|value| level(*value, top, height)).collect();
    let characters = if ascii { ASCII } else { BLOCKS };
    let edge = if ascii { '|' } else { '│' };
    (0..height)
        .map(|row| {
            let label = if row == 0 && top > 0.0 {
                unit(top)
            } else if row + 1 == height {
                "0".into()
            } else {
                String::new()
            };
            let below = (height - 1 - row) * 8;
            let bars: String = levels.iter().map(|level| characters[level.saturating_sub(below).min(8)]).collect();
            let blank = " ".repeat(columns - levels.len());
            format!("{label:>SCALE$}{edge}{blank}{bars}")
        })
        .collect()
}

/// In eighths of a cell. What is above nothing is seen.
fn level(value: f64, top: f64, height: usize) -> usize {
    if top <= 0.0 || value <= 0.0 {
        return 0;
    }
    ((value / top * (height * 8) as f64).round() as usize).clamp(1, height * 8)
}

/// At most so many values: the newest ones, of which several share a column if there are many more.
fn squeeze(values: &[f64], columns: usize) -> Vec<f64> {
    let each = values.len().div_ceil(columns).max(1);
    // From the newest on, so that columns do not shift their borders while older values go.
    let mut columns: Vec<f64> = values.rchunks(each).map(|chunk| chunk.iter().copied().fold(0.0, f64::max)).collect();
    columns.reverse();
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_at_the_right_and_peaks_stay() {
        let rows = bars(&[0.0, 1.0, 2.0, 4.0], 16, 2, false, |top| format!("{top} ms"));
        assert_eq!(rows, ["     4 ms│     █", "        0│   ▄██"]);
        let ascii = bars(&[0.0, 1.0, 2.0, 4.0], 16, 2, true, |top| format!("{top} ms"));
        assert!(ascii.iter().all(|row| row.is_ascii() && row.len() <= 16), "{ascii:?}");
        let many: Vec<f64> = (0..1_000).map(|number| if number == 500 { 9.0 } else { 1.0 }).collect();
        let rows = bars(&many, 50, 3, false, |top| format!("{top}"));
        assert!(rows[0].contains('█') && rows[0].starts_with("        9"), "{rows:?}");
        assert!(rows.iter().all(|row| row.chars().count() <= 50));
    }

    #[test]
    fn what_is_too_small_or_empty_is_drawn_all_the_same() {
        assert_eq!(bars(&[], 20, 2, false, |_| "x".into()).len(), 2);
        assert_eq!(bars(&[1.0], 5, 2, false, |_| "x".into()), ["", ""]);
        assert_eq!(bars(&[0.0, 0.0], 20, 1, false, |_| "x".into())[0].trim_end(), "        0│");
        assert!(bars(&[0.001, 1_000.0], 20, 1, false, |_| "x".into())[0].contains('▁'), "a little is not nothing");
    }
}

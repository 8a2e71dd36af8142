//! Small drawings of block characters.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One column for each value, from none at all to the largest.
pub(super) fn columns(values: impl IntoIterator<Item = f64>) -> String {
    let values: Vec<f64> = values.into_iter().collect();
    let largest = values.iter().copied().fold(0.0, f64::max);
    let column = |value: f64| match (value / largest * 8.0).ceil() as usize {
        0 => ' ',
        eighths => BLOCKS.get(eighths - 1).copied().unwrap_or('█'),
    };
    values.into_iter().map(column).collect()
}

/// How far something is, from 0 to 1.
pub(super) fn bar(share: f64, width: usize) -> String {
    let done = ((share.clamp(0.0, 1.0)) * width as f64).round() as usize;
    let left = width.saturating_sub(done);
    format!("{}{}", "━".repeat(done), "╌".repeat(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_is_a_whole_block_and_nothing_is_blank() {
        assert_eq!(columns([0.0, 0.1, 4.0, 8.0]), " ▁▄█");
        assert_eq!(columns([0.0, 0.0]), "  ");
        assert_eq!(columns([]), "");
    }

    #[test]
    fn a_bar_is_as_long_as_what_is_done() {
        assert_eq!(bar(0.5, 4), "━━╌╌");
        assert_eq!(bar(7.0, 2), "━━");
        assert_eq!(bar(-1.0, 2), "╌╌");
    }
}

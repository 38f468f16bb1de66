//! SVG text: escaping, short numbers, coordinates.

/// Text that may stand between tags and in quoted attributes. Control characters, which XML
/// forbids, become replacement characters.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// At most `width` characters, the last an ellipsis if some were cut off.
pub(super) fn short(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// About how wide a text is, in units of its size.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    0.56 * size * text.chars().count() as f64
}

/// A coordinate: one decimal is a tenth of a pixel.
pub(super) fn at(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0").unwrap_or(&text) {
        "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}

/// A number as a reader wants it: four significant digits at most, a power of ten where they do
/// not do.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "–".to_owned();
    }
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return format!("{value:.1e}");
    }
    let decimals = match size {
        s if s >= 1000.0 => 0,
        s if s >= 100.0 => 1,
        s if s >= 10.0 => 2,
        s if s >= 0.1 || s == 0.0 => 3,
        _ => 4,
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    match text {
        "" | "-" | "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}

/// A share as a percentage, one decimal; no line breaks within it.
pub(super) fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{:.1}\u{a0}%", 100.0 * share)
    } else {
        "–".to_owned()
    }
}

/// A count with its thousands apart.
pub(super) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_out() {
        assert_eq!(
            escape("<script>\"a\" & 'b'\u{0}\u{1b}"),
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;\u{fffd}\u{fffd}"
        );
        assert_eq!(short("aeroplane", 5), "aero…");
        assert_eq!(short("cat", 3), "cat");
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 0.25, -3.0, 1234.5, 1e7, 1e-5, -0.0, f64::NAN].map(number);
        assert_eq!(
            shown,
            ["0", "0.25", "-3", "1234", "1.0e7", "1.0e-5", "0", "–"]
        );
        assert_eq!(
            [100.0, 0.049, 12.345].map(number),
            ["100", "0.049", "12.35"]
        );
        assert_eq!([-0.04, 10.0, 9.96].map(at), ["0", "10", "10"]);
        assert_eq!([7, 1234, 1_000_000].map(count), ["7", "1,234", "1,000,000"]);
        assert_eq!(percent(0.1234), "12.3\u{a0}%");
    }
}

//! Pieces of a page: the frame, tables, figures.

use super::drawing::{Drawing, put};
use super::svg::escape;

const STYLE: &str = include_str!("style.css");

/// A page around `body`. Nothing in it can reach a network or run a script.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; img-src data:\"/>\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
         </body>\n</html>\n",
        escape(title)
    )
}

/// A section of the page: id, heading, content.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) heading: &'static str,
    pub(super) body: String,
}

/// Links to the sections that have something to show.
pub(super) fn navigation(sections: &[Section]) -> String {
    let mut out = String::from("<nav>");
    for section in sections.iter().filter(|s| !s.body.is_empty()) {
        put(
            &mut out,
            format_args!("<a href=\"#{}\">{}</a> ", section.id, section.heading),
        );
    }
    out.push_str("</nav>\n");
    out
}

/// The sections, without the empty ones.
pub(super) fn sections(sections: &[Section]) -> String {
    let mut out = String::new();
    for section in sections.iter().filter(|s| !s.body.is_empty()) {
        put(
            &mut out,
            format_args!(
                "<section id=\"{}\">\n<h2>{}</h2>\n{}</section>\n",
                section.id, section.heading, section.body
            ),
        );
    }
    out
}

/// A paragraph of plain text.
pub(super) fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escape(text))
}

/// A paragraph in small print.
pub(super) fn note(text: &str) -> String {
    format!("<p class=\"note\">{}</p>\n", escape(text))
}

/// How much room a figure takes.
#[derive(Clone, Copy)]
pub(super) enum Room {
    /// One of several in a grid.
    Cell,
    /// Alone, at reading width.
    Alone,
    /// The page's width; on a phone it scrolls.
    Wide,
}

/// A figure with what there is to see in it.
pub(super) fn figure(drawing: &Drawing, caption: &str, room: Room) -> String {
    let class = match room {
        Room::Cell => "",
        Room::Alone => " class=\"alone\"",
        Room::Wide => " class=\"wide\"",
    };
    let caption = if caption.is_empty() {
        String::new()
    } else {
        format!("<figcaption>{}</figcaption>", escape(caption))
    };
    format!(
        "<figure{class} id=\"figure-{}\"><div class=\"scroll\">{}</div>{caption}</figure>\n",
        drawing.id,
        drawing.inline()
    )
}

/// Figures beside each other.
pub(super) fn grid<'a>(drawings: impl IntoIterator<Item = &'a Drawing>, small: bool) -> String {
    let mut out = String::new();
    for drawing in drawings {
        out.push_str(&figure(drawing, "", Room::Cell));
    }
    if out.is_empty() {
        return out;
    }
    let class = if small { "grid small" } else { "grid" };
    format!("<div class=\"{class}\">\n{out}</div>\n")
}

/// A row of a table: its head, its cells, whether it sums up the ones above.
pub(super) struct Row {
    pub(super) head: String,
    pub(super) cells: Vec<String>,
    pub(super) sum: bool,
}

impl Row {
    pub(super) fn new(head: &str, cells: Vec<String>) -> Self {
        Self {
            head: head.to_owned(),
            cells,
            sum: false,
        }
    }
}

/// A table of plain text; a narrow screen scrolls it. A cell that begins with `*` is the best of
/// its row.
pub(super) fn table(class: &str, heads: &[&str], rows: &[Row]) -> String {
    let mut out = format!("<div class=\"scroll\"><table class=\"{class}\">");
    if !heads.is_empty() {
        out.push_str("<thead><tr>");
        for head in heads {
            put(&mut out, format_args!("<th>{}</th>", escape(head)));
        }
        out.push_str("</tr></thead>");
    }
    out.push_str("<tbody>\n");
    for row in rows {
        let sum = if row.sum { " class=\"sum\"" } else { "" };
        put(
            &mut out,
            format_args!("<tr{sum}><th>{}</th>", escape(&row.head)),
        );
        for cell in &row.cells {
            match cell.strip_prefix('*') {
                Some(best) => put(
                    &mut out,
                    format_args!("<td class=\"best\">{}</td>", escape(best)),
                ),
                None => put(&mut out, format_args!("<td>{}</td>", escape(cell))),
            }
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    out
}

/// Content behind a line that opens it; `open` from the start.
pub(super) fn details(summary: &str, body: &str, open: bool) -> String {
    let open = if open { " open=\"open\"" } else { "" };
    format!(
        "<details{open}><summary>{}</summary>\n{body}</details>\n",
        escape(summary)
    )
}

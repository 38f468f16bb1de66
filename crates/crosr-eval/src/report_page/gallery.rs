//! Pictures with what was said of them.

use super::data::{ImageScores, Picture, RunReport, Thumbnail};
use super::drawing::put;
use super::html::{note, paragraph};
use super::svg::{escape, percent};

fn image(thumbnail: &Thumbnail, alt: &str) -> String {
    format!(
        "<img width=\"{}\" height=\"{}\" alt=\"{}\" src=\"data:image/png;base64,{}\"/>",
        thumbnail.width,
        thumbnail.height,
        escape(alt),
        escape(&thumbnail.png)
    )
}

fn list(pictures: &[Picture], caption: impl Fn(usize) -> (String, String)) -> String {
    let mut out = String::from("<ul class=\"pictures\">\n");
    for picture in pictures {
        let (head, more) = caption(picture.index);
        put(
            &mut out,
            format_args!(
                "<li>{}<br/><b>{}</b><br/>{}</li>\n",
                image(&picture.original, &format!("image {}", picture.index)),
                escape(&head),
                escape(&more)
            ),
        );
    }
    out.push_str("</ul>\n");
    out
}

fn heading(text: &str) -> String {
    format!("<h3>{}</h3>\n", escape(text))
}

/// Mistakes, outliers taken for known, known images rejected.
pub(super) fn pictures(report: &RunReport) -> String {
    let shown = &report.pictures;
    let class = |class: Option<usize>| match class {
        None => "unknown",
        Some(class) => report.class_names.get(class).map_or("?", String::as_str),
    };
    let known = &report.known;
    let probability =
        |scores: &ImageScores, i: usize| percent(f64::from(scores.largest_known_probability[i]));
    let mut out = String::new();
    let none = |text: &str| note(text);
    let any_taken = shown.taken_for_known.iter().any(|list| !list.is_empty());
    if shown.mistakes.is_empty()
        && shown.rejected.is_empty()
        && shown.taken_for_known.is_empty()
        && shown.reconstructed.is_empty()
    {
        return out;
    }
    out.push_str(&heading("Most confident mistakes"));
    if shown.mistakes.is_empty() {
        out.push_str(&none("No known image was called another known class."));
    } else {
        out.push_str(&paragraph(
            "Known images called another known class, the most probable first: the class they \
             were called, its probability, what they are.",
        ));
        out.push_str(&list(&shown.mistakes, |i| {
            (
                format!("{} {}", class(known.verdict[i]), probability(known, i)),
                format!("is {}", class(known.truth[i])),
            )
        }));
    }
    out.push_str(&heading("Unknowns most confidently called known"));
    if !any_taken {
        out.push_str(&none("No outlier was called a known class."));
    }
    let sets = report.evaluation.outliers.iter().zip(&report.outliers);
    for ((measured, scores), list_of) in sets.zip(&shown.taken_for_known) {
        if list_of.is_empty() {
            continue;
        }
        out.push_str(&paragraph(&format!(
            "{}: outliers by the class they fell into and its probability.",
            measured.name
        )));
        out.push_str(&list(list_of, |i| {
            (class(scores.verdict[i]).to_owned(), probability(scores, i))
        }));
    }
    out.push_str(&heading("Known images rejected"));
    if shown.rejected.is_empty() {
        out.push_str(&none("No known image was called unknown."));
    } else {
        out.push_str(&paragraph(
            "Known images called unknown, the most surely so first: what they are, and the unknown \
             probability.",
        ));
        out.push_str(&list(&shown.rejected, |i| {
            (
                class(known.truth[i]).to_owned(),
                format!("unknown {}", percent(known.unknown_probability[i])),
            )
        }));
    }
    out
}

/// Pictures beside what the network makes of them.
pub(super) fn reconstructions(report: &RunReport) -> String {
    let mut out = String::new();
    let names = report.evaluation.outliers.iter().map(|s| s.name.as_str());
    let sets = std::iter::once("known").chain(names);
    for (name, pictures) in sets.zip(&report.pictures.reconstructed) {
        let mut pairs = String::new();
        for picture in pictures {
            let Some(reconstruction) = &picture.reconstruction else {
                continue;
            };
            put(
                &mut pairs,
                format_args!(
                    "<li class=\"pair\">{}{}</li>\n",
                    image(&picture.original, &format!("image {}", picture.index)),
                    image(reconstruction, "its reconstruction")
                ),
            );
        }
        if !pairs.is_empty() {
            out.push_str(&heading(name));
            put(
                &mut out,
                format_args!("<ul class=\"pictures\">\n{pairs}</ul>\n"),
            );
        }
    }
    if out.is_empty() {
        return out;
    }
    paragraph(
        "Left an image as the network sees it, right its reconstruction from the latents. Images \
         are spread evenly over each set, not chosen by how they look.",
    ) + &out
}

//! The sections of the report: what each says and shows.

use super::data::RunReport;
use super::drawing::{Drawing, put};
use super::figures;
use super::gallery;
use super::html::{Room, Row, Section, details, figure, grid, note, paragraph, table};
use super::svg::{count, escape, number, percent};
use super::words::TERMS;
use crate::confusion::ClassScores;
use crate::report::OutlierEvaluation;

/// All drawings of the report.
pub(super) struct Drawings {
    pub(super) confusion: Vec<Drawing>,
    pub(super) curves: Vec<Drawing>,
    pub(super) distributions: Vec<Drawing>,
    pub(super) images: Vec<Drawing>,
    pub(super) activation: Option<Drawing>,
    pub(super) tail_sizes: Option<Drawing>,
    pub(super) tails: Vec<Drawing>,
    pub(super) evidence: Option<Drawing>,
}

/// The sections in their order, some of them empty.
pub(super) fn parts(report: &RunReport, drawn: &Drawings) -> Vec<Section> {
    let section = |id, heading, body| Section { id, heading, body };
    vec![
        section("run", "What was run", run(report)),
        section("results", "Results", results(report)),
        section("classes", "Class by class", classes(report)),
        section("confusion", "Confusion matrix", confusion(report, drawn)),
        section("curves", "ROC, precision and recall", curves(drawn)),
        section("distributions", "Distributions", distributions(drawn)),
        section("images", "Image by image", images(drawn)),
        section(
            "evidence",
            "What the evidence says",
            evidence(report, drawn),
        ),
        section("activation", "An activation vector", activation(drawn)),
        section("tails", "Tails and Weibull fits", tails(report, drawn)),
        section(
            "reconstructions",
            "Reconstructions",
            gallery::reconstructions(report),
        ),
        section(
            "pictures",
            "The images themselves",
            gallery::pictures(report),
        ),
        section("terms", "What the terms mean", terms()),
    ]
}

/// The figures that count most.
pub(super) fn tiles(report: &RunReport) -> String {
    let mut out = String::from("<div class=\"tiles\">\n");
    let mut tile = |value: String, label: &str| {
        put(
            &mut out,
            format_args!(
                "<div class=\"tile\"><b>{}</b><span>{}</span></div>\n",
                escape(&value),
                escape(label)
            ),
        );
    };
    tile(
        percent(report.evaluation.known.closed_set_accuracy),
        "closed-set accuracy",
    );
    if let Some(set) = report.evaluation.outliers.first() {
        for (value, label) in [
            (set.auroc, "AUROC"),
            (set.macro_f1, "macro-F1"),
            (set.f1_unknown, "F1 of unknown"),
            (set.oscr, "OSCR"),
            (set.fpr_at_95_tpr, "FPR at 95 % TPR"),
        ] {
            tile(format!("{value:.3}"), &format!("{label}, {}", set.name));
        }
    }
    out.push_str("</div>\n");
    out
}

fn run(report: &RunReport) -> String {
    let rows: Vec<Row> = report
        .facts
        .iter()
        .map(|(label, value)| Row::new(label, vec![value.clone()]))
        .collect();
    paragraph(&report.decision) + &table("facts", &[], &rows)
}

fn results(report: &RunReport) -> String {
    let known = &report.evaluation.known;
    let mut out = paragraph(&format!(
        "{} known test images, closed-set accuracy {}. Each line below is the known images \
         together with one set of outliers.",
        count(known.samples),
        percent(known.closed_set_accuracy)
    ));
    if report.evaluation.outliers.is_empty() {
        return out;
    }
    let rows: Vec<Row> = report
        .evaluation
        .outliers
        .iter()
        .zip(&report.outliers)
        .map(|(set, scores)| {
            let mut cells = vec![count(set.samples), percent(scores.rejected())];
            cells.extend(
                [
                    set.auroc,
                    set.aupr_unknown,
                    set.aupr_known,
                    set.fpr_at_95_tpr,
                    set.detection_error,
                    set.oscr,
                    set.accuracy,
                    set.macro_f1,
                    set.f1_unknown,
                ]
                .map(|value| format!("{value:.4}")),
            );
            Row::new(&set.name, cells)
        })
        .collect();
    out.push_str(&table(
        "results",
        &[
            "outliers",
            "images",
            "found",
            "AUROC",
            "AUPR unknown",
            "AUPR known",
            "FPR at 95 % TPR",
            "detection error",
            "OSCR",
            "accuracy",
            "macro-F1",
            "F1 unknown",
        ],
        &rows,
    ));
    out
}

fn classes(report: &RunReport) -> String {
    let mut out = String::new();
    for (i, set) in report.evaluation.outliers.iter().enumerate() {
        out.push_str(&details(
            &format!("Known and {}", set.name),
            &class_table(set),
            i == 0,
        ));
    }
    out
}

fn class_table(set: &OutlierEvaluation) -> String {
    let optional = |value: Option<f64>| value.map_or("undefined".to_owned(), |v| format!("{v:.4}"));
    let mut rows: Vec<Row> = set
        .classes
        .iter()
        .map(|class| {
            let mut cells = [class.precision, class.recall, class.f1]
                .map(|v| format!("{v:.4}"))
                .to_vec();
            cells.push(count(usize::try_from(class.support).unwrap_or(usize::MAX)));
            cells.extend([
                optional(class.auroc),
                optional(class.youden_threshold),
                optional(class.f1_at_youden),
            ]);
            Row::new(&class.name, cells)
        })
        .collect();
    let mean = |name: &str, mean: &ClassScores, sum| Row {
        sum,
        ..Row::new(
            name,
            [mean.precision, mean.recall, mean.f1]
                .map(|v| format!("{v:.4}"))
                .into_iter()
                .chain([count(usize::try_from(mean.support).unwrap_or(usize::MAX))])
                .chain([String::new(), String::new(), String::new()])
                .collect(),
        )
    };
    rows.push(mean("macro average", &set.macro_average, true));
    rows.push(mean("weighted average", &set.weighted_average, false));
    table(
        "classes",
        &[
            "class",
            "precision",
            "recall",
            "F1",
            "images",
            "AUROC",
            "Youden threshold",
            "F1 there",
        ],
        &rows,
    )
}

fn confusion(report: &RunReport, drawn: &Drawings) -> String {
    let mut out = String::new();
    let sets = report.evaluation.outliers.iter().zip(&drawn.confusion);
    for (i, (set, drawing)) in sets.enumerate() {
        if i == 0 {
            out.push_str(&paragraph(
                "Rows: what the images are. Columns: what they are called. Blue is right, orange is \
                 wrong; the stronger, the larger a part of its row. The last row holds the \
                 outliers, the last column what is called unknown.",
            ));
            out.push_str(&figure(drawing, "", Room::Alone));
        } else {
            out.push_str(&details(
                &format!("Known and {}", set.name),
                &figure(drawing, "", Room::Alone),
                false,
            ));
        }
    }
    out
}

fn curves(drawn: &Drawings) -> String {
    if drawn.curves.is_empty() {
        return String::new();
    }
    paragraph(
        "Each curve is one set of outliers against the known images, over all thresholds on the \
         unknown probability. The ring marks where the decision operates.",
    ) + &grid(&drawn.curves, false)
}

fn distributions(drawn: &Drawings) -> String {
    if drawn.distributions.is_empty() {
        return String::new();
    }
    paragraph(
        "What each image is judged by, known images against each set of outliers. The less two \
         colours overlap, the better the quantity tells them apart. The vertical axis is a root, so \
         that small shares stay visible.",
    ) + &grid(&drawn.distributions, false)
}

fn images(drawn: &Drawings) -> String {
    let captions = [
        "A dot an image, set beside set; the line is the median.",
        "Known images by their true class, outliers right of the dashed line. A set that reaches \
         as high as the classes cannot be told from them by its logits.",
        "Near 1: unlike the class that it was taken for. The line is the median.",
    ];
    let figures = drawn.images.iter().zip(captions);
    figures
        .map(|(drawing, caption)| figure(drawing, caption, Room::Wide))
        .collect()
}

fn evidence(report: &RunReport, drawn: &Drawings) -> String {
    let Some(drawing) = &drawn.evidence else {
        return String::new();
    };
    let names = report.evaluation.outliers.iter().map(|s| s.name.as_str());
    let sets: Vec<_> = std::iter::once(("known", &report.known))
        .chain(names.zip(&report.outliers))
        .collect();
    let mut out = paragraph(
        "Each kind of evidence says how few known images are as surprising as this one. For each \
         image the kind with the largest part in the decision is its strongest.",
    );
    let mut lines = String::new();
    for (name, scores) in sets.iter().skip(1) {
        let (_, rejected) = figures::strongest(scores, report.evidence.len());
        let total: usize = rejected.iter().sum();
        let best = (0..rejected.len()).max_by_key(|&k| (rejected[k], std::cmp::Reverse(k)));
        if let Some(best) = best.filter(|_| total > 0) {
            put(
                &mut lines,
                format_args!(
                    "<li>{}: {} was the strongest in {} of the {} images called unknown.</li>\n",
                    escape(name),
                    escape(&report.evidence[best]),
                    percent(rejected[best] as f64 / total as f64),
                    count(total)
                ),
            );
        }
    }
    if !lines.is_empty() {
        put(&mut out, format_args!("<ul>\n{lines}</ul>\n"));
    }
    out.push_str(&figure(drawing, "", Room::Alone));
    let mut heads = vec!["images".to_owned()];
    for name in &report.evidence {
        heads.push(format!("{name}, of all"));
        heads.push(format!("{name}, of rejected"));
    }
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let rows: Vec<Row> = sets
        .iter()
        .map(|(name, scores)| {
            let (all, rejected) = figures::strongest(scores, report.evidence.len());
            let of = |n: usize, total: usize| match total {
                0 => "–".to_owned(),
                _ => percent(n as f64 / total as f64),
            };
            let totals = (all.iter().sum(), rejected.iter().sum());
            let cells = all.iter().zip(&rejected);
            Row::new(
                name,
                cells
                    .flat_map(|(&a, &r)| [of(a, totals.0), of(r, totals.1)])
                    .collect(),
            )
        })
        .collect();
    out.push_str(&table("evidence", &heads, &rows));
    out
}

fn activation(drawn: &Drawings) -> String {
    drawn.activation.as_ref().map_or(String::new(), |drawing| {
        figure(
            drawing,
            "The class that most outliers come closest to. Bars: its mean over the training images \
             that are classified rightly. Dots: the mean over the outliers of each set whose \
             largest logit is this class's.",
            Room::Wide,
        )
    })
}

fn tails(report: &RunReport, drawn: &Drawings) -> String {
    let mut out = String::new();
    if let Some(drawing) = &drawn.tail_sizes {
        out.push_str(&figure(
            drawing,
            "How well the unknown probability of OpenMax alone would tell outliers, had the \
             Weibulls been fitted to more or fewer distances; the dashed line is the tail size of \
             this run. Measured on an even part of each set.",
            Room::Alone,
        ));
    }
    if report.tails.is_empty() {
        return out;
    }
    let heads: Vec<&str> = ["class", "distances"]
        .into_iter()
        .chain(
            report.tails[0]
                .parameters
                .iter()
                .map(|(name, _)| name.as_str()),
        )
        .collect();
    let rows: Vec<Row> = report
        .tails
        .iter()
        .map(|tail| {
            let values = tail.parameters.iter().map(|(_, value)| number(*value));
            let n = match tail.distances.len() {
                0 => "–".to_owned(),
                n => count(n),
            };
            Row::new(&tail.name, std::iter::once(n).chain(values).collect())
        })
        .collect();
    let parameters = table("tails", &heads, &rows);
    if drawn.tails.is_empty() {
        out.push_str(&note(
            "The open-set model came without the distances that it was fitted to, so there is \
             nothing to hold the fits against; `crosr fit` records them.",
        ));
        out.push_str(&parameters);
        return out;
    }
    out.push_str(&paragraph(
        "For each class, the largest distances of its training images from their mean. Left the \
         distances (bars) and the Weibull fitted to them (line); right the fit's quantiles against \
         the distances, which lie on the line where the fit is good.",
    ));
    if report.tails.len() > figures::DRAWN {
        out.push_str(&note(&format!(
            "Drawn are the {} classes that the fit suits least.",
            figures::DRAWN
        )));
    }
    out.push_str(&grid(&drawn.tails, true));
    out.push_str(&details("Parameters of every class", &parameters, false));
    out
}

fn terms() -> String {
    let mut out = String::from("<dl>\n");
    for (term, meaning) in TERMS {
        put(
            &mut out,
            format_args!("<dt>{}</dt><dd>{}</dd>\n", escape(term), escape(meaning)),
        );
    }
    out.push_str("</dl>\n");
    out
}

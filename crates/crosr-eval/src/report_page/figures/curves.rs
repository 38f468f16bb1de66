//! ROC, precision and recall, with the point at which the decision operates.

use crate::error::Result;
use crate::ranking::Ranking;
use crate::report_page::axis::Axis;
use crate::report_page::data::RunReport;
use crate::report_page::drawing::Drawing;
use crate::report_page::plot::{Layer, Plot, Spot, USUAL};
use crate::report_page::svg::{number, percent};

/// Places along a curve that answer to the pointer.
const SPOTS: usize = 24;

/// Both charts; a curve for each outlier set.
pub(in crate::report_page) fn curves(report: &RunReport) -> Result<Vec<Drawing>> {
    let (mut roc, mut precision) = (Vec::new(), Vec::new());
    let (mut roc_marks, mut precision_marks) = (Vec::new(), Vec::new());
    let mut legend = Vec::new();
    let (mut roc_spots, mut precision_spots) = (Vec::new(), Vec::new());
    for (i, (set, measured)) in report
        .outliers
        .iter()
        .zip(&report.evaluation.outliers)
        .enumerate()
    {
        let colour = i + 1;
        let name = &measured.name;
        let known = &report.known;
        let scores: Vec<f64> = known
            .unknown_probability
            .iter()
            .chain(&set.unknown_probability)
            .copied()
            .collect();
        let sides: Vec<bool> = (0..scores.len()).map(|k| k >= known.len()).collect();
        let ranking = Ranking::new(&scores, &sides)?;
        let points = ranking.roc_curve();
        let spread = |n: usize| crate::report_page::thin::spread(n, SPOTS);
        roc_spots.extend(spread(points.len()).map(|k| Spot {
            x: points[k].fpr,
            y: points[k].tpr,
            title: format!(
                "{name}: {} of the outliers found at {} false alarms (threshold {})",
                percent(points[k].tpr),
                percent(points[k].fpr),
                number(points[k].threshold)
            ),
        }));
        roc.push(Layer::Line {
            colour,
            points: points.iter().map(|p| (p.fpr, p.tpr)).collect(),
            title: format!("{name}: AUROC {:.4}", measured.auroc),
        });
        let curve = ranking.precision_recall_curve();
        precision_spots.extend(spread(curve.len()).map(|k| Spot {
            x: curve[k].recall,
            y: curve[k].precision,
            title: format!(
                "{name}: precision {}, recall {} (threshold {})",
                percent(curve[k].precision),
                percent(curve[k].recall),
                number(curve[k].threshold)
            ),
        }));
        precision.push(Layer::Line {
            colour,
            points: curve.iter().map(|p| (p.recall, p.precision)).collect(),
            title: format!("{name}: average precision {:.4}", measured.aupr_unknown),
        });
        legend.push((colour, name.clone()));

        let (tpr, fpr) = (set.rejected(), known.rejected());
        let (hits, alarms) = (tpr * set.len() as f64, fpr * known.len() as f64);
        let mark = |x, y, title| Layer::Marks {
            colour,
            spots: vec![Spot { x, y, title }],
        };
        roc_marks.push(mark(
            fpr,
            tpr,
            format!(
                "{name}, as decided: {} of the outliers found, {} of the known images rejected",
                percent(tpr),
                percent(fpr)
            ),
        ));
        if hits + alarms > 0.0 {
            let share = hits / (hits + alarms);
            precision_marks.push(mark(
                tpr,
                share,
                format!(
                    "{name}, as decided: precision {}, recall {}",
                    percent(share),
                    percent(tpr)
                ),
            ));
        }
    }
    if legend.is_empty() {
        return Ok(Vec::new());
    }
    let mut roc_layers = vec![Layer::Guide(vec![(0.0, 0.0), (1.0, 1.0)])];
    roc_layers.extend(roc);
    roc_layers.push(Layer::Hover(roc_spots));
    roc_layers.extend(roc_marks);
    let mut precision_layers = precision;
    precision_layers.push(Layer::Hover(precision_spots));
    precision_layers.extend(precision_marks);
    let unit = (0.0, 1.0);
    let plot = |id: &str, title: &str, x: &str, y: &str, layers| Plot {
        id: id.to_owned(),
        title: title.to_owned(),
        size: (USUAL.0, 340.0),
        x: Axis::new(x, unit),
        y: Axis::new(y, unit),
        layers,
        legend: legend.clone(),
    };
    Ok(vec![
        plot(
            "roc",
            "ROC: unknown against known",
            "known images rejected (false-positive rate)",
            "outliers found (true-positive rate)",
            roc_layers,
        )
        .draw(),
        plot(
            "precision-recall",
            "Precision and recall of “unknown”",
            "outliers found (recall)",
            "rejected images that are outliers",
            precision_layers,
        )
        .draw(),
    ])
}

//! Values of a report, as `report.json` holds them, and the evaluation in them, as `metrics.json`
//! does: drawn, whatever they are, to pages that are well formed and hold no script.
#![no_main]

#[allow(dead_code)]
#[path = "../../../crosr-model/fuzz/fuzz_targets/mutator.rs"]
mod mutator;

use crosr_eval::{Comparison, NamedEvaluation, Page, PicturePicks, RunReport};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use roxmltree::Document;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutator::change_json(data, size, max_size, seed)
});

/// Attributes that hold words, not places.
const WORDS: [&str; 3] = ["alt", "class", "id"];

fn check_svg(svg: &str) {
    let drawing = Document::parse(svg).expect("well formed");
    for element in drawing.descendants() {
        for attribute in element.attributes() {
            let value = attribute.value();
            let number = !value.contains("NaN") && !value.contains("inf");
            assert!(number || WORDS.contains(&attribute.name()), "{attribute:?}");
        }
    }
}

fn check_page(page: &Page) {
    let mut html = Vec::new();
    page.write_html(&mut html).expect("in memory");
    let html = String::from_utf8(html).expect("text");
    let body = html.strip_prefix("<!doctype html>\n").expect("a page");
    for element in Document::parse(body).expect("well formed").descendants() {
        assert!(element.tag_name().name() != "script");
        let mut attributes = element.attributes();
        assert!(attributes.all(|a| !a.name().starts_with("on")));
    }
    page.figures().iter().for_each(|f| check_svg(&f.svg));
}

/// The evaluation beside itself.
fn compare(report: &RunReport) {
    let run = |name: &str| NamedEvaluation {
        name: name.to_owned(),
        facts: report.facts.clone(),
        evaluation: report.evaluation.clone(),
    };
    let comparison = Comparison {
        runs: vec![run("a"), run(&report.title)],
    };
    comparison.write_table(&mut Vec::new()).expect("in memory");
    check_page(&comparison.page());
}

fuzz_target!(|data: &[u8]| {
    let Ok(report) = serde_json::from_slice::<RunReport>(data) else {
        return;
    };
    compare(&report);
    let written = serde_json::to_vec(&report).expect("plain values");
    // Numbers beyond f32 are infinite, which JSON does not have.
    if let Ok(again) = serde_json::from_slice::<RunReport>(&written) {
        assert_eq!(again, report);
    }
    if let Ok(page) = report.page() {
        check_page(&page);
        assert!(report.page().as_ref() == Ok(&page), "another page");
        let picks = PicturePicks::of(&report.known, &report.outliers);
        assert!(picks.mistakes.iter().all(|&i| i < report.known.len()));
    }
});

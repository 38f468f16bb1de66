//! The HTML report: what is in it, that nothing breaks out of it, that it stays small.

use std::collections::BTreeSet;
use std::path::Path;

use crosr_eval::{
    ClassTail, Comparison, EvalError, ImageScores, MeanActivations, NamedEvaluation, OutlierSet,
    Page, Picture, PicturePicks, Pictures, RunReport, ScoredSample, TailSizes, Thumbnail, evaluate,
};

/// Numbers in [0, 1) that only their position decides (SplitMix64's finaliser).
fn noise(position: usize) -> f64 {
    let mut z = (position as u64).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

struct Set {
    samples: Vec<ScoredSample>,
    scores: ImageScores,
}

/// `n` images, their unknown probability around `middle`.
fn set(n: usize, classes: usize, known: bool, middle: f64, seed: usize) -> Set {
    let (mut samples, mut scores) = (Vec::new(), ImageScores::default());
    for i in 0..n {
        let draw = |k: usize| noise(seed + 16 * i + k);
        let unknown = (middle + 0.8 * (draw(0) - 0.5)).clamp(0.0, 1.0);
        let truth = known.then_some(i % classes);
        let class = match truth {
            Some(class) if draw(1) < 0.9 => class,
            _ => (draw(2) * classes as f64) as usize,
        };
        let verdict = (unknown <= 0.5).then_some(class);
        let mut probabilities = vec![0.1 * (1.0 - unknown) / classes as f64; classes + 1];
        probabilities[class] = 0.9 * (1.0 - unknown);
        probabilities[classes] = unknown;
        scores.truth.push(truth);
        scores.closed_set_class.push(class);
        scores.verdict.push(verdict);
        scores.unknown_probability.push(unknown);
        scores
            .largest_known_probability
            .push(probabilities[class] as f32);
        scores.w_score.push((unknown * draw(3)) as f32);
        scores
            .maximum_logit
            .push((12.0 * (1.0 - unknown) + draw(4)) as f32);
        scores.strongest.push(Some((draw(5) * 3.0) as usize));
        samples.push(ScoredSample {
            truth,
            closed_set_class: class,
            verdict,
            probabilities,
        });
    }
    Set { samples, scores }
}

/// A picture of noise, which compresses worst.
fn picture(index: usize, reconstructed: bool) -> Picture {
    let thumbnail = |seed: usize| {
        let pixels: Vec<u8> = (0..32 * 32 * 3)
            .map(|p| (256.0 * noise(seed * 4096 + p)) as u8)
            .collect();
        Thumbnail::from_rgb(32, 32, &pixels).expect("sizes fit")
    };
    Picture {
        index,
        original: thumbnail(index),
        reconstruction: reconstructed.then(|| thumbnail(index + 1)),
    }
}

/// A whole report of `n` images a set.
fn report(n: usize, class_names: &[&str], sets: &[&str]) -> RunReport {
    let k = class_names.len();
    let class_names: Vec<String> = class_names.iter().map(ToString::to_string).collect();
    let known = set(n, k, true, 0.2, 1);
    let outliers: Vec<Set> = (0..sets.len())
        .map(|i| set(n, k, false, 0.6 + 0.1 * i as f64, 7919 * (i + 2)))
        .collect();
    let named: Vec<OutlierSet<'_>> = outliers
        .iter()
        .zip(sets)
        .map(|(set, name)| OutlierSet {
            name,
            samples: &set.samples,
        })
        .collect();
    let evaluation = evaluate(&class_names, &known.samples, &named).expect("two sides");
    let dim = k + 96;
    let vector = |seed: usize| (0..dim).map(|i| noise(seed + i) as f32).collect();
    let scores: Vec<ImageScores> = outliers.into_iter().map(|set| set.scores).collect();
    let picks = PicturePicks::of(&known.scores, &scores);
    let list = |places: &[usize], reconstructed| {
        let all = places.iter().map(|&i| picture(i, reconstructed));
        all.collect::<Vec<_>>()
    };
    let lists = |lists: &[Vec<usize>], reconstructed| {
        let all = lists.iter().map(|places| list(places, reconstructed));
        all.collect::<Vec<_>>()
    };
    RunReport {
        title: "Open-set evaluation of runs/example".to_owned(),
        facts: vec![
            ("data".to_owned(), "cifar10".to_owned()),
            ("seed".to_owned(), "1".to_owned()),
        ],
        decision: "An image is called unknown where its evidence surprises.".to_owned(),
        evidence: ["classification", "distance", "reconstruction"]
            .map(str::to_owned)
            .to_vec(),
        activation: Some(MeanActivations {
            class: 0,
            parts: vec![
                ("logits".to_owned(), k),
                ("latent z3".to_owned(), 32),
                ("latent z2".to_owned(), 32),
                ("latent z1".to_owned(), 32),
            ],
            mean: vector(3),
            sets: (0..=sets.len()).map(|i| vector(100 * i)).collect(),
        }),
        tail_sizes: Some(TailSizes {
            sizes: vec![10, 20, 50, 100, 500],
            auroc: (0..sets.len())
                .map(|i| (0..5).map(|j| 0.8 + 0.1 * noise(5 * i + j)).collect())
                .collect(),
            fitted: 100,
        }),
        tails: class_names
            .iter()
            .enumerate()
            .map(|(class, name)| {
                let mut distances: Vec<f64> = (0..100).map(|i| noise(class * 100 + i)).collect();
                distances.sort_by(f64::total_cmp);
                ClassTail {
                    name: name.clone(),
                    parameters: vec![("scale".to_owned(), 1.2), ("shape".to_owned(), 7.0)],
                    quantiles: (0..100).map(|i| (f64::from(i) + 0.5) / 100.0).collect(),
                    density: (0..50).map(|i| (f64::from(i) / 50.0, 1.0)).collect(),
                    distances,
                }
            })
            .collect(),
        pictures: Pictures {
            mistakes: list(&picks.mistakes, false),
            rejected: list(&picks.rejected, false),
            taken_for_known: lists(&picks.taken_for_known, false),
            reconstructed: lists(&picks.reconstructed, true),
        },
        class_names,
        evaluation,
        known: known.scores,
        outliers: scores,
    }
}

const NAMES: [&str; 3] = ["cat", "dog", "ship"];

fn html(page: &Page) -> String {
    let mut bytes = Vec::new();
    page.write_html(&mut bytes).expect("a vector takes all");
    String::from_utf8(bytes).expect("UTF-8")
}

/// The values of an attribute, in order.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    html.match_indices(&start)
        .filter_map(|(at, _)| html[at + start.len()..].split('"').next())
        .collect()
}

/// What a page consists of: headings, sections, figures with how much is in them.
fn outline(html: &str) -> String {
    let mut lines = Vec::new();
    for piece in html.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or((piece, ""));
        let name = tag.split(' ').next().unwrap_or_default();
        let id = attributes(tag, "id");
        match name {
            "h1" | "h2" | "h3" | "summary" => lines.push(format!("{name} {}", text.trim())),
            "section" => lines.push(format!("section #{}", id[0])),
            "figure" => lines.push(format!("  figure #{}", id[0])),
            "table" => lines.push(format!("  table .{}", attributes(tag, "class")[0])),
            "img" => match lines.last_mut() {
                Some(last) if last.starts_with("  images") => last.push('.'),
                _ => lines.push("  images .".to_owned()),
            },
            _ => {}
        }
    }
    lines.join("\n") + "\n"
}

/// Compares with a golden file; `UPDATE_GOLDEN=1` rewrites it.
fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).expect("writable");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        found, expected,
        "{name}: UPDATE_GOLDEN=1 accepts the change"
    );
}

/// Every element closed in order, every attribute quoted, no bare ampersand: what an XML parser
/// asks for.
fn assert_well_formed(text: &str) {
    let text = text.strip_prefix("<!doctype html>\n").unwrap_or(text);
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let words = &rest[..start];
        assert!(!words.contains('>'), "a bare > in {words:?}");
        for (at, _) in words.match_indices('&') {
            let entity = &words[at..];
            let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
            assert!(known.iter().any(|k| entity.starts_with(k)), "{entity:?}");
        }
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else if !tag.ends_with('/') {
            let name = tag.split(' ').next().expect("a name");
            open.push(name);
            // What a style sheet holds is not markup.
            if name == "style" {
                let after = &rest[end..];
                rest = &after[after.find("</style>").expect("closed")..];
                continue;
            }
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[test]
fn the_structure_is_as_recorded() {
    let page = report(300, &NAMES, &["crop", "noise"])
        .page()
        .expect("fits");
    let html = html(&page);
    golden("report_page.txt", &outline(&html));
    let ids = attributes(&html, "id");
    let distinct: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    for link in attributes(&html, "href") {
        let target = link.strip_prefix('#').expect("within the page");
        assert!(distinct.contains(target), "{link}");
    }
    let figures: Vec<String> = page
        .figures()
        .iter()
        .map(|f| format!("figure-{}", f.name))
        .collect();
    let shown: BTreeSet<&str> = ids
        .into_iter()
        .filter(|id| id.starts_with("figure-"))
        .collect();
    assert_eq!(shown, figures.iter().map(String::as_str).collect());
}

#[test]
fn pages_and_figures_are_well_formed_and_hold_no_nan() {
    let page = report(300, &NAMES, &["crop", "noise"])
        .page()
        .expect("fits");
    let html = html(&page);
    assert_well_formed(&html);
    // Letters of base 64 spell anything.
    let mut pieces = html.split("base64,");
    let first = pieces.next().unwrap_or_default().to_owned();
    let html = pieces.fold(first, |all, piece| {
        all + piece.split_once('"').map_or("", |(_, rest)| rest)
    });
    for text in std::iter::once(&html).chain(page.figures().iter().map(|f| &f.svg)) {
        for bad in [
            "NaN",
            "inf",
            ">nan",
            "undefined behaviour",
            "href=\"http",
            "src=\"http",
            "url(",
        ] {
            assert!(!text.contains(bad), "{bad}");
        }
    }
    for figure in page.figures() {
        assert_well_formed(&figure.svg);
        assert!(figure.svg.starts_with("<svg xmlns="), "{}", figure.name);
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(figure.name.chars().all(plain), "{}", figure.name);
    }
}

#[test]
fn names_cannot_break_out() {
    let evil = [
        "<script>alert(1)</script>",
        "a\" onload=\"b",
        "&amp;\u{0}\u{1b}",
    ];
    let mut report = report(60, &evil, &["<img src=x>", "'\"--><svg>"]);
    report.title = "</title><script>".to_owned();
    report
        .facts
        .push(("<b>".to_owned(), "</td><script>".to_owned()));
    report.decision = "<script>".to_owned();
    report.evidence[0] = "<script>".to_owned();
    report.pictures.mistakes[0].original.png = "\"><script>".to_owned();
    let page = report.page().expect("fits");
    let html = html(&page);
    assert!(!html.contains("<script") && !html.contains("<img src") && !html.contains("onload=\""));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_well_formed(&html);
    page.figures()
        .iter()
        .for_each(|f| assert_well_formed(&f.svg));
}

#[test]
fn thirty_thousand_images_stay_small() {
    let names: Vec<String> = (0..10).map(|i| format!("class {i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let report = report(10_000, &names, &["crop", "resize"]);
    let page = report.page().expect("fits");
    let size = html(&page).len();
    assert!(size < 3_000_000, "{size} bytes");
    assert!(page.figures().iter().all(|f| f.svg.len() < 200_000));
    assert_eq!(page, report.page().expect("fits"), "the same bytes again");
}

#[test]
fn many_classes_and_sets_stay_small() {
    let names: Vec<String> = (0..200).map(|i| format!("class {i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let sets = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let page = report(1_000, &names, &sets).page().expect("fits");
    let html = html(&page);
    assert!(html.len() < 6_000_000, "{} bytes", html.len());
    assert_well_formed(&html);
}

#[test]
fn little_or_nothing_to_show_is_no_error() {
    // No outliers, no pictures, no tails.
    let mut bare = report(5, &["only"], &[]);
    bare.pictures = Pictures::default();
    bare.tails.clear();
    bare.tail_sizes = None;
    bare.activation = None;
    bare.evidence.clear();
    bare.known.strongest.fill(None);
    let page = bare.page().expect("fits");
    let html = html(&page);
    assert_well_formed(&html);
    assert!(html.contains("No outliers were given") && !html.contains("NaN"));
    // A single image a side, values that are all the same, tails without spread.
    let mut flat = report(1, &["one", "two"], &["x"]);
    for set in flat.outliers.iter_mut().chain([&mut flat.known]) {
        set.maximum_logit.fill(0.0);
        set.verdict.fill(None);
    }
    for tail in &mut flat.tails {
        tail.distances.fill(2.0);
        tail.quantiles.fill(f64::NAN);
        tail.density = vec![(2.0, f64::INFINITY)];
    }
    let page = flat.page().expect("fits");
    let figures: String = page.figures().iter().map(|f| f.svg.as_str()).collect();
    assert!(!figures.contains("NaN") && !figures.contains("inf"));
}

#[test]
fn values_that_do_not_belong_together_are_refused() {
    let whole = report(20, &NAMES, &["x"]);
    let refused = |change: &dyn Fn(&mut RunReport)| {
        let mut report = whole.clone();
        change(&mut report);
        report.page().expect_err("refused")
    };
    let length = refused(&|r| r.known.w_score.truncate(3));
    assert!(matches!(
        length,
        EvalError::Length {
            what: "w-scores",
            found: 3,
            expected: 20
        }
    ));
    let class = refused(&|r| r.outliers[0].verdict[4] = Some(3));
    assert!(matches!(
        class,
        EvalError::Class {
            index: 4,
            class: 3,
            ..
        }
    ));
    let nan = refused(&|r| r.known.unknown_probability[1] = f64::NAN);
    assert!(matches!(nan, EvalError::NotFinite { index: 1, .. }));
    let changes: [&dyn Fn(&mut RunReport); 8] = [
        &|r| r.outliers.clear(),
        &|r| r.known.strongest[0] = Some(3),
        &|r| r.class_names.truncate(2),
        &|r| r.evaluation.outliers[0].confusion_matrix[1].clear(),
        &|r| r.activation.as_mut().expect("there").mean.clear(),
        &|r| r.tail_sizes.as_mut().expect("there").auroc.clear(),
        &|r| r.tails[0].quantiles.clear(),
        &|r| r.pictures.mistakes[0].index = 20,
    ];
    for change in changes {
        refused(change);
    }
    assert!(Thumbnail::from_rgb(2, 2, &[0; 11]).is_err());
    assert!(Thumbnail::from_rgb(0, 2, &[]).is_err());
}

#[test]
fn values_come_back_from_json_as_they_were() {
    let whole = report(50, &NAMES, &["x"]);
    let json = serde_json::to_string(&whole).expect("finite");
    let back: RunReport = serde_json::from_str(&json).expect("written above");
    assert_eq!(back.page().expect("fits"), whole.page().expect("fits"));
}

#[test]
fn runs_stand_side_by_side() {
    let run = |name: &str, n: usize, sets: &[&str]| NamedEvaluation {
        name: name.to_owned(),
        facts: vec![("seed".to_owned(), n.to_string())],
        evaluation: report(n, &NAMES, sets).evaluation,
    };
    let comparison = Comparison {
        runs: vec![
            run("runs/a", 90, &["crop"]),
            run("<runs/b>", 90, &["crop", "noise"]),
        ],
    };
    let page = comparison.page();
    let html = html(&page);
    assert_well_formed(&html);
    golden("compare_page.txt", &outline(&html));
    assert_eq!(page.figures().len(), 8);
    let mut text = Vec::new();
    comparison
        .write_table(&mut text)
        .expect("a vector takes all");
    let text = String::from_utf8(text).expect("UTF-8");
    golden("compare_table.txt", &text);
    // Another number of images under the same name is said.
    let other = Comparison {
        runs: vec![run("a", 90, &["crop"]), run("b", 60, &["crop"])],
    };
    let mut text = Vec::new();
    other.write_table(&mut text).expect("a vector takes all");
    assert!(String::from_utf8_lossy(&text).contains("different numbers of crop"));
}

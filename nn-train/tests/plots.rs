//! Pictures: that both formats are what they claim to be, and that numbers, names and curves are in their places.
#![cfg(feature = "plot")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nn_train::metrics::{Probabilities, Ranking};
use nn_train::plot::{self, Picture};
use nn_train::prelude::*;
use nn_train::{Constant, Cosine};
use resvg::tiny_skia;
use resvg::usvg::roxmltree;

network! { struct Plane<2 => 6 tanh => 3 softmax>; }
network! { struct Xor<2 => 4 tanh => 1>; }
network! { struct Small<6 => 5 relu => 2 softmax>: f64; }

/// An element of an SVG: its name, its attributes, and the text in it.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    text: String,
    /// What its numbers are to be multiplied by.
    scale: f64,
}

impl Element {
    fn number(&self, name: &str) -> f64 {
        self.scale * self.attributes[name].parse::<f64>().unwrap()
    }

    /// The corners of a line or a polygon.
    fn points(&self) -> Vec<(f64, f64)> {
        let point = |text: &str| {
            let (x, y) = text.split_once(',').unwrap();
            (self.scale * x.parse::<f64>().unwrap(), self.scale * y.parse::<f64>().unwrap())
        };
        self.attributes["points"].split_whitespace().map(point).collect()
    }
}

fn parse(svg: &str) -> Vec<Element> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let elements = document.descendants().filter(roxmltree::Node::is_element).map(|node| Element {
        name: node.tag_name().name().to_owned(),
        attributes: node.attributes().map(|each| (each.name().to_owned(), each.value().to_owned())).collect(),
        text: node.text().unwrap_or_default().trim().to_owned(),
        scale: if node.ancestors().any(|node| node.has_tag_name("g")) { 0.1 } else { 1.0 },
    });
    elements.collect()
}

/// The elements of a picture that is right in both formats and has everything within its edges.
#[track_caller]
fn elements(picture: &Picture) -> Vec<Element> {
    let elements = parse(&picture.to_svg());
    let (width, height) = (picture.width(), picture.height());
    assert_eq!(elements[0].name, "svg");
    assert_eq!(elements[0].attributes["viewBox"], format!("0 0 {width} {height}"));
    assert_eq!(elements[0].attributes["width"], width.to_string());
    assert!((300..=900).contains(&width) && (120..=900).contains(&height), "{picture:?}");
    let within = |x: f64, y: f64| (0.0..=f64::from(width)).contains(&x) && (0.0..=f64::from(height)).contains(&y);
    for element in &elements {
        let inside = match element.name.as_str() {
            "polyline" | "polygon" => element.points().into_iter().all(|(x, y)| within(x, y)),
            "text" => within(element.number("x"), element.number("y")),
            "circle" => within(element.number("cx"), element.number("cy")),
            "image" => {
                let (x, y) = (element.number("x"), element.number("y"));
                within(x, y) && within(x + element.number("width"), y + element.number("height"))
            }
            _ => true,
        };
        assert!(inside, "{element:?} in {picture:?}");
    }

    let png = picture.to_png().unwrap();
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
    let pixels = tiny_skia::Pixmap::decode_png(&png).unwrap();
    assert_eq!((pixels.width(), pixels.height()), (2 * width, 2 * height));
    let drawn = pixels.pixels().iter().filter(|pixel| (pixel.red(), pixel.green(), pixel.blue()) != (255, 255, 255));
    assert!(drawn.count() > 5_000, "hardly anything is drawn");
    assert!(pixels.pixels().iter().all(|pixel| pixel.alpha() == 255));
    elements
}

fn texts(elements: &[Element]) -> Vec<&str> {
    elements.iter().filter(|element| element.name == "text").map(|element| element.text.as_str()).collect()
}

/// The lines of a colour that are no sign of a legend.
fn curves(elements: &[Element], color: &str) -> Vec<Vec<(f64, f64)>> {
    let lines = elements.iter().filter(|e| e.name == "polyline" && e.attributes["stroke"] == color);
    lines.map(Element::points).filter(|points| (points[0].0 - points[points.len() - 1].0).abs() > 17.0).collect()
}

const BLUE: &str = "#0072B2";
const VERMILION: &str = "#D55E00";

fn corners() -> Dataset<[f32; 2], [f32; 1]> {
    Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0]).unwrap()
}

/// A run of so many epochs, with validation or without.
fn history(epochs: usize, validated: bool) -> History {
    let data = corners();
    let trainer = Trainer::builder().learning_rate(0.05).epochs(epochs).build().unwrap();
    trainer.fit(&mut Xor::new(1), &data, validated.then_some(&data)).unwrap()
}

#[test]
fn training_shows_both_costs_the_best_epoch_and_the_rates() {
    let history = history(30, true);
    let rates: Vec<f64> = (0..30).map(|epoch| 0.05 * 0.9_f64.powi(epoch)).collect();
    let elements = elements(&plot::training(&history, &rates).unwrap());
    let texts = texts(&elements);
    let best = texts.iter().find(|text| text.starts_with("best: epoch ")).unwrap();
    let epoch = history.best().unwrap();
    let (number, cost) = best["best: epoch ".len()..].split_once(", ").unwrap();
    assert_eq!(number, epoch.number.to_string());
    assert!((cost.parse::<f64>().unwrap() / epoch.validation_cost.unwrap() - 1.0).abs() < 0.006, "{best}");
    for text in ["Training", "cost", "validation cost", "learning rate", "epoch", "5", "30"] {
        assert!(texts.contains(&text), "{text} in {texts:?}");
    }
    // A point an epoch, at equal distances, and lower where the cost is higher.
    for (color, costs) in [
        (BLUE, history.iter().map(|epoch| epoch.cost).collect::<Vec<_>>()),
        (VERMILION, history.iter().map(|epoch| epoch.validation_cost.unwrap()).collect()),
    ] {
        let curves = curves(&elements, color);
        assert_eq!((curves.len(), curves[0].len()), (1, 30));
        for (points, costs) in curves[0].windows(2).zip(costs.windows(2)) {
            let step = (curves[0][29].0 - curves[0][0].0) / 29.0;
            assert!((points[1].0 - points[0].0 - step).abs() < 0.11);
            assert_eq!(points[1].1 >= points[0].1, costs[1] <= costs[0], "{costs:?}");
        }
    }
    let mark = elements.iter().find(|element| element.name == "circle").unwrap();
    let place = curves(&elements, VERMILION)[0][epoch.number - 1];
    assert_eq!((mark.number("cx"), mark.number("cy")), place);
}

#[test]
fn training_without_validation_of_one_epoch_and_of_costs_that_are_none() {
    let elements_of_one = elements(&plot::training(&history(1, false), &[]).unwrap());
    assert_eq!(
        elements_of_one.iter().filter(|element| element.name == "circle").count(),
        3,
        "a dot, and the best mark on a white one"
    );
    assert!(!texts(&elements_of_one).contains(&"validation cost"));

    let mut epochs = history(6, false).epochs().to_vec();
    epochs[3].cost = f64::INFINITY;
    let broken: History = epochs.iter().copied().collect();
    let pieces = curves(&elements(&plot::training(&broken, &[]).unwrap()), BLUE);
    assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [3, 2]);

    epochs.iter_mut().for_each(|epoch| epoch.cost = f64::NAN);
    let none: History = epochs.into_iter().collect();
    let error = plot::training(&none, &[]).unwrap_err();
    assert_eq!(error, Error::Empty { what: "the history" });
    assert_eq!(plot::training(&History::default(), &[]).unwrap_err(), error);
    let error = plot::training(&history(3, false), &[0.1]).unwrap_err();
    assert_eq!(error, Error::Length { what: "the learning rates", expected: 3, found: 1 });
}

#[test]
fn costs_at_the_ends_of_what_f64_can_hold_stay_within_the_picture() {
    for costs in [[f64::MAX, -f64::MAX], [1e300, 7e300], [1e-310, 3e-310], [0.25, 0.25], [f64::MAX, 5e-324]] {
        let mut epochs = history(2, false).epochs().to_vec();
        epochs.iter_mut().zip(costs).for_each(|(epoch, cost)| epoch.cost = cost);
        let elements = elements(&plot::training(&epochs.into_iter().collect(), &[]).unwrap());
        let wrong = |text: &&str| text.contains("NaN") || text.contains("inf") || text.chars().count() > 30;
        assert_eq!(texts(&elements).into_iter().find(wrong), None, "{costs:?}");
        assert_eq!(curves(&elements, BLUE).len(), 1, "{costs:?}");
    }
    elements(&plot::rate_range(&[5e-324, f64::MAX], &[1.0, 2.0], Some(0.1)).unwrap());
}

#[test]
fn costs_that_are_far_apart_have_a_logarithmic_axis() {
    let epochs = history(5, false);
    let far: History = epochs
        .iter()
        .zip(1..)
        .map(|(&epoch, k)| {
            let mut e = epoch;
            e.cost = 10_f64.powi(-k);
            e
        })
        .collect();
    let elements = elements(&plot::training(&far, &[]).unwrap());
    let texts = texts(&elements);
    assert!(texts.contains(&"cost (logarithmic)") && texts.contains(&"0.001") && texts.contains(&"10⁻⁵"), "{texts:?}");
    let curve = &curves(&elements, BLUE)[0];
    let falls: Vec<f64> = curve.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    assert!(falls.iter().all(|fall| (fall - falls[0]).abs() < 0.11), "{falls:?}");
}

#[test]
fn a_confusion_matrix_has_its_counts_and_names() {
    let actual = [0, 0, 0, 1, 1, 2, 2, 2, 2];
    let predicted = [0, 0, 1, 1, 1, 2, 2, 2, 0];
    let matrix = ConfusionMatrix::from_labels(&actual, &predicted, 3).unwrap();
    let elements_named = elements(&plot::confusion(&matrix, &["cat\u{1}", "<dog> & company", "é"]).unwrap());
    let found = texts(&elements_named);
    for text in
        ["Confusion matrix, accuracy 0.778", "cat", "<dog> & company", "é", "predicted class", "actual class", "100 %"]
    {
        assert!(found.contains(&text), "{text} in {found:?}");
    }
    let counts: Vec<&str> = found.iter().copied().filter(|text| text.parse::<u32>().is_ok()).collect();
    assert_eq!(counts, ["2", "1", "2", "1", "3"], "row by row, without zeros");
    // A name that is wider than a column is turned.
    let turned = elements_named.iter().filter(|e| e.name == "text" && e.attributes.contains_key("transform"));
    assert_eq!(
        turned.map(|element| element.text.as_str()).collect::<Vec<_>>(),
        ["actual class", "cat", "<dog> & company", "é"]
    );

    let weighted = ConfusionMatrix::from_weighted_labels(&[0, 1], &[0, 1], &[0.5, 1.0], 2).unwrap();
    assert!(texts(&elements(&plot::confusion(&weighted, &[]).unwrap())).contains(&"0.5"));
    let labels: Vec<usize> = (0..200).collect();
    let many = plot::confusion(&ConfusionMatrix::from_labels(&labels, &labels, 200).unwrap(), &[]).unwrap();
    assert!(texts(&elements(&many)).len() < 100, "names that would overlap are left out");
    let error = plot::confusion(&matrix, &["a"]).unwrap_err();
    assert_eq!(error, Error::Length { what: "the names of the classes", expected: 3, found: 1 });
}

#[test]
fn a_roc_goes_from_corner_to_corner_and_says_its_area() {
    let ranking = Ranking::new(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8], None).unwrap();
    let elements_of_one = elements(&plot::roc(&[("mine", &ranking)]).unwrap());
    assert!(texts(&elements_of_one).contains(&"mine: 0.7500"));
    let curve = curves(&elements_of_one, BLUE).remove(0);
    let (left, bottom, right, top) = (curve[0].0, curve[0].1, curve[curve.len() - 1].0, curve[curve.len() - 1].1);
    let place = |x: f64, y: f64| (left + x * (right - left), bottom + y * (top - bottom));
    let corners = [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)].map(|(x, y)| place(x, y));
    assert_eq!(curve.len(), corners.len());
    for ((x, y), (a, b)) in curve.into_iter().zip(corners) {
        assert!((x - a).abs() < 0.11 && (y - b).abs() < 0.11);
    }

    // A curve of very many samples has no more points than can be seen.
    let positive: Vec<bool> = (0..50_000).map(|sample| sample % 3 == 0).collect();
    let scores: Vec<f64> = (0..50_000).map(|sample| f64::from(sample).sin()).collect();
    let large = Ranking::new(&positive, &scores, None).unwrap();
    assert!(plot::roc(&[("large", &large)]).unwrap().to_svg().len() < 60_000);
    let many: Vec<(&str, &Ranking)> = vec![("r", &ranking); 8];
    let dashed = elements(&plot::roc(&many).unwrap());
    let blue = dashed.iter().filter(|e| e.name == "polyline" && e.attributes["stroke"] == BLUE).map(Element::points);
    let length =
        |line: Vec<(f64, f64)>| line.windows(2).map(|p| (p[1].0 - p[0].0).abs() + (p[1].1 - p[0].1).abs()).sum::<f64>();
    let (dashes, whole): (Vec<f64>, Vec<f64>) = blue.map(length).partition(|length| *length < 5.5);
    assert_eq!(whole.len(), 2, "the first curve and its sign, {whole:?}");
    assert!((80..100).contains(&dashes.len()), "the seventh curve and its sign, {dashes:?}");

    assert_eq!(plot::roc(&[]).unwrap_err(), Error::Empty { what: "the rankings" });
    let positives = Ranking::new(&[true], &[0.5], None).unwrap();
    let error = plot::roc(&[("yes", &positives)]).unwrap_err();
    assert_eq!(error.to_string(), "the ranking is `yes`; expected one of positive and of negative samples");
}

#[test]
fn reliability_shows_the_bins_and_the_error() {
    let measured = Probabilities::from_labels(&[0, 1, 1, 1], &[0.2, 0.7, 0.75, 0.9], 1, None).unwrap();
    let measured = measured.calibration_bins(4);
    let bins = measured.reliability_curve(0).unwrap();
    let elements = elements(&plot::reliability(&bins).unwrap());
    let error = format!("the network, expected error {:.4}", measured.calibration_error().unwrap());
    assert!(texts(&elements).contains(&error.as_str()), "{error}");
    let dots = elements.iter().filter(|element| element.name == "circle" && element.attributes["fill"] == BLUE);
    assert_eq!(dots.count(), bins.len());
    assert_eq!(elements.iter().filter(|element| element.name == "polygon").count(), bins.len());
    assert_eq!(plot::reliability(&[]).unwrap_err(), Error::Empty { what: "the reliability curve" });
}

#[test]
fn schedules_are_shown_over_their_steps() {
    let (cosine, constant) = (Cosine::new(0.01, 2_000_000), Constant::new(0.004));
    let elements_of_two =
        elements(&plot::schedules(&[("cosine", &cosine), ("constant", &constant)], 2_000_001).unwrap());
    let texts = texts(&elements_of_two);
    for text in ["cosine", "constant", "0.010", "step", "500 k", "2 M"] {
        assert!(texts.contains(&text), "{text} in {texts:?}");
    }
    let curve = &curves(&elements_of_two, BLUE)[0];
    let (first, middle, last) = (curve[0], curve[curve.len() / 2], curve[curve.len() - 1]);
    assert!((middle.1 - 0.5 * (first.1 + last.1)).abs() < 1.0, "{middle:?} between {first:?} and {last:?}");
    elements(&plot::schedules(&[("one step", &constant)], 1).unwrap());

    assert_eq!(plot::schedules(&[], 10).unwrap_err(), Error::Empty { what: "the schedules" });
    let error = plot::schedules(&[("constant", &constant)], 0).unwrap_err();
    assert_eq!(error.to_string(), "steps is 0; expected at least 1");
    assert!(matches!(plot::schedules(&[("wrong", &Cosine::new(0.1, 0))], 9), Err(Error::Setting { .. })));
}

#[test]
fn a_rate_range_is_cut_where_it_diverges() {
    let rates: Vec<f64> = (0..60).map(|step| 1e-5 * 10_f64.powf(f64::from(step) / 10.0)).collect();
    let mut costs: Vec<f64> = rates.iter().map(|rate| 2.0 / (1.0 + 500.0 * rate) + rate.powi(3) * 100.0).collect();
    costs[59] = f64::INFINITY;
    let elements_marked = elements(&plot::rate_range(&rates, &costs, Some(0.002)).unwrap());
    assert!(texts(&elements_marked).contains(&"suggested: 0.002"));
    let curve = &curves(&elements_marked, BLUE)[0];
    let highest = curve.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let last = curve[curve.len() - 1];
    assert!(curve.len() < 60 && (last.1 - highest).abs() < 0.02, "it ends at the upper edge");
    elements(&plot::rate_range(&rates, &costs, None).unwrap());
    elements(&plot::rate_range(&[0.1], &[1.0], Some(0.1)).unwrap());

    let error = plot::rate_range(&rates, &costs[1..], None).unwrap_err();
    assert_eq!(error, Error::Length { what: "the costs", expected: 60, found: 59 });
    assert_eq!(plot::rate_range(&[0.1], &[f64::NAN], None).unwrap_err(), Error::Empty { what: "the costs" });
    let error = plot::rate_range(&[0.0, 0.1], &[1.0, 2.0], None).unwrap_err();
    assert_eq!(error.to_string(), "the learning rate is 0; expected a finite number above 0");
}

/// The pixels of the image that is `index`th in a picture.
fn image(elements: &[Element], index: usize) -> tiny_skia::Pixmap {
    let image = elements.iter().filter(|element| element.name == "image").nth(index).unwrap();
    let text = image.attributes["href"].strip_prefix("data:image/png;base64,").unwrap();
    tiny_skia::Pixmap::decode_png(&STANDARD.decode(text).unwrap()).unwrap()
}

fn rgb(pixmap: &tiny_skia::Pixmap, x: u32, y: u32) -> [u8; 3] {
    let pixel = pixmap.pixel(x, y).unwrap();
    [pixel.red(), pixel.green(), pixel.blue()]
}

#[test]
fn a_decision_surface_has_the_colours_of_what_is_decided_and_the_samples() {
    // The class is that of the larger coordinate, and class 2 nowhere near.
    let mut net = Plane::zeros();
    net.layer1_mut().weights[0] = [1.0, 0.0];
    net.layer1_mut().weights[1] = [0.0, 1.0];
    net.layer2_mut().weights[0][0] = 20.0;
    net.layer2_mut().weights[1][1] = 20.0;
    net.layer2_mut().bias[2] = -50.0;
    let data = Dataset::from_labels(vec![[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]], &[0, 1, 2]).unwrap();
    let elements_of_three = elements(&plot::decision_surface(&net, &data, &["right", "up", "none"]).unwrap());
    let found = texts(&elements_of_three);
    assert!(
        ["right", "up", "none", "first input", "second input"].iter().all(|text| found.contains(text)),
        "{found:?}"
    );
    let surface = image(&elements_of_three, 0);
    let last = surface.width() - 1;
    let (right, up) = (rgb(&surface, last, last), rgb(&surface, 0, 0));
    assert!(right[2] > right[0] + 40 && up[0] > up[2] + 40, "blue {right:?} to the lower right, vermilion {up:?}");
    // A circle, a square and a triangle each, one of them in the legend.
    let fills = |name: &str, color: &str| {
        elements_of_three.iter().filter(|e| e.name == name && e.attributes["fill"] == color).count()
    };
    assert_eq!([fills("circle", BLUE), fills("polygon", VERMILION), fills("polygon", "#009E73")], [2, 2, 2]);

    let one_output = elements(&plot::decision_surface(&Xor::new(1), &corners(), &[]).unwrap());
    assert!(texts(&one_output).contains(&"class 1"));
}

#[test]
fn a_surface_of_what_has_none_is_an_error() {
    let data = Dataset::from_labels(vec![[0.0; 6]], &[1]).unwrap();
    let error = plot::decision_surface(&Small::new(1), &data, &[]).unwrap_err();
    assert_eq!(error, Error::Width { what: "inputs", expected: 2, found: 6 });
    let error = plot::decision_surface(&Xor::new(1), &corners(), &["one"]).unwrap_err();
    assert_eq!(error, Error::Length { what: "the names of the classes", expected: 2, found: 1 });
    let fractions = Dataset::new(vec![[0.0, 0.0]], vec![[0.5]]).unwrap();
    assert!(matches!(plot::decision_surface(&Xor::new(1), &fractions, &[]), Err(Error::NotAClass { .. })));
    let mut broken = Xor::new(1);
    broken.parameters_mut().fill(f32::NAN);
    assert!(matches!(plot::decision_surface(&broken, &corners(), &[]), Err(Error::NaNOutput { .. })));
}

#[test]
fn first_layers_are_shown_unit_by_unit() {
    let mut net = Small::zeros();
    net.layer1_mut().weights[0] = [2.0, 0.0, 0.0, 0.0, 0.0, -2.0];
    let elements_of_five = elements(&plot::first_layer(&net, 3, 2).unwrap());
    let found = texts(&elements_of_five);
    assert!(
        ["Weights of the first layer, 5 units", "2", "−2", "0"].iter().all(|text| found.contains(text)),
        "{found:?}"
    );
    // Four pixels a weight: the first is positive, the sixth negative, the second 0.
    let weights = image(&elements_of_five, 0);
    let (positive, zero, negative) = (rgb(&weights, 1, 1), rgb(&weights, 5, 1), rgb(&weights, 9, 5));
    assert_eq!(zero, [255; 3]);
    assert!(positive[0] > positive[2] + 100 && negative[2] > negative[0] + 100, "{positive:?} {negative:?}");

    elements(&plot::first_layer(&Small::zeros(), 6, 1).unwrap());
    let error = plot::first_layer(&net, 3, 3).unwrap_err();
    assert_eq!(error, Error::Width { what: "inputs", expected: 9, found: 6 });
}

#[test]
fn a_file_is_of_the_format_that_its_name_ends_in() {
    let picture = plot::schedules(&[("constant", &Constant::new(0.1))], 10).unwrap();
    let path = |name: &str| std::env::temp_dir().join(format!("nn-train-plots-{}-{name}", std::process::id()));
    for (name, start) in [("a.svg", &b"<svg "[..]), ("b.PNG", b"\x89PNG")] {
        picture.save(path(name)).unwrap();
        let bytes = std::fs::read(path(name)).unwrap();
        std::fs::remove_file(path(name)).unwrap();
        assert!(bytes.starts_with(start), "{name}");
    }
    for wrong in ["c.pdf", "svg", "c"] {
        let error = picture.save(wrong).unwrap_err();
        let expected = format!("the picture's file is {wrong}; expected a name that ends in .svg or .png");
        assert_eq!(error.to_string(), expected);
    }
    let error = picture.save(path("none").join("a.svg")).unwrap_err();
    assert!(matches!(&error, Error::Io { kind: std::io::ErrorKind::NotFound, .. }), "{error}");
}

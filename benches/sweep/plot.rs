//! The sweep's plot: two panels (one thread, two) of the time a sample takes and two of the arithmetic done a second,
//! for each network; a curve for each batch.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::Point;

const WIDTH: u32 = 1500;
const TITLE: u32 = 60;
const PANEL: u32 = 470;
/// Batches are ordered, and so are these: dark to light.
const COLOURS: [RGBColor; 6] = [
    RGBColor(68, 1, 84),
    RGBColor(65, 68, 135),
    RGBColor(42, 120, 142),
    RGBColor(34, 168, 132),
    RGBColor(122, 200, 60),
    RGBColor(240, 160, 20),
];

type Panel<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

/// What a panel shows of a point.
struct Quantity {
    name: &'static str,
    of: fn(&Point) -> f64,
    /// Where no curve is.
    legend: SeriesLabelPosition,
}

const QUANTITIES: [Quantity; 2] = [
    Quantity {
        name: "ns per sample",
        of: |point| point.seconds / point.rows as f64 * 1e9,
        legend: SeriesLabelPosition::UpperLeft,
    },
    Quantity {
        name: "GFLOP/s",
        of: |point| point.flops() / point.seconds / 1e9,
        legend: SeriesLabelPosition::LowerRight,
    },
];

/// The plot as SVG, under a title that says what machine it is.
pub(crate) fn svg(points: &[Point], cpu: &str) -> Result<String, Box<dyn Error>> {
    let (networks, threads, batches) = (
        distinct(points.iter().map(|point| point.network.name)),
        distinct(points.iter().map(|point| point.threads)),
        distinct(points.iter().map(|point| point.rows)),
    );
    let mut text = String::new();
    {
        let height = TITLE + (networks.len() * QUANTITIES.len()) as u32 * PANEL;
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE)?;
        let title = format!("A full training step (gradient and SGD update, f32) of the planned engine: {cpu}");
        let area = area.titled(&title, ("sans-serif", 24))?;
        let panels = area.split_evenly((networks.len() * QUANTITIES.len(), threads.len()));
        let mut panels = panels.iter();
        for network in &networks {
            for quantity in &QUANTITIES {
                let of_network = || points.iter().filter(|point| point.network.name == *network);
                let range = range(of_network().map(quantity.of));
                for &count in &threads {
                    let Some(area) = panels.next() else { break };
                    let shown: Vec<&Point> = of_network().filter(|point| point.threads == count).collect();
                    let threads = if count == 1 { "1 thread".to_owned() } else { format!("{count} threads") };
                    panel(area, &format!("{network}, {threads}"), quantity, range, &batches, &shown)?;
                }
            }
        }
        area.present()?;
    }
    Ok(text)
}

fn panel(
    area: &Panel<'_>,
    title: &str,
    quantity: &Quantity,
    (low, high): (f64, f64),
    batches: &[usize],
    points: &[&Point],
) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(45)
        .y_label_area_size(75)
        .build_cartesian_2d((1.0..320.0_f64).log_scale().base(2.0), (low..high).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("width w (units)")
        .y_desc(quantity.name)
        .x_labels(12)
        .y_labels(12)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y}"))
        .axis_desc_style(("sans-serif", 17))
        .label_style(("sans-serif", 15))
        .bold_line_style(BLACK.mix(0.25))
        .light_line_style(BLACK.mix(0.06))
        .draw()?;
    for (&rows, colour) in batches.iter().zip(COLOURS.into_iter().cycle()) {
        let mut curve: Vec<(f64, f64)> = points
            .iter()
            .filter(|point| point.rows == rows)
            .map(|point| (point.width as f64, (quantity.of)(point)))
            .collect();
        curve.sort_by(|a, b| a.0.total_cmp(&b.0));
        let style = colour.stroke_width(2);
        chart
            .draw_series(LineSeries::new(curve, style))?
            .label(format!("batch {rows}"))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], style));
    }
    chart
        .configure_series_labels()
        .position(quantity.legend.clone())
        .label_font(("sans-serif", 15))
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(())
}

/// What holds all values, with some room.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    (low * 0.8, high * 1.25)
}

fn distinct<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<K> {
    let mut keys: Vec<K> = keys.collect();
    keys.sort();
    keys.dedup();
    keys
}

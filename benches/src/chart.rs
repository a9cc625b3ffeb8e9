//! A bar chart as SVG.

use std::fmt::Write;

const COLOURS: [&str; 10] = [
    "#c0392b", "#e59866", "#7f8c8d", "#2471a3", "#5dade2", "#1e8449", "#7dcea0", "#8e44ad",
    "#d4ac0d", "#273746",
];
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 50.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 370.0;

/// Groups of bars, one of each series in each group, over a logarithmic axis.
pub fn bars(title: &str, groups: &[&str], series: &[(&str, Vec<f64>)]) -> String {
    let values = || series.iter().flat_map(|(_, values)| values).filter(|value| **value > 0.0);
    let decade = |value: f64| value.log10();
    let least = values().fold(1.0, |least: f64, value| least.min(*value));
    let most = values().fold(1.0, |most: f64, value| most.max(*value));
    let (low, high) = (decade(least).floor(), decade(most).ceil().max(1.0));
    let y = |value: f64| BOTTOM - (decade(value) - low) / (high - low) * (BOTTOM - TOP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"15\">{title}</text>\n"
    );
    // Writing to a String does not fail.
    for power in low as i32..=high as i32 {
        let value = 10_f64.powi(power);
        let (at, right, weight) = (y(value), WIDTH - 10.0, if power == 0 { 2 } else { 1 });
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#bbb\" stroke-width=\"{weight}\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            LEFT - 6.0,
            at + 4.0
        );
    }
    let group = (WIDTH - LEFT - 10.0) / groups.len().max(1) as f64;
    let bar = group * 0.85 / series.len().max(1) as f64;
    for (n, name) in groups.iter().enumerate() {
        let left = LEFT + group * (n as f64 + 0.075);
        for (m, (of, values)) in series.iter().enumerate() {
            let Some(&value) = values.get(n).filter(|value| **value > 0.0) else { continue };
            // From what is as fast as the reference, up or down.
            let (from, to) = (y(1.0).max(y(value)), y(1.0).min(y(value)));
            let _ = writeln!(
                svg,
                "<rect x=\"{:.1}\" y=\"{to:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\">\
                 <title>{of}, {name}: {value:.2}</title></rect>",
                left + bar * m as f64,
                bar * 0.9,
                (from - to).max(0.5),
                COLOURS[m % COLOURS.len()]
            );
        }
        let middle = left + group * 0.425;
        let _ = writeln!(
            svg,
            "<text x=\"{middle:.1}\" y=\"{}\" text-anchor=\"middle\">{name}</text>",
            BOTTOM + 20.0
        );
    }
    for (m, (name, _)) in series.iter().enumerate() {
        let x = LEFT + (WIDTH - LEFT) / series.len() as f64 * m as f64;
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"34\" width=\"10\" height=\"10\" fill=\"{}\"/>\
             <text x=\"{:.1}\" y=\"43\" font-size=\"10\">{name}</text>",
            COLOURS[m % COLOURS.len()],
            x + 13.0
        );
    }
    svg + "</svg>\n"
}

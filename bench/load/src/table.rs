//! What the runs found, as one text that reads well in a terminal and is Markdown.

use std::{collections::BTreeMap, fmt::Write};

use crate::{
    scenario::{Idle, Measured},
    stats::{Errors, Sample, least, median},
};

/// Everything measured; the keys order the rows.
#[derive(Default)]
pub struct Results {
    pub loads: BTreeMap<Key, Vec<Measured>>,
    pub idle: Vec<(String, Result<Idle, String>)>,
    pub cold: BTreeMap<(usize, String, String), Result<Vec<f64>, String>>,
    pub sizes: Vec<(String, Option<u64>)>,
}

/// One row of a table of loads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Which table, in the order of printing.
    pub table: (usize, &'static str),
    /// What sets apart the rows that are compared with one another.
    pub load: (usize, String),
    pub peer: (usize, String),
    pub label: &'static str,
}

impl Results {
    /// A run that has failed once is not tried again.
    pub fn failed(&self, key: &Key) -> bool {
        self.loads
            .get(key)
            .is_some_and(|runs| runs.iter().any(Result::is_err))
    }

    /// The samples of the floor, in the order of the rounds.
    fn floor(&self, key: &Key) -> Vec<f64> {
        self.loads
            .iter()
            .find(|(other, _)| {
                other.table == key.table && other.load == key.load && other.peer.0 == 0
            })
            .map(|(_, runs)| {
                runs.iter()
                    .map(|run| run.as_ref().map_or(f64::NAN, |(sample, _)| sample.cpu))
                    .collect()
            })
            .unwrap_or_default()
    }

    pub fn markdown(&self, notes: &[(String, &'static str)]) -> String {
        let mut out = String::new();
        let mut table = None;
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut failures = Vec::new();
        const HEAD: [&str; 12] = [
            "load",
            "peer",
            "revision",
            "CPU µs min",
            "median",
            "× floor min",
            "median",
            "calls/s",
            "p50 µs",
            "p99 µs",
            "checked",
            "errors",
        ];
        for (key, runs) in &self.loads {
            if table != Some(key.table) {
                flush(&mut out, table, &HEAD, &mut rows);
                table = Some(key.table);
            }
            let peer = format!("{} {}", key.peer.1, key.label).trim().to_owned();
            let good: Vec<&(Sample, String)> =
                runs.iter().filter_map(|run| run.as_ref().ok()).collect();
            if let Some(Err(error)) = runs.iter().find(|run| run.is_err()) {
                failures.push(format!(
                    "- {}, {}, {peer}: {error}",
                    key.table.1, key.load.1
                ));
                if good.is_empty() {
                    let mut row = vec![key.load.1.clone(), peer, "failed".into()];
                    row.resize(HEAD.len(), "–".into());
                    rows.push(row);
                    continue;
                }
            }
            let of = |pick: fn(&Sample) -> f64| {
                good.iter()
                    .map(|(sample, _)| pick(sample))
                    .collect::<Vec<_>>()
            };
            let floor = self.floor(key);
            let ratios: Vec<f64> = runs
                .iter()
                .zip(&floor)
                .filter_map(|(run, floor)| run.as_ref().ok().map(|(sample, _)| sample.cpu / floor))
                .filter(|ratio| ratio.is_finite())
                .collect();
            let mut errors = Errors::default();
            good.iter()
                .for_each(|(sample, _)| errors.merge(&sample.errors));
            if errors.count() > 0 {
                failures.push(format!(
                    "- {}, {}, {peer}: {errors}",
                    key.table.1, key.load.1
                ));
            }
            let cpu = of(|sample| sample.cpu);
            rows.push(vec![
                key.load.1.clone(),
                peer,
                good[0].1.clone(),
                number(least(&cpu)),
                number(median(cpu.clone())),
                ratio(least(&cpu) / least(&floor)),
                ratio(median(ratios)),
                thousands(of(|sample| sample.rate).into_iter().fold(0.0, f64::max)),
                number(least(&of(|sample| sample.p50))),
                number(least(&of(|sample| sample.p99))),
                thousands(good.iter().map(|(sample, _)| sample.calls as f64).sum()),
                errors.count().to_string(),
            ]);
        }
        flush(&mut out, table, &HEAD, &mut rows);
        self.idle_table(&mut out, &mut failures);
        self.cold_table(&mut out, &mut failures);
        if !self.sizes.is_empty() {
            for (peer, size) in &self.sizes {
                let size = size.map_or("–".into(), |size| format!("{:.2} MB", size as f64 / 1e6));
                rows.push(vec![peer.clone(), size]);
            }
            flush(
                &mut out,
                Some((0, "Program, stripped")),
                &["peer", "size"],
                &mut rows,
            );
        }
        section(&mut out, "Errors and failures", failures);
        let others: Vec<f64> = self
            .loads
            .values()
            .flatten()
            .filter_map(|run| Some(run.as_ref().ok()?.0.others * 100.0))
            .collect();
        if !others.is_empty() {
            let worst = others.iter().copied().fold(0.0, f64::max);
            let line = format!(
                "While measuring, others used {:.1} % of the machine (median; {worst:.0} % at worst).",
                median(others)
            );
            section(&mut out, "Disturbance", vec![line]);
        }
        let notes = notes.iter().filter(|(_, note)| !note.is_empty());
        section(
            &mut out,
            "Notes",
            notes
                .map(|(peer, note)| format!("- {peer}: {note}"))
                .collect(),
        );
        out
    }

    fn idle_table(&self, out: &mut String, failures: &mut Vec<String>) {
        let mut rows = Vec::new();
        for (peer, found) in &self.idle {
            match found {
                Ok(idle) => rows.push(vec![
                    peer.clone(),
                    thousands(idle.sessions as f64),
                    thousands(idle.bytes_each),
                    format!("{:.1}", idle.total as f64 / 1e6),
                    idle.remark.clone(),
                ]),
                Err(error) => {
                    rows.push(vec![
                        peer.clone(),
                        "failed".into(),
                        "–".into(),
                        "–".into(),
                        String::new(),
                    ]);
                    failures.push(format!("- idle sessions, {peer}: {error}"));
                }
            }
        }
        let head = ["peer", "idle sessions", "bytes each", "RSS MB", "remark"];
        flush(
            out,
            Some((0, "Idle sessions (2025-11-25)")),
            &head,
            &mut rows,
        );
    }

    fn cold_table(&self, out: &mut String, failures: &mut Vec<String>) {
        let mut rows = Vec::new();
        for ((_, peer, way), found) in &self.cold {
            match found {
                Ok(times) => rows.push(vec![
                    peer.clone(),
                    way.clone(),
                    format!("{:.2}", least(times)),
                    format!("{:.2}", median(times.clone())),
                    times.len().to_string(),
                ]),
                Err(error) => {
                    rows.push(vec![
                        peer.clone(),
                        way.clone(),
                        "failed".into(),
                        "–".into(),
                        "–".into(),
                    ]);
                    failures.push(format!("- cold start, {peer}, {way}: {error}"));
                }
            }
        }
        let head = ["peer", "over", "ms min", "ms median", "starts"];
        flush(
            out,
            Some((0, "Cold start to the first answer")),
            &head,
            &mut rows,
        );
    }
}

fn section(out: &mut String, title: &str, mut lines: Vec<String>) {
    lines.dedup();
    if !lines.is_empty() {
        let _ = write!(out, "\n### {title}\n\n{}\n", lines.join("\n"));
    }
}

/// Writes the rows as an aligned table and forgets them.
fn flush(
    out: &mut String,
    table: Option<(usize, &str)>,
    head: &[&str],
    rows: &mut Vec<Vec<String>>,
) {
    let (Some((_, title)), false) = (table, rows.is_empty()) else {
        return;
    };
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells
            .chain([head[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())))
            .collect();
        format!("| {} |\n", padded.join(" | "))
    };
    let _ = write!(out, "\n### {title}\n\n");
    out.push_str(&line(
        &head
            .iter()
            .map(|cell| (*cell).to_owned())
            .collect::<Vec<_>>(),
    ));
    out.push_str(&line(
        &widths
            .iter()
            .map(|width| "-".repeat(*width))
            .collect::<Vec<_>>(),
    ));
    rows.drain(..).for_each(|row| out.push_str(&line(&row)));
}

fn ratio(value: f64) -> String {
    if value.is_finite() {
        format!("{value:.2}")
    } else {
        "–".into()
    }
}

/// Three figures are enough.
fn number(value: f64) -> String {
    match value {
        v if v.is_nan() => "–".into(),
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 100.0 => format!("{v:.1}"),
        v => thousands(v),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
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
    fn numbers_are_short() {
        assert_eq!(number(1.234), "1.23");
        assert_eq!(number(12.34), "12.3");
        assert_eq!(number(1_234_567.0), "1,234,567");
    }

    #[test]
    fn a_ratio_compares_the_same_round() {
        let mut results = Results::default();
        let key = |peer: usize| Key {
            table: (0, "t"),
            load: (0, "l".into()),
            peer: (peer, peer.to_string()),
            label: "",
        };
        let run = |cpu| {
            let sample = Sample {
                cpu,
                rate: 1.0,
                p50: 1.0,
                p99: 1.0,
                calls: 1,
                others: 0.0,
                errors: Errors::default(),
            };
            Ok((sample, "r".to_owned()))
        };
        results
            .loads
            .insert(key(0), vec![run(1.0), run(2.0), run(4.0)]);
        results
            .loads
            .insert(key(1), vec![run(3.0), run(6.0), run(12.0)]);
        assert!(results.markdown(&[]).contains("| 3.00 "));
    }
}

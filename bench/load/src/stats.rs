//! Numbers: of one phase, and over the rounds.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::process::Used;

/// Errors by what they say. None is ever dropped: they are counted here and shown in the tables.
#[derive(Clone, Debug, Default)]
pub struct Errors {
    kinds: BTreeMap<String, u64>,
    count: u64,
}

impl Errors {
    pub fn add(&mut self, what: String) {
        self.count += 1;
        // Answers differ in their numbers; without them the same error is one kind.
        let kind = if self.kinds.len() < 8 {
            what
        } else {
            "others".to_owned()
        };
        *self.kinds.entry(kind).or_default() += 1;
    }

    pub fn merge(&mut self, other: &Errors) {
        self.count += other.count;
        for (kind, count) in &other.kinds {
            *self.kinds.entry(kind.clone()).or_default() += count;
        }
    }

    pub fn count(&self) -> u64 {
        self.count
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} errors", self.count)?;
        for (kind, count) in self.kinds.iter().take(3) {
            write!(f, "; {count} × {kind}")?;
        }
        Ok(())
    }
}

/// What one phase of a run has seen.
#[derive(Default)]
pub struct Phase {
    latencies: Vec<u32>,
    pub errors: Errors,
    pub used: Used,
}

impl Phase {
    pub fn record(&mut self, latency: Duration) {
        self.latencies
            .push(u32::try_from(latency.as_nanos()).unwrap_or(u32::MAX));
    }

    pub fn calls(&self) -> u64 {
        self.latencies.len() as u64
    }

    /// The numbers of this phase. A phase without one right answer has none.
    pub fn sample(mut self) -> Result<Sample, String> {
        if self.latencies.is_empty() {
            return Err(format!("no right answer; {}", self.errors));
        }
        self.latencies.sort_unstable();
        let calls = self.latencies.len();
        let at = |percent: usize| {
            f64::from(self.latencies[(calls * percent / 100).min(calls - 1)]) / 1e3
        };
        Ok(Sample {
            cpu: self.used.cpu as f64 / calls as f64 / 1e3,
            rate: calls as f64 / self.used.wall.as_secs_f64(),
            p50: at(50),
            p99: at(99),
            calls: calls as u64,
            others: self.used.others,
            errors: self.errors,
        })
    }
}

/// One measurement: CPU and latencies in microseconds, rate in calls per second.
#[derive(Clone, Debug)]
pub struct Sample {
    pub cpu: f64,
    pub rate: f64,
    pub p50: f64,
    pub p99: f64,
    pub calls: u64,
    /// The part of the machine that others used meanwhile, 0 to 1.
    pub others: f64,
    pub errors: Errors,
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

pub fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn errors_are_all_counted() {
        let mut errors = Errors::default();
        (0..20).for_each(|n| errors.add(n.to_string()));
        assert_eq!(errors.count(), 20);
        assert_eq!(errors.kinds.values().sum::<u64>(), 20);
    }
}

//! Rounds in turns, and what they come to.

use super::{
    Error, Settings,
    data::{Orders, Values},
    phases::{Phase, Round},
};
use crate::host::Plugin;
use std::ffi::OsString;

/// A plugin that is measured.
pub struct Contender {
    /// The plugin.
    pub plugin: Plugin,
    /// Its parameters, `name=value`.
    pub options: Vec<String>,
}

/// What one phase came to, for a number of threads and a size.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The number of threads.
    pub threads: usize,
    /// The size of the values.
    pub size: usize,
    /// What was done.
    pub phase: Phase,
    /// Records a second: for each contender, of each round.
    pub rates: Vec<Vec<f64>>,
}

/// A median and how far what it stands for is spread.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

impl Measured {
    /// Records a second of a contender.
    pub fn rate(&self, contender: usize) -> Option<Spread> {
        Spread::of(self.rates.get(contender)?.clone())
    }

    /// How many times as fast the first contender is as the second, by rounds.
    pub fn ratio(&self) -> Option<Spread> {
        let [first, second] = self.rates.as_slice() else { return None };
        Spread::of(first.iter().zip(second).map(|(first, second)| first / second).collect())
    }
}

impl Spread {
    /// Of some numbers; None of none.
    pub fn of(mut numbers: Vec<f64>) -> Option<Self> {
        numbers.sort_by(f64::total_cmp);
        let (min, max) = (*numbers.first()?, *numbers.last()?);
        let (low, high) = ((numbers.len() - 1) / 2, numbers.len() / 2);
        Some(Self { median: f64::midpoint(numbers[low], numbers[high]), min, max })
    }
}

/// How often `compare` says that it has come further.
pub fn steps(settings: &Settings, contenders: usize) -> usize {
    settings.threads.len() * settings.sizes.len() * (settings.rounds + 1) * contenders
}

/// Measures one plugin, or several in turns. `step` is told what comes next,
/// before each of the `steps`.
pub fn compare(
    settings: &Settings,
    contenders: &[Contender],
    step: &mut dyn FnMut(&str),
) -> Result<Vec<Measured>, Error> {
    let orders = Orders::new(settings.records);
    let mut all = Vec::new();
    for &size in &settings.sizes {
        let values = Values::new(size);
        for &threads in &settings.threads {
            let nothing = || vec![Vec::new(); contenders.len()];
            let mut measured =
                Phase::ALL.map(|phase| Measured { threads, size, phase, rates: nothing() });
            for round in 0..=settings.rounds {
                for (n, contender) in contenders.iter().enumerate() {
                    step(&format!("{size} B, {threads} threads, {}", contender.plugin.name()));
                    let rates = one(settings, contender, threads, &orders, &values)?;
                    // The first one warms up.
                    if round > 0 {
                        let each = measured.iter_mut().zip(rates);
                        each.for_each(|(measured, rate)| measured.rates[n].push(rate));
                    }
                }
            }
            all.extend(measured);
        }
    }
    Ok(all)
}

/// One round on a new database.
fn one(
    settings: &Settings,
    contender: &Contender,
    threads: usize,
    orders: &Orders,
    values: &Values,
) -> Result<Vec<f64>, Error> {
    let directory = tempfile::Builder::new()
        .prefix("kumo-bench-")
        .tempdir_in(&settings.directory)
        .map_err(|error| Error::Directory { directory: settings.directory.clone(), error })?;
    let mut location = OsString::from(directory.path().join("bench.db"));
    for option in &contender.options {
        location.push("#");
        location.push(option);
    }
    let storage = contender.plugin.open(&location)?;
    Round { target: &storage, orders, values, threads }.run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_the_middle_and_the_ends() {
        assert_eq!(Spread::of(vec![]), None);
        let spread = |median, min, max| Some(Spread { median, min, max });
        assert_eq!(Spread::of(vec![3.0, 1.0, 2.0]), spread(2.0, 1.0, 3.0));
        assert_eq!(Spread::of(vec![4.0, 1.0, 2.0, 3.0]), spread(2.5, 1.0, 4.0));
    }

    #[test]
    fn every_phase_is_measured_and_every_step_is_told() {
        let plugin = Plugin::built_in().unwrap();
        let contender = || Contender { plugin: plugin.clone(), options: vec![] };
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings {
            records: 100,
            threads: vec![1, 3],
            sizes: vec![32],
            rounds: 2,
            directory: directory.path().to_owned(),
        };
        let mut told = 0;
        let contenders = [contender(), contender()];
        let measured = compare(&settings, &contenders, &mut |_| told += 1).unwrap();
        assert_eq!(told, steps(&settings, 2));
        assert_eq!(measured.len(), 2 * Phase::ALL.len());
        for phase in &measured {
            assert!(phase.rates.iter().all(|rounds| rounds.len() == 2), "{phase:?}");
            assert!(phase.ratio().is_some_and(|ratio| ratio.median > 0.0), "{phase:?}");
        }
        // Nothing is left behind.
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
    }
}

//! Tables of numbers, and their parts.

use std::fs;
use std::path::Path;

use nn_train::prelude::*;

use crate::Failure;

/// Rows of inputs with a number or a class each.
#[derive(Debug)]
pub(crate) struct Tabular {
    pub(crate) name: String,
    inputs: Vec<f32>,
    width: usize,
    targets: Vec<f32>,
    /// 0 for a regression.
    pub(crate) classes: usize,
}

/// 68 % of the rows, 17 % and 15 %.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) train: DynDataset<f32>,
    pub(crate) validation: DynDataset<f32>,
    pub(crate) test: DynDataset<f32>,
}

impl Tabular {
    /// Every table of a folder, by name; none where there is no folder.
    pub(crate) fn read_all(folder: &Path) -> Result<Vec<Self>, Failure> {
        let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
        paths.retain(|path| path.extension().is_some_and(|end| end == "csv"));
        paths.sort();
        paths
            .iter()
            .map(|path| Self::read(path).map_err(|error| format!("{}: {error}", path.display()).into()))
            .collect()
    }

    /// A table of numbers with a head, the last column of which is called `target` or `label`.
    fn read(path: &Path) -> Result<Self, Failure> {
        let mut file = csv::Reader::from_path(path)?;
        let headers = file.headers()?;
        let (width, labelled) = (headers.len() - 1, headers.iter().next_back() == Some("label"));
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        for row in file.deserialize() {
            let mut row: Vec<f32> = row?;
            targets.extend(row.pop());
            inputs.extend(row);
        }
        let classes =
            if labelled { targets.iter().fold(0.0, |most: f32, &label| most.max(label)) as usize + 1 } else { 0 };
        let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Ok(Self { name, inputs, width, targets, classes })
    }

    /// A small regression, to see that everything works.
    pub(crate) fn waves() -> Self {
        let inputs: Vec<f32> = (0..240).map(|i| (i as f32 * 1.7).sin()).collect();
        let targets = inputs.chunks_exact(3).map(|x| x[0] * x[1] - x[2]).collect();
        Self { name: "waves".to_owned(), inputs, width: 3, targets, classes: 0 }
    }

    /// A small classification, to see that everything works.
    pub(crate) fn rings() -> Self {
        let inputs: Vec<f32> = (0..240).map(|i| (i as f32 * 2.3).sin()).collect();
        let targets = inputs.chunks_exact(2).map(|x| (x[0].hypot(x[1]) * 2.0).min(2.0).floor()).collect();
        Self { name: "rings".to_owned(), inputs, width: 2, targets, classes: 3 }
    }

    /// The parts, drawn under `seed` and standardised by what the first is like.
    pub(crate) fn split(&self, seed: u64) -> Result<Parts, Error> {
        let data = if self.classes == 0 {
            DynDataset::new(self.inputs.clone(), self.width, self.targets.clone(), 1)?
        } else {
            let labels: Vec<usize> = self.targets.iter().map(|&label| label as usize).collect();
            DynDataset::from_labels(self.inputs.clone(), self.width, &labels, self.classes)?
        };
        let (test, rest) = data.split(0.15, seed)?;
        let (validation, train) = rest.split(0.2, seed)?;
        let inputs = Standardizer::fit_flat(train.inputs(), self.width)?;
        let targets = Standardizer::fit_flat(train.targets(), train.target_width())?;
        let standardized = |part: DynDataset<f32>| match self.classes {
            0 => part.standardized_by(&inputs)?.targets_standardized_by(&targets),
            _ => part.standardized_by(&inputs),
        };
        Ok(Parts { train: standardized(train)?, validation: standardized(validation)?, test: standardized(test)? })
    }
}

//! Networks: the trait that declared and runtime networks share.

mod cache;
mod check;
pub(crate) mod compute;
mod declared;
pub(crate) mod dense;
mod difference;
mod dynamic;
mod init;
mod memory;
mod predictor;
#[cfg(feature = "serde")]
pub(crate) mod serde;
mod theta;

use std::fmt;

pub use check::{GradientCheck, WorstParameter};
pub(crate) use declared::debug_declared;
pub use declared::{Declared, HasLayer, Stored};
pub use dense::{Dense, DenseLayer, Row};
pub(crate) use difference::difference;
pub use dynamic::DynNetwork;
pub use init::{Init, UnknownInit};
pub use memory::Parameters;
use nn_kernels::{Architecture, Batch, Element, StepError};
pub use predictor::Predictor;
pub use theta::Theta;

use crate::data::{Dataset, DynDataset, Samples, TrainingData};
use crate::error::Error;

mod sealed {
    pub trait Sealed {}
    impl<N: super::Declared> Sealed for N {}
    impl<T> Sealed for super::DynNetwork<T> {}
}

/// Samples as flat slices, to this crate alone.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Flat<'a, T>(pub(crate) Samples<'a, T>);

/// A network: parameters Θ and what they compute. Every type that [`network!`](crate::network) declares implements it,
/// and so does [`DynNetwork`], whose widths come from data. The trait is sealed.
///
/// The two differ in how samples are written. A declared network takes arrays whose widths the compiler checks; a
/// [`DynNetwork`] takes slices, and checks the widths when the program runs.
///
/// | | declared | [`DynNetwork<T>`](DynNetwork) |
/// |---|---|---|
/// | one sample, [`Sample`](Self::Sample) | `[T; S_1]` | `[T]`, S_1 numbers |
/// | one prediction, [`Prediction`](Self::Prediction) | `[T; S_L]` | `Result<Vec<T>, Error>` |
/// | m samples, [`Inputs`](Self::Inputs) | `[[T; S_1]]` | `[T]`, m × S_1 numbers row by row |
/// | m targets or predictions, [`Outputs`](Self::Outputs) | `[[T; S_L]]` | `[T]`, m × S_L numbers row by row |
/// | a data set, [`Data`](Self::Data) | [`Dataset`] | [`DynDataset`] |
pub trait Network: sealed::Sealed + Clone + PartialEq + fmt::Debug + Send + Sync + Sized + 'static {
    /// The number type of parameters, samples and predictions: `f32` or `f64`.
    type Scalar: Element;
    /// The type of the data sets that the network is trained on.
    type Data: TrainingData<Self>;
    /// One sample.
    type Sample: ?Sized;
    /// The type that [`predict`](Self::predict) returns.
    type Prediction;
    /// The samples of a batch.
    type Inputs: ?Sized;
    /// The targets of a batch, or what the network makes of its samples.
    type Outputs: ?Sized;

    /// The type's name, `"Digits"` or `"DynNetwork"`.
    #[must_use]
    fn name(&self) -> &'static str;

    /// Widths, activations, dropout and loss.
    #[must_use]
    fn architecture(&self) -> &Architecture;

    /// All parameters as one slice, in the order of [`Architecture::ranges`].
    #[must_use]
    fn parameters(&self) -> &[Self::Scalar];

    /// [`parameters`](Self::parameters), to be written.
    #[must_use]
    fn parameters_mut(&mut self) -> &mut [Self::Scalar];

    /// h(x), the output for one sample. No thread is woken.
    ///
    /// A declared network returns an array, and allocates nothing after a thread's first call. A [`DynNetwork`] returns
    /// a vector, or an error for a sample of another width. [`predict_into`](Self::predict_into) allocates in neither.
    ///
    /// Sums may be formed in another order than [`predict_batch`](Self::predict_batch) forms them of several samples, so the
    /// two can differ in the last bits. An input that is not finite gives an output that need not be.
    ///
    /// An array has no room for an error: where the environment variable `NN_ISA` asks for an instruction set that the
    /// CPU lacks, it is all NaN. `predict_into` returns the error.
    fn predict(&self, input: &Self::Sample) -> Self::Prediction {
        Self::prediction(self.architecture(), input, |input, output| self.predict_into(input, output))
    }

    /// h(x) of `input`, S_1 numbers, written to `output`, S_L numbers. Nothing is allocated after a thread's first call.
    ///
    /// # Errors
    /// [`StepError::Length`] in [`Error::Step`] for another number of inputs or outputs.
    fn predict_into(&self, input: &[Self::Scalar], output: &mut [Self::Scalar]) -> Result<(), Error> {
        compute::predict(self.architecture(), self.parameters(), input, output)
    }

    /// h(x) for every sample, on the current rayon pool.
    ///
    /// # Errors
    /// [`Error::Empty`] without a sample, [`Error::Length`] when `outputs` has not as many rows as `inputs`,
    /// [`StepError::Ragged`] in [`Error::Step`] when numbers do not fill their last row.
    fn predict_batch(&self, inputs: &Self::Inputs, outputs: &mut Self::Outputs) -> Result<(), Error> {
        let (inputs, outputs) = (Self::flat_inputs(inputs), Self::flat_outputs_mut(outputs));
        check_predictions(self.architecture(), inputs, outputs)?;
        compute::predict_batch(self.architecture(), self.parameters(), inputs, outputs)
    }

    /// The cost J on m samples and their targets: the mean loss, plus λ/2m Σ‖Θ_w‖² with λ = `l2`. Without dropout.
    ///
    /// It knows nothing of a trainer: what [`l1`](crate::TrainerBuilder::l1) adds to the cost of its steps and
    /// [`label_smoothing`](crate::TrainerBuilder::label_smoothing) makes of their targets is not in it.
    ///
    /// # Errors
    /// [`Error::Empty`] for m = 0, [`Error::Length`] when there are not as many targets as inputs,
    /// [`StepError::Ragged`] in [`Error::Step`] when numbers do not fill their last row, [`Error::NonFinite`] for a
    /// number that is not finite, [`Error::Setting`] for a λ that is negative or not finite.
    fn cost(&self, inputs: &Self::Inputs, targets: &Self::Outputs, l2: f64) -> Result<f64, Error> {
        compute::cost(self.architecture(), self.parameters(), self.samples(inputs, targets)?.0, l2)
    }

    /// The cost J as [`cost`](Self::cost) gives it, and the gradient Δ = ∂J/∂Θ, which has the network's own type.
    ///
    /// # Errors
    /// As [`cost`](Self::cost).
    fn gradient(&self, inputs: &Self::Inputs, targets: &Self::Outputs, l2: f64) -> Result<(f64, Self), Error> {
        gradient(self, self.samples(inputs, targets)?.0, l2)
    }

    /// Compares the gradient Δ with central differences of the cost, both in `f64`: see [`GradientCheck`].
    /// Each compared parameter costs at least six evaluations of the cost, so a few dozen samples are enough.
    ///
    /// # Errors
    /// As [`cost`](Self::cost).
    fn check_gradient(&self, inputs: &Self::Inputs, targets: &Self::Outputs, l2: f64) -> Result<GradientCheck, Error> {
        check::check_gradient(self.architecture(), self.parameters(), self.samples(inputs, targets)?.0, l2)
    }

    /// The cost J on a data set: the mean loss as its samples [weigh](DynDataset::with_weights), Σ sᵢ lossᵢ / Σ sᵢ, plus
    /// λ/2m Σ‖Θ_w‖². Without weights it is what [`cost`](Self::cost) gives on the same rows. Where targets have been
    /// standardised, it is the cost of the standardised ones, as in training.
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// # network! { struct Line<1 => 1 linear>: f64; }
    /// // h(x) = 0: samples off by 1 and by 3 cost ½ and 4½, and the first counts three times.
    /// let data = Dataset::new(vec![[1.0], [1.0]], vec![[1.0], [3.0]])?.with_weights(vec![3.0, 1.0])?;
    /// assert_eq!(Line::zeros().cost_on(&data, 0.0)?, 1.5);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Width`] when a data set is not as wide as the network, [`Error::Setting`] for a λ that is negative or not
    /// finite.
    fn cost_on(&self, data: &Self::Data, l2: f64) -> Result<f64, Error> {
        compute::cost(self.architecture(), self.parameters(), Self::dataset(data).samples(), l2)
    }

    /// The cost J as [`cost_on`](Self::cost_on) gives it, and its gradient Δ.
    ///
    /// # Errors
    /// As [`cost_on`](Self::cost_on).
    fn gradient_on(&self, data: &Self::Data, l2: f64) -> Result<(f64, Self), Error> {
        gradient(self, Self::dataset(data).samples(), l2)
    }

    /// As [`check_gradient`](Self::check_gradient), for the cost that [`cost_on`](Self::cost_on) gives.
    ///
    /// # Errors
    /// As [`cost_on`](Self::cost_on).
    fn check_gradient_on(&self, data: &Self::Data, l2: f64) -> Result<GradientCheck, Error> {
        check::check_gradient(self.architecture(), self.parameters(), Self::dataset(data).samples(), l2)
    }

    /// A [`Predictor`] for many batches of up to `batch_rows` samples, with a copy of the current parameters.
    ///
    /// # Errors
    /// [`Error::Argument`] for no rows, [`Error::Step`] when there is no memory, or when the environment asks for an
    /// instruction set that the CPU lacks.
    fn predictor(&self, batch_rows: usize) -> Result<Predictor<Self>, Error> {
        Predictor::new(self, batch_rows)
    }

    /// Θ^(l) with the bias as column 0, l counted from 1, if the network has it.
    #[must_use]
    fn theta_at(&self, l: usize) -> Option<Theta<'_, Self::Scalar>> {
        let range = self.architecture().ranges().nth(l.checked_sub(1)?)?;
        let parameters = self.parameters();
        Some(Theta::new(parameters.get(range.weights)?, parameters.get(range.bias)?))
    }

    /// The same network with its widths not in its type; back by [`DynNetwork::to_declared`].
    #[must_use]
    fn to_dynamic(&self) -> DynNetwork<Self::Scalar> {
        DynNetwork::of(self.architecture().clone(), self.parameters().to_vec())
    }

    /// What `by` makes of a sample, as a network returns it.
    #[doc(hidden)]
    fn prediction(
        architecture: &Architecture,
        input: &Self::Sample,
        by: impl FnOnce(&[Self::Scalar], &mut [Self::Scalar]) -> Result<(), Error>,
    ) -> Self::Prediction;

    /// A network of the same shape whose parameters are all 0.
    #[doc(hidden)]
    fn zeros_like(&self) -> Result<Self, Error>;

    /// A network of this shape with these numbers, as many as it has; an error where the type has another shape.
    #[doc(hidden)]
    fn of_parts(architecture: Architecture, parameters: Vec<Self::Scalar>) -> Result<Self, Error>;

    /// The data set underneath.
    #[doc(hidden)]
    fn dataset(data: &Self::Data) -> &DynDataset<Self::Scalar>;

    /// A data set of the network's own type, if it is as wide. Nothing is copied.
    #[doc(hidden)]
    fn data(data: DynDataset<Self::Scalar>) -> Result<Self::Data, Error>;

    /// m × S_1 numbers.
    #[doc(hidden)]
    fn flat_inputs(inputs: &Self::Inputs) -> &[Self::Scalar];

    /// m × S_L numbers.
    #[doc(hidden)]
    fn flat_outputs(outputs: &Self::Outputs) -> &[Self::Scalar];

    /// m × S_L numbers.
    #[doc(hidden)]
    fn flat_outputs_mut(outputs: &mut Self::Outputs) -> &mut [Self::Scalar];

    /// Rows as wide as the network takes them: at least one, and as many targets as inputs.
    #[doc(hidden)]
    fn samples<'a>(
        &self,
        inputs: &'a Self::Inputs,
        targets: &'a Self::Outputs,
    ) -> Result<Flat<'a, Self::Scalar>, Error> {
        let (inputs, targets) = (Self::flat_inputs(inputs), Self::flat_outputs(targets));
        Ok(Flat(samples(self.architecture(), inputs, targets)?))
    }
}

/// J, and Δ as a network.
fn gradient<N: Network>(network: &N, samples: Samples<'_, N::Scalar>, l2: f64) -> Result<(f64, N), Error> {
    let mut delta = network.zeros_like()?;
    let (architecture, parameters) = (network.architecture(), network.parameters());
    let cost = compute::gradient(architecture, parameters, samples, l2, delta.parameters_mut())?;
    Ok((cost, delta))
}

/// `numbers` is whole rows of `width`.
fn check_ragged<T>(what: &'static str, numbers: &[T], width: usize) -> Result<(), Error> {
    if numbers.len().is_multiple_of(width) {
        Ok(())
    } else {
        Err(StepError::Ragged { what, len: numbers.len(), width }.into())
    }
}

/// Rows as wide as the network takes them: at least one, and as many targets as inputs.
fn samples<'a, T: Element>(
    architecture: &Architecture,
    inputs: &'a [T],
    targets: &'a [T],
) -> Result<Samples<'a, T>, Error> {
    let (input_width, target_width) = (architecture.inputs(), architecture.outputs());
    check_ragged("inputs", inputs, input_width)?;
    check_ragged("targets", targets, target_width)?;
    let samples = Samples { inputs, targets, weights: None, input_width, target_width };
    samples.check_rows()?;
    Ok(samples)
}

/// The same as a batch, with which a step begins. It is checked once, and what is wrong is found when something is.
#[inline]
pub(crate) fn batch<'a, T: Element>(
    architecture: &Architecture,
    inputs: &'a [T],
    targets: &'a [T],
) -> Result<Batch<'a, T>, Error> {
    match Batch::new(architecture, inputs, targets) {
        Ok(batch) => Ok(batch),
        Err(error) => Err(samples(architecture, inputs, targets).err().unwrap_or(error.into())),
    }
}

/// There is a sample, and a row of outputs for each.
fn check_predictions<T>(architecture: &Architecture, inputs: &[T], outputs: &[T]) -> Result<(), Error> {
    let (input_width, output_width) = (architecture.inputs(), architecture.outputs());
    check_ragged("inputs", inputs, input_width)?;
    check_ragged("outputs", outputs, output_width)?;
    let (expected, found) = (inputs.len() / input_width, outputs.len() / output_width);
    if expected == 0 {
        return Err(Error::Empty { what: "inputs" });
    }
    if expected != found {
        return Err(Error::Length { what: "outputs", expected, found });
    }
    Ok(())
}

/// As many numbers as an architecture has.
fn check_count(architecture: &Architecture, found: usize) -> Result<(), Error> {
    let expected = architecture.params();
    if expected == found {
        return Ok(());
    }
    Err(StepError::Length { what: "parameters", expected, found }.into())
}

/// The data that a declared network is trained on.
pub type DatasetOf<N> = Dataset<<N as Declared>::Input, <N as Declared>::Output>;

impl<N: Declared> Network for N {
    type Scalar = N::Scalar;
    type Data = DatasetOf<N>;
    type Sample = N::Input;
    type Prediction = N::Output;
    type Inputs = [N::Input];
    type Outputs = [N::Output];

    fn name(&self) -> &'static str {
        N::NAME
    }

    fn architecture(&self) -> &Architecture {
        N::ARCHITECTURE
    }

    #[inline]
    fn parameters(&self) -> &[N::Scalar] {
        self.stored().as_slice()
    }

    #[inline]
    fn parameters_mut(&mut self) -> &mut [N::Scalar] {
        self.stored_mut().as_mut_slice()
    }

    fn prediction(
        _architecture: &Architecture,
        input: &N::Input,
        by: impl FnOnce(&[N::Scalar], &mut [N::Scalar]) -> Result<(), Error>,
    ) -> N::Output {
        let mut output = N::Output::zeros();
        if by(input.as_slice(), output.as_mut_slice()).is_err() {
            // The types fix every length. What is left is the environment, and an `impl Declared` by hand that contradicts
            // itself. Zeros would hide it.
            output.as_mut_slice().fill(N::Scalar::from_f64(f64::NAN));
        }
        output
    }

    fn zeros_like(&self) -> Result<Self, Error> {
        Ok(N::from_parameters(compute::zeros(N::PARAMS)?.into()))
    }

    fn of_parts(architecture: Architecture, parameters: Vec<N::Scalar>) -> Result<Self, Error> {
        if architecture != *N::ARCHITECTURE {
            let (expected, found) = (N::ARCHITECTURE.to_string(), architecture.to_string());
            return Err(Error::AnotherArchitecture { expected, found });
        }
        check_count(&architecture, parameters.len())?;
        Ok(N::from_parameters(parameters.into()))
    }

    fn dataset(data: &DatasetOf<N>) -> &DynDataset<N::Scalar> {
        data
    }

    fn data(data: DynDataset<N::Scalar>) -> Result<DatasetOf<N>, Error> {
        data.try_into()
    }

    fn flat_inputs(inputs: &[N::Input]) -> &[N::Scalar] {
        N::Input::flatten(inputs)
    }

    fn flat_outputs(outputs: &[N::Output]) -> &[N::Scalar] {
        N::Output::flatten(outputs)
    }

    fn flat_outputs_mut(outputs: &mut [N::Output]) -> &mut [N::Scalar] {
        N::Output::flatten_mut(outputs)
    }
}

impl<T: Element> Network for DynNetwork<T> {
    type Scalar = T;
    type Data = DynDataset<T>;
    type Sample = [T];
    type Prediction = Result<Vec<T>, Error>;
    type Inputs = [T];
    type Outputs = [T];

    fn name(&self) -> &'static str {
        "DynNetwork"
    }

    fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    fn parameters(&self) -> &[T] {
        &self.parameters
    }

    fn parameters_mut(&mut self) -> &mut [T] {
        &mut self.parameters
    }

    fn prediction(
        architecture: &Architecture,
        input: &[T],
        by: impl FnOnce(&[T], &mut [T]) -> Result<(), Error>,
    ) -> Result<Vec<T>, Error> {
        let mut output = compute::zeros(architecture.outputs())?;
        by(input, &mut output)?;
        Ok(output)
    }

    fn zeros_like(&self) -> Result<Self, Error> {
        Self::zeros(self.architecture().clone())
    }

    fn of_parts(architecture: Architecture, parameters: Vec<T>) -> Result<Self, Error> {
        architecture.check_element::<T>()?;
        check_count(&architecture, parameters.len())?;
        Ok(Self::of(architecture, parameters))
    }

    fn dataset(data: &DynDataset<T>) -> &DynDataset<T> {
        data
    }

    fn data(data: DynDataset<T>) -> Result<DynDataset<T>, Error> {
        Ok(data)
    }

    fn flat_inputs(inputs: &[T]) -> &[T] {
        inputs
    }

    fn flat_outputs(outputs: &[T]) -> &[T] {
        outputs
    }

    fn flat_outputs_mut(outputs: &mut [T]) -> &mut [T] {
        outputs
    }
}

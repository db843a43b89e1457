//! The average of the weights along a run.

use nn_kernels::threads::join;
use nn_kernels::{Element, StepEngine};

use super::{check_length, set_parameters};
use crate::error::Error;
use crate::network::Network;
use crate::network::compute::zeros;
use crate::optim::power;
use crate::train::{Callback, CallbackState, Context, Signal};
use crate::vector::{CHUNK, half};

/// Averages the weights along a run. The average often does better on new data than the last weights.
///
/// | | the average θ̄ | from |
/// |---|---|---|
/// | [`exponential(β)`](Self::exponential) | after each step m ← β m + (1 - β) θ, and θ̄ = m / (1 - βᵗ) | Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992; the correction as in Kingma and Ba, "Adam", 2015 |
/// | [`from_epoch(e)`](Self::from_epoch) | the mean of the weights at the ends of the epochs e, e + 1, … | Izmailov et al., "Averaging weights leads to wider optima and better generalization" (SWA), UAI 2018 |
///
/// ```
/// use nn_train::prelude::*;
///
/// # network! { struct Xor<2 => 4 tanh => 1>; }
/// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// # let mut net = Xor::new(1);
/// let mut average = WeightAverage::exponential(0.99);
/// let trainer = Trainer::builder().learning_rate(0.1).epochs(200).build()?;
/// trainer.run(&mut net, &data)?.callback(&mut average).finish()?;
///
/// // The network has the last weights; this one has the average.
/// let mut averaged = net.clone();
/// average.write_to(&mut averaged)?;
/// assert_ne!(averaged, net);
///
/// // Or the average is put into the network when the run ends.
/// let average = WeightAverage::from_epoch(100).apply_at_end(true);
/// trainer.run(&mut net, &data)?.callback(average).finish()?;
/// # Ok::<(), Error>(())
/// ```
///
/// Both are kept as θ̄ ← θ̄ + s (θ - θ̄) in `f64`, with s = (1 - β) / (1 - βᵗ) or 1 / the number of epochs averaged,
/// which is the same and neither grows nor drifts. The exponential one takes one more pass over the parameters in each
/// step, on the trainer's threads. For SWA the paper takes a rate that is constant or [cyclic](crate::CosineRestarts)
/// in the epochs that are averaged.
///
/// [`EarlyStopping`](crate::EarlyStopping) puts weights into the network when the run ends, too. Callbacks end in the
/// order in which they were added, so the last one wins. Add the average last, and the network has the average of all
/// steps, those after the best epoch included. Add it first, and the network has the best epoch's weights;
/// [`write_to`](Self::write_to) still gives the average.
///
/// The average is part of the [run's state](crate::RunState).
#[derive(Debug, Clone)]
pub struct WeightAverage {
    kind: Kind,
    apply_at_end: bool,
    /// What has been averaged: how many times, and the network's architecture.
    count: u64,
    architecture: String,
    /// Empty before the first time.
    average: Vec<f64>,
    /// Where each of the network's parameters is averaged: the average is in the layout of the engine, whose parameters
    /// are read where they are. Empty while it is in the network's own, before the first step of a run.
    places: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// After each step; β.
    Exponential(f64),
    /// After each epoch from this one on.
    Stochastic(usize),
}

impl WeightAverage {
    /// The exponential moving average of the weights after each step, by β in [0, 1): about 1 / (1 - β) steps weigh.
    #[must_use]
    pub const fn exponential(decay: f64) -> Self {
        Self::new(Kind::Exponential(decay))
    }

    /// The mean of the weights at the end of each epoch, from `epoch` on, the first being 1.
    #[must_use]
    pub const fn from_epoch(epoch: usize) -> Self {
        Self::new(Kind::Stochastic(epoch))
    }

    const fn new(kind: Kind) -> Self {
        Self {
            kind,
            apply_at_end: false,
            count: 0,
            architecture: String::new(),
            average: Vec::new(),
            places: Vec::new(),
        }
    }

    /// Sets whether the average is put into the network when the run ends; false unless set.
    #[must_use]
    pub fn apply_at_end(self, apply_at_end: bool) -> Self {
        Self { apply_at_end, ..self }
    }

    /// How many times weights have been averaged: steps or epochs.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Puts the average into a network of the architecture that was trained.
    ///
    /// # Errors
    /// [`Error::Missing`] before anything has been averaged, [`Error::AnotherArchitecture`] for another network. It is
    /// then as it was.
    pub fn write_to<N: Network>(&self, network: &mut N) -> Result<(), Error> {
        if self.count == 0 {
            return Err(Error::Missing { what: "average of weights yet", expected: "one of a run before" });
        }
        let found = network.architecture().to_string();
        if found != self.architecture {
            return Err(Error::AnotherArchitecture { expected: self.architecture.clone(), found });
        }
        let numbers = network.parameters_mut().iter_mut().zip(self.in_order());
        numbers.for_each(|(number, average)| *number = Element::from_f64(average));
        Ok(())
    }

    /// The name of its state.
    const fn name(&self) -> &'static str {
        match self.kind {
            Kind::Exponential(_) => "exponential_average",
            Kind::Stochastic(_) => "stochastic_average",
        }
    }

    /// The average in the network's order.
    fn in_order(&self) -> Vec<f64> {
        if self.places.is_empty() {
            return self.average.clone();
        }
        self.places.iter().map(|&place| self.average[place]).collect()
    }

    /// Averages the weights as they are now, too.
    fn add<N: Network>(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        let (engine, parameters) = context.core.engine();
        if self.places.is_empty() {
            let places = places(engine)?;
            let mut average = zeros(parameters.len())?;
            places.iter().zip(&self.average).for_each(|(&place, &number)| average[place] = number);
            (self.average, self.places) = (average, places);
        }
        self.count += 1;
        let share = match self.kind {
            // 1 for the first weights.
            Kind::Exponential(decay) => (1.0 - decay) / (1.0 - power(decay, self.count)),
            Kind::Stochastic(_) => 1.0 / self.count as f64,
        };
        approach(&mut self.average, parameters, share);
        Ok(Signal::Continue)
    }
}

/// Where an engine keeps each of the network's parameters, learnt by having it export its own indices, in two parts, as
/// an `f32` holds no more than 24 bits.
fn places<T: Element>(engine: &dyn StepEngine<T>) -> Result<Vec<usize>, Error> {
    const BITS: u32 = 20;
    let exported = |part: fn(usize) -> usize| -> Result<Vec<T>, Error> {
        let own: Vec<T> = (0..engine.params()).map(|index| T::from_f64(part(index) as f64)).collect();
        let mut parameters = zeros(engine.architecture().params())?;
        engine.export(&own, &mut parameters)?;
        Ok(parameters)
    };
    let (low, high) = (exported(|index| index & ((1 << BITS) - 1))?, exported(|index| index >> BITS)?);
    Ok(low.iter().zip(&high).map(|(low, high)| low.to_f64() as usize | (high.to_f64() as usize) << BITS).collect())
}

/// θ̄ ← θ̄ + s (θ - θ̄), divided over threads where there is enough of it.
fn approach<T: Element>(average: &mut [f64], parameters: &[T], share: f64) {
    if average.len() > CHUNK {
        let middle = half(average.len());
        let ((left, right), (first, second)) = (average.split_at_mut(middle), parameters.split_at(middle));
        join(|| approach(left, first, share), || approach(right, second, share));
        return;
    }
    for (average, parameter) in average.iter_mut().zip(parameters) {
        *average += share * (parameter.to_f64() - *average);
    }
}

impl<N: Network> Callback<N> for WeightAverage {
    fn on_start(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        match self.kind {
            Kind::Exponential(decay) if !(0.0..1.0).contains(&decay) => {
                return Err(Error::number("decay", decay, "a number in [0, 1)"));
            }
            Kind::Stochastic(epoch) if epoch == 0 || epoch > context.epochs() => {
                return Err(Error::setting("from_epoch", epoch, "one of the run's epochs, from 1"));
            }
            _ => {}
        }
        if context.epoch() == 0 {
            // What a run before this one has left.
            self.count = 0;
            self.average.clear();
            self.places.clear();
        }
        check_length(self.name(), &self.in_order(), context)?;
        self.architecture = context.core.architecture().to_string();
        Ok(Signal::Continue)
    }

    fn on_step(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        if let Kind::Exponential(_) = self.kind {
            return self.add(context);
        }
        Ok(Signal::Continue)
    }

    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        if let Kind::Stochastic(epoch) = self.kind
            && context.epoch() >= epoch
        {
            return self.add(context);
        }
        Ok(Signal::Continue)
    }

    fn on_end(&mut self, context: &mut Context<'_, N>) -> Result<(), Error> {
        if self.apply_at_end && self.count > 0 { set_parameters(context, &self.in_order()) } else { Ok(()) }
    }

    fn state(&self) -> Option<CallbackState> {
        Some(CallbackState::new(self.name(), vec![self.count as f64], vec![self.in_order()]))
    }

    fn restore(&mut self, state: &CallbackState) -> Result<(), Error> {
        let ([count], [average]) = (state.numbers()?, state.lists()?);
        let count = state.count(count)?;
        if (count == 0) != average.is_empty() {
            return Err(state.unfit(
                "a callback's parameters",
                "as many as the network has, once weights were averaged",
                average.len(),
            ));
        }
        (self.count, self.average) = (count, average.to_vec());
        self.places.clear();
        Ok(())
    }
}

//! What a step is estimated to take, from the shapes.

use super::{Candidate, EngineKind};
use crate::{Activation, Architecture, Element, InstructionSet};

/// A step to be estimated.
pub(super) struct Problem<'a> {
    architecture: &'a Architecture,
    set: InstructionSet,
    /// Elements in a vector.
    lanes: usize,
    rows: usize,
    forward_only: bool,
}

/// Nanoseconds of a vector FMA at two a cycle of 4 GHz.
const FMA: f64 = 0.125;

impl<'a> Problem<'a> {
    pub(super) fn new<T: Element>(
        architecture: &'a Architecture,
        set: InstructionSet,
        rows: usize,
        forward_only: bool,
    ) -> Self {
        Self { architecture, set, lanes: T::lanes(set), rows, forward_only }
    }

    /// An engine with its estimate.
    pub(super) fn candidate<T: Element>(&self, engine: EngineKind) -> Candidate {
        let estimate = || match engine {
            EngineKind::Narrow => self.narrow(),
            EngineKind::Tile => self.tile(T::rule(engine, self.architecture, self.set).split(self.rows).rows),
            EngineKind::Layered => self.layered(T::rule(engine, self.architecture, self.set).split(self.rows).rows),
        };
        Candidate { engine, nanoseconds: T::suits(engine, self.architecture).map(|()| estimate()) }
    }

    /// Nothing is padded but the last vector of samples; every product reads its operands from L1.
    fn narrow(&self) -> f64 {
        let vectors = self.rows.div_ceil(self.lanes) as f64;
        let mut nanoseconds = 60.0;
        for (index, layer) in self.architecture.layers().iter().enumerate() {
            let products = match (self.forward_only, index) {
                (true, _) => 1.0,
                (false, 0) => 2.0,
                (false, _) => 3.0,
            };
            let (inputs, outputs) = (layer.inputs as f64, layer.outputs as f64);
            nanoseconds += products * FMA * inputs * outputs * vectors * 1.7;
            nanoseconds += outputs * vectors * (activation(layer.activation) + 1.0);
        }
        nanoseconds + self.architecture.params() as f64 * 1.0
    }

    fn tile(&self, shard_rows: usize) -> f64 {
        let shards = self.rows.div_ceil(shard_rows) as f64;
        let mut nanoseconds = 0.0;
        for (index, layer) in self.architecture.layers().iter().enumerate() {
            let products = if self.forward_only {
                1.0
            } else if index == 0 {
                2.0
            } else {
                3.0
            };
            let vectors = layer.outputs.div_ceil(self.lanes) as f64;
            let rows = self.rows as f64;
            nanoseconds += products * FMA * rows * layer.inputs as f64 * vectors * 1.1;
            nanoseconds += rows * vectors * activation(layer.activation) + shards * products * 40.0;
        }
        nanoseconds + self.architecture.params() as f64 * 0.1
    }

    fn layered(&self, shard_rows: usize) -> f64 {
        let shards = self.rows.div_ceil(shard_rows) as f64;
        let mut nanoseconds = 0.0;
        for (index, layer) in self.architecture.layers().iter().enumerate() {
            let products = if self.forward_only {
                1.0
            } else if index == 0 {
                2.0
            } else {
                3.0
            };
            let vectors = layer.outputs.div_ceil(self.lanes) as f64;
            let rows = self.rows as f64;
            nanoseconds += products * FMA * rows * layer.inputs as f64 * vectors * 1.2;
            nanoseconds += rows * vectors * (activation(layer.activation) + 4.0) + shards * products * 300.0;
        }
        nanoseconds + self.architecture.params() as f64 * 0.1
    }
}

/// Nanoseconds of an activation on a vector.
fn activation(activation: Activation) -> f64 {
    match activation {
        Activation::Linear | Activation::Relu | Activation::LeakyRelu(_) => 0.5,
        _ => 5.0,
    }
}

//! Every engine in every instruction set: what the suite is run over.

use std::sync::Once;

use nn_kernels::{
    Architecture, Batch, Blocked, Dropout, Element, InstructionSet, LayerRange, Plan, PlanOptions, Precision,
    StepEngine, StepError,
};

use super::poison;

/// Makes an engine for a network.
type Make<T> = dyn Fn(&Architecture) -> Box<dyn StepEngine<T>> + Send + Sync;

/// A maker of engines, with its name.
pub struct EngineKind<T> {
    pub name: String,
    make: Box<Make<T>>,
}

impl<T: Element> EngineKind<T> {
    /// The engine `kind` in the instruction set `set`, or the tile engine where the network is too wide for it. It comes
    /// from a plan, so that its kernels are the ones compiled in the crate.
    fn planned(kind: nn_kernels::EngineKind, set: InstructionSet) -> Self {
        let make = move |architecture: &Architecture| {
            let plan = |kind| {
                let options = PlanOptions::default().engine(kind).instruction_set(set);
                Plan::<T>::new(architecture, 1, 1, &options).map(Plan::into_engine)
            };
            match plan(kind) {
                Err(StepError::Unsuited { .. }) => plan(nn_kernels::EngineKind::Tile).expect("memory"),
                engine => engine.expect("memory"),
            }
        };
        Self { name: format!("{kind}/{set}/{}", T::NAME), make: Box::new(make) }
    }

    /// An engine whose parameters and gradients are in the network's own layout.
    pub fn make(&self, architecture: &Architecture) -> Box<dyn StepEngine<T>> {
        Box::new(InNetworkLayout::around(self.make_bare(architecture)))
    }

    /// The engine itself, with a layout of its own.
    pub fn make_bare(&self, architecture: &Architecture) -> Box<dyn StepEngine<T>> {
        (self.make)(architecture)
    }
}

/// The engine that computes products in bfloat16, emulated, and all else in the widest set.
pub fn in_bfloat16() -> EngineKind<f32> {
    let (set, precision) = (InstructionSet::best(), Precision::Bf16Emulated);
    let make = move |network: &Architecture| -> Box<dyn StepEngine<f32>> {
        Box::new(Blocked::with_precision(network, set, precision).expect("memory"))
    };
    EngineKind { name: format!("blocked/{set}/{precision}"), make: Box::new(make) }
}

/// Every engine in every instruction set that this CPU has. Sets that it lacks are reported, not silently skipped.
pub fn engines<T: Element>() -> Vec<EngineKind<T>> {
    report_missing_sets();
    let kinds = nn_kernels::EngineKind::ALL;
    InstructionSet::available().flat_map(|set| kinds.map(|kind| EngineKind::planned(kind, set))).collect()
}

/// Says once which sets this CPU has, and which therefore are not run.
#[allow(clippy::print_stderr, reason = "a test's report")]
pub fn report_missing_sets() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for name in InstructionSet::NAMES {
            let there = InstructionSet::available().any(|set| set.name() == name);
            eprintln!("{name}: {}", if there { "run" } else { "NOT RUN, this CPU lacks it" });
        }
    });
}

/// An engine whose parameters and gradients are seen in the network's own layout. It holds the engine to what it
/// promises of its own one: all of a gradient is written, and what pads it is zero.
pub struct InNetworkLayout<T: Element> {
    engine: Box<dyn StepEngine<T>>,
    ranges: Vec<LayerRange>,
    theta: Vec<T>,
    gradient: Vec<T>,
    /// Whether a number of the engine's layout pads it.
    padding: Vec<bool>,
}

impl<T: Element> InNetworkLayout<T> {
    fn around(engine: Box<dyn StepEngine<T>>) -> Self {
        let architecture = engine.architecture();
        let ranges = architecture.ranges().collect();
        let mut ones = vec![T::ZERO; engine.params()];
        engine.import(&vec![T::ONE; architecture.params()], &mut ones).expect("lengths as asked for");
        let padding: Vec<bool> = ones.iter().map(|&x| x == T::ZERO).collect();
        let pads = padding.iter().filter(|&&pads| pads).count();
        assert_eq!(pads + architecture.params(), engine.params(), "a place for every parameter");
        let (theta, gradient) = (vec![T::ZERO; engine.params()], poison(engine.params()));
        Self { engine, ranges, theta, gradient, padding }
    }
}

impl<T: Element> StepEngine<T> for InNetworkLayout<T> {
    fn name(&self) -> &'static str {
        self.engine.name()
    }
    fn architecture(&self) -> &Architecture {
        self.engine.architecture()
    }
    fn set(&self) -> InstructionSet {
        self.engine.set()
    }
    fn ranges(&self) -> &[LayerRange] {
        &self.ranges
    }
    fn import(&self, theta: &[T], own: &mut [T]) -> Result<(), StepError> {
        own.copy_from_slice(theta);
        Ok(())
    }
    fn export(&self, own: &[T], theta: &mut [T]) -> Result<(), StepError> {
        theta.copy_from_slice(own);
        Ok(())
    }
    fn gradient(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        decay: f64,
        dropout: Option<Dropout>,
        gradient: &mut [T],
    ) -> Result<f64, StepError> {
        self.engine.import(theta, &mut self.theta)?;
        if gradient.len() != self.params() {
            return Err(StepError::Length { what: "gradient", expected: self.params(), found: gradient.len() });
        }
        self.gradient.fill(T::from_f64(f64::NAN));
        let cost = self.engine.gradient(&self.theta, batch, decay, dropout, &mut self.gradient)?;
        self.engine.export(&self.gradient, gradient)?;
        if cost.is_finite() && gradient.iter().all(|g| g.is_finite()) {
            let found = self.gradient.iter().zip(&self.padding).position(|(&g, &pads)| pads && g != T::ZERO);
            if let Some(index) = found {
                let network = self.engine.architecture();
                panic!("{} {network}: {} pads the gradient at {index}", self.name(), self.gradient[index]);
            }
        }
        Ok(cost)
    }
    fn cost(&mut self, theta: &[T], batch: Batch<'_, T>, decay: f64) -> Result<f64, StepError> {
        self.engine.import(theta, &mut self.theta)?;
        self.engine.cost(&self.theta, batch, decay)
    }
    fn evaluate(&mut self, theta: &[T], batch: Batch<'_, T>, decay: f64, outputs: &mut [T]) -> Result<f64, StepError> {
        self.engine.import(theta, &mut self.theta)?;
        self.engine.evaluate(&self.theta, batch, decay, outputs)
    }
    fn predict(&mut self, theta: &[T], inputs: &[T], outputs: &mut [T]) -> Result<(), StepError> {
        self.engine.import(theta, &mut self.theta)?;
        self.engine.predict(&self.theta, inputs, outputs)
    }
    fn scratch_bytes(&self) -> usize {
        self.engine.scratch_bytes()
    }
}

//! No engine reads or writes beyond what it is given: every slice ends where a page begins that nobody may touch, and
//! in another run starts right behind one.
//!
//! A fault kills the process. Run with `--nocapture` to see which engine it was.

use std::io::Write;
use std::process::Command;

use crate::in_parts;
use crate::support::cover::quick;
use crate::support::guarded::{Guard, Guarded};
use crate::support::{Problem, cast, engines, poison, sample_weights};
use nn_kernels::{Activation, Architecture, Batch, Dropout, Element, Layer, Loss, predict_one};

/// Networks of odd widths, with thin and wide outputs and further layers between.
fn networks() -> Vec<Architecture> {
    let shapes: [&[usize]; 11] = [
        &[1, 1],
        &[2, 4, 1],
        &[3, 5, 7],
        &[7, 23, 41, 2],
        &[9, 16, 17],
        &[13, 31, 33, 10],
        &[33, 15, 8],
        // Several blocks of k in every engine and set.
        &[801, 5, 801, 2],
        &[65, 63, 9, 3],
        &[97, 129, 31],
        &[301, 11, 100],
    ];
    let shapes = &shapes[..if quick() { 9 } else { shapes.len() }];
    let network = |(index, sizes): (usize, &&[usize])| {
        let hidden = [Activation::Gelu, Activation::Sigmoid, Activation::Relu][index % 3];
        let softmax = index % 2 == 1 && sizes[sizes.len() - 1] > 1;
        let output = if softmax { Activation::Softmax } else { Activation::Sigmoid };
        let last = sizes.len() - 2;
        let layers = sizes.windows(2).enumerate().map(|(l, sizes)| {
            let layer = Layer::new(sizes[0], sizes[1], if l == last { output } else { hidden });
            if l < last && index % 4 == 3 { layer.with_dropout(0.2) } else { layer }
        });
        Architecture::new(layers.collect(), Loss::CrossEntropy).expect("a valid network")
    };
    shapes.iter().enumerate().map(network).collect()
}

#[allow(clippy::print_stderr, reason = "to be seen when the process is killed")]
fn nothing_beyond_the_slices<T: Element>() {
    let dropout = Some(Dropout { seed: 1, first_sample: 7 });
    let batches: &[usize] = if quick() { &[1, 7, 97] } else { &[1, 2, 7, 17, 95, 97, 200, 1000] };
    for kind in engines::<T>() {
        eprintln!("{}", kind.name);
        for (architecture, &rows) in networks().iter().flat_map(|network| batches.iter().map(move |m| (network, m))) {
            for guard in [Guard::Before, Guard::Behind] {
                let guarded = |values: &[f64]| Guarded::new(&cast::<T>(values), guard);
                let problem = Problem::new(architecture.clone(), rows, 3);
                let (inputs, targets) = (guarded(&problem.inputs), guarded(&problem.targets));
                let order: Vec<u64> = (0..rows as u64 + 5).map(|i| (i * 3 + rows as u64 - 1) % rows as u64).collect();
                let order = Guarded::new(&order, guard);
                let weights = guarded(&sample_weights(rows, 2));

                let mut engine = kind.make_bare(architecture);
                let flat = guarded(&problem.theta);
                let mut theta = Guarded::new(&vec![T::ZERO; engine.params()], guard);
                engine.import(&flat, &mut theta).expect("lengths as asked for");
                let mut gradient = Guarded::new(&poison(engine.params()), guard);
                let mut outputs = Guarded::new(&poison(targets.len()), guard);
                let mut exported = Guarded::new(&poison(flat.len()), guard);

                let plain = Batch::new(architecture, &inputs, &targets).expect("a batch");
                let ordered = plain.with_order(&order).expect("an order");
                let weighted = ordered.with_weights(&weights).expect("weights");
                let mut in_order = Guarded::new(&poison(order.len() * architecture.outputs()), guard);
                for (batch, dropout) in [(plain, None), (ordered, dropout), (weighted, None)] {
                    let cost = engine.gradient(&theta, batch, 1.0, dropout, &mut gradient).expect("a step");
                    assert!(cost.is_finite() && gradient.iter().all(|g| g.is_finite()), "{} {architecture}", kind.name);
                    engine.cost(&theta, batch, 1.0).expect("a cost");
                }
                engine.evaluate(&theta, weighted, 1.0, &mut in_order).expect("a cost and outputs");
                assert!(in_order.iter().all(|a| a.is_finite()), "{} {architecture}", kind.name);
                engine.predict(&theta, &inputs, &mut outputs).expect("predictions");
                assert!(outputs.iter().all(|a| a.is_finite()), "{} {architecture}", kind.name);
                engine.export(&gradient, &mut exported).expect("lengths as asked for");

                let one = Guarded::new(&inputs[..architecture.inputs()], guard);
                let mut out = Guarded::new(&poison(architecture.outputs()), guard);
                predict_one(architecture, &flat, &one, &mut out, &mut Vec::new()).expect("a prediction");
            }
        }
    }
}

#[test]
fn nothing_beyond_the_slices_f32() {
    nothing_beyond_the_slices::<f32>();
}

#[test]
fn nothing_beyond_the_slices_f64() {
    nothing_beyond_the_slices::<f64>();
}

/// Nor do steps that hand their gradient over in parts.
#[test]
fn nothing_beyond_a_gradient_in_parts() {
    for problem in in_parts::problems().iter().filter(|problem| problem.rows() < 1000) {
        let Problem { architecture, theta, inputs, targets } = problem;
        for (kind, guard) in engines::<f32>().iter().flat_map(|kind| [(kind, Guard::Before), (kind, Guard::Behind)]) {
            let guarded = |values: &[f64]| Guarded::new(&cast::<f32>(values), guard);
            let (inputs, targets) = (guarded(inputs), guarded(targets));
            let batch = Batch::new(architecture, &inputs, &targets).expect("a batch");
            let mut engine = kind.make_bare(architecture);
            let mut own = Guarded::new(&vec![0.0; engine.params()], guard);
            engine.import(&cast::<f32>(theta), &mut own).expect("lengths as asked for");
            let mut gradient = Guarded::new(&poison(engine.params()), guard);
            let what = format!("{} {architecture}, {guard:?}", kind.name);
            in_parts::check(&what, &mut *engine, &own, batch, None, &mut gradient);
        }
    }
}

/// The guards are there: a process that touches one does not come back.
#[test]
fn a_guard_page_stops_who_touches_it() {
    for guard in ["before", "behind"] {
        let program = std::env::current_exe().expect("this program");
        let arguments = ["--exact", "guard_pages::touch_a_guard_page", "--ignored", "--nocapture"];
        let child = Command::new(program).args(arguments).env("NN_TOUCH_GUARD", guard).output().expect("a process");
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(!child.status.success(), "{guard}: {said}");
        assert!(said.contains("inside: 3") && !said.contains("beyond"), "{guard}: {said}");
    }
}

#[test]
#[ignore = "touches a guard page, which kills the process; another test runs it in one of its own"]
fn touch_a_guard_page() {
    let behind = std::env::var_os("NN_TOUCH_GUARD").is_some_and(|guard| guard == "behind");
    let slice = Guarded::new(&[1.0_f32, 2.0, 3.0], if behind { Guard::Behind } else { Guard::Before });
    let mut out = std::io::stdout();
    writeln!(out, "inside: {}", slice[2]).and_then(|()| out.flush()).expect("standard output");
    // SAFETY: none: this is the access that must be stopped, and it is to a page that belongs to nobody else.
    let beyond = unsafe { if behind { slice.as_ptr().add(3) } else { slice.as_ptr().wrapping_sub(1) }.read_volatile() };
    writeln!(out, "beyond: {beyond}").expect("standard output");
}

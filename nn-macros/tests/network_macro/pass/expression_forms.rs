//! The two expression forms, alone and with everything that may follow.

use nn_train::{Activation, Declared, Init, Loss, Network, network};

fn describe<N: Declared>(_: &N) -> (&'static str, u64, Init, Loss) {
    (N::NAME, N::SEED, N::INIT, N::ARCHITECTURE.loss())
}

fn main() {
    let bare = network!(2 => 4 => 4 => 4);
    assert_eq!(describe(&bare), ("network!(2 => 4 => 4 => 4)", 0, Init::XavierUniform, Loss::CrossEntropy));
    let angled = network!(<2 => 4 => 4 => 4>);
    assert_eq!(bare.parameters(), angled.parameters());

    let full = network!(3 => 5 relu dropout(0.25) => 2 linear: f64, loss = huber(1.5), init = he_uniform, seed = 7,);
    let expected = "network!(3 => 5 relu dropout(0.25) => 2 linear)";
    assert_eq!(describe(&full), (expected, 7, Init::HeUniform, Loss::Huber(1.5)));
    let output: [f64; 2] = full.predict(&[0.1, 0.2, 0.3]);
    assert!(output.iter().all(|number| number.is_finite()));

    let angled = network!(<3 => 5 relu dropout(0.25) => 2 linear>: f64, loss = mae, init = he_uniform, seed = 7);
    assert_eq!(full.parameters(), angled.parameters());
    assert_eq!(angled.architecture().output_activation(), Activation::Linear);

    // Any delimiters, and any place where an expression may stand.
    let sum = [network! { 1 => 1 }.parameters().len(), network![1 => 2].parameters().len()].iter().sum::<usize>();
    assert_eq!(sum, 6);
    assert!(format!("{:?}", network!(2 => 4)).contains("network!(2 => 4)"));
}

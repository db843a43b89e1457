//! Every loss and every initialisation by name.

use nn_train::{Declared, Init, Loss, Network, network};

fn loss<N: Declared>(_: N) -> Loss {
    N::ARCHITECTURE.loss()
}

fn init<N: Declared>(network: N) -> Init {
    assert!(network.parameters().iter().any(|parameter| *parameter != Default::default()));
    N::INIT
}

fn main() {
    assert_eq!(loss(network!(2 => 3, loss = cross_entropy)), Loss::CrossEntropy);
    assert_eq!(loss(network!(2 => 3 softmax, loss = cross_entropy)), Loss::CrossEntropy);
    assert_eq!(loss(network!(2 => 3, loss = mse)), Loss::Mse);
    assert_eq!(loss(network!(2 => 3 tanh, loss = mae)), Loss::Mae);
    assert_eq!(loss(network!(2 => 3 linear, loss = huber(2))), Loss::Huber(2.0));

    assert_eq!(init(network!(2 => 3, init = xavier_uniform)), Init::XavierUniform);
    assert_eq!(init(network!(2 => 3, init = xavier_normal)), Init::XavierNormal);
    assert_eq!(init(network!(2 => 3, init = he_uniform)), Init::HeUniform);
    assert_eq!(init(network!(2 => 3, init = he_normal)), Init::HeNormal);
    assert_eq!(init(network!(2 => 3, init = lecun_uniform)), Init::LecunUniform);
    assert_eq!(init(network!(2 => 3, init = lecun_normal)), Init::LecunNormal);
    assert_eq!(init(network!(2 => 3, init = symmetric(1e-2))), Init::Symmetric(0.01));

    let biases = network!(2 => 3, init = symmetric(0.12)).layer1().bias;
    assert!(biases.iter().all(|bias| *bias != 0.0), "symmetric draws the bias too");
    let largest = network!(2 => 3, seed = 18446744073709551615);
    assert_ne!(largest.parameters(), network!(2 => 3, seed = 0).parameters());
}

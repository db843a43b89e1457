//! Every activation, hidden and on the output, with the loss that goes with it.

use nn_train::{Activation, Declared, Loss, Network, network};

network! {
    struct Hidden<
        1 => 2 sigmoid => 3 tanh => 4 relu => 5 leaky_relu(0.01) => 6 elu => 7 gelu => 8 silu => 9 softplus
          => 10 linear => 11
    >;
}
network! { struct Negative<1 => 2 leaky_relu(-2) => 1 leaky_relu(1e-3f64)>; }

fn output<N: Declared>(_: N) -> (Activation, Loss) {
    (N::ARCHITECTURE.output_activation(), N::ARCHITECTURE.loss())
}

fn main() {
    use Activation::*;
    let activations: Vec<_> = Hidden::ARCHITECTURE.layers().iter().map(|layer| layer.activation).collect();
    let expected = [Sigmoid, Tanh, Relu, LeakyRelu(0.01), Elu, Gelu, Silu, Softplus, Linear, Sigmoid];
    assert_eq!(activations, expected);
    let layers = Negative::ARCHITECTURE.layers();
    assert_eq!((layers[0].activation, layers[1].activation), (LeakyRelu(-2.0), LeakyRelu(1e-3)));

    assert_eq!(output(network!(2 => 3)), (Sigmoid, Loss::CrossEntropy));
    assert_eq!(output(network!(2 => 3 sigmoid)), (Sigmoid, Loss::CrossEntropy));
    assert_eq!(output(network!(2 => 3 softmax)), (Softmax, Loss::CrossEntropy));
    assert_eq!(output(network!(2 => 3 linear)), (Linear, Loss::Mse));
    assert_eq!(output(network!(2 => 3 tanh)), (Tanh, Loss::Mse));
    assert_eq!(output(network!(2 => 3 relu)), (Relu, Loss::Mse));
    assert_eq!(output(network!(2 => 3 elu)), (Elu, Loss::Mse));
    assert_eq!(output(network!(2 => 3 gelu)), (Gelu, Loss::Mse));
    assert_eq!(output(network!(2 => 3 silu)), (Silu, Loss::Mse));
    assert_eq!(output(network!(2 => 3 softplus)), (Softplus, Loss::Mse));
}

use nn_embedded::{Predictor, include_model};

static XOR: Predictor<f32, 2, 1, 2> = include_model!("no_network.rs");

fn main() {
    XOR.classify(&[0.0; 2]);
}

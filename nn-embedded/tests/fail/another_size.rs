use nn_embedded::{Predictor, include_model};

static XOR: Predictor<f32, 3, 1, 2> = include_model!("../data/xor.nne");

fn main() {
    XOR.classify(&[0.0; 3]);
}

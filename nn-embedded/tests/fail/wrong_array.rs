use nn_embedded::Predictor;

fn class(xor: &Predictor<f32, 2, 1, 2>) -> Option<usize> {
    xor.classify(&[0.0; 3])
}

fn main() {
    let _ = class;
}

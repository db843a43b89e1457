use nn_embedded::{Fault, Predictor};

// The signature and the version, and no more.
const READ: Result<Predictor<f32, 2, 1, 2>, Fault> = Predictor::read(b"\x89NNE\r\n\x1a\n\x01\x00\x00\x00");

const XOR: Predictor<f32, 2, 1, 2> = match READ {
    Ok(predictor) => predictor,
    Err(fault) => panic!("{}", fault.message()),
};

fn main() {
    XOR.classify(&[0.0; 2]);
}

//! In what two architectures differ, in words.

use nn_kernels::{Architecture, Layer, number_text};

/// The first difference between two architectures as text, for the end of a message: `: layer 2 is 64 wide, expected
/// 32`. Nothing, where one of them is no architecture.
pub(crate) fn difference(expected: &str, found: &str) -> String {
    match (expected.parse(), found.parse()) {
        (Ok(expected), Ok(found)) => first(&expected, &found).map_or_else(String::new, |first| format!(": {first}")),
        _ => String::new(),
    }
}

fn first(expected: &Architecture, found: &Architecture) -> Option<String> {
    if expected.inputs() != found.inputs() {
        return Some(format!("the input is {} wide, expected {}", found.inputs(), expected.inputs()));
    }
    let layers = expected.layers().iter().zip(found.layers());
    let differing = layers.enumerate().find_map(|(index, (expected, found))| of_layer(index + 1, expected, found));
    if differing.is_some() {
        return differing;
    }
    let (here, there) = (expected.layers().len(), found.layers().len());
    if here != there {
        return Some(format!("it has {there} layers, expected {here}"));
    }
    let (expected, found) = (expected.loss(), found.loss());
    (expected != found).then(|| format!("the loss is {found}, expected {expected}"))
}

/// Layers are counted as Θ^(l) is: layer 1 is the first behind the input.
fn of_layer(number: usize, expected: &Layer, found: &Layer) -> Option<String> {
    if expected.outputs != found.outputs {
        return Some(format!("layer {number} is {} wide, expected {}", found.outputs, expected.outputs));
    }
    if expected.activation != found.activation {
        return Some(format!("layer {number} is {}, expected {}", found.activation, expected.activation));
    }
    let dropout = |layer: &Layer| match layer.dropout {
        0.0 => "no dropout".to_owned(),
        probability => format!("dropout({})", number_text(probability)),
    };
    (expected.dropout != found.dropout)
        .then(|| format!("layer {number} has {}, expected {}", dropout(found), dropout(expected)))
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn the_first_layer_that_differs_is_named_and_how() {
        let ours = "4 => 8 relu dropout(0.5) => 32 tanh => 3 softmax, cross_entropy";
        let cases = [
            ("4 => 8 relu dropout(0.5) => 64 tanh => 3 softmax, cross_entropy", ": layer 2 is 64 wide, expected 32"),
            ("5 => 9 relu dropout(0.5) => 32 tanh => 3 softmax, cross_entropy", ": the input is 5 wide, expected 4"),
            ("4 => 8 tanh dropout(0.5) => 64 tanh => 3 softmax, cross_entropy", ": layer 1 is tanh, expected relu"),
            ("4 => 8 relu => 32 tanh => 3 softmax, cross_entropy", ": layer 1 has no dropout, expected dropout(0.5)"),
            (
                "4 => 8 relu dropout(0.25) => 32 tanh => 3 softmax, cross_entropy",
                ": layer 1 has dropout(0.25), expected dropout(0.5)",
            ),
            (
                "4 => 8 relu dropout(0.5) => 32 tanh => 3 softmax => 2 linear, mse",
                "", // no architecture: a softmax stands before the output
            ),
            (
                "4 => 8 relu dropout(0.5) => 32 tanh => 3 sigmoid, cross_entropy",
                ": layer 3 is sigmoid, expected softmax",
            ),
            (ours, ""),
            ("garbage", ""),
        ];
        for (theirs, wanted) in cases {
            assert_eq!(difference(ours, theirs), wanted, "{theirs}");
        }
        let deep = "1 => 2 relu => 1 linear, mse";
        assert_eq!(difference(deep, "1 => 2 relu => 1 linear => 1 linear, mse"), ": it has 3 layers, expected 2");
        assert_eq!(difference(deep, "1 => 2 relu => 1 linear, mae"), ": the loss is mae, expected mse");
    }
}

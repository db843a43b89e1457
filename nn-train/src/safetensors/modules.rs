//! How PyTorch says what an architecture says.

use nn_kernels::{Activation, Architecture, Layer, number_text};

/// The modules that a layer is in an `nn.Sequential`, of which the first has the parameters.
fn modules(layer: &Layer) -> impl Iterator<Item = String> {
    let linear = format!("nn.Linear({}, {})", layer.inputs, layer.outputs);
    let activation = match layer.activation {
        Activation::Linear => None,
        Activation::Sigmoid => Some("nn.Sigmoid()".to_owned()),
        Activation::Tanh => Some("nn.Tanh()".to_owned()),
        Activation::Relu => Some("nn.ReLU()".to_owned()),
        Activation::LeakyRelu(slope) => Some(format!("nn.LeakyReLU({})", number_text(slope))),
        Activation::Elu => Some("nn.ELU()".to_owned()),
        Activation::Gelu => Some("nn.GELU(approximate=\"tanh\")".to_owned()),
        Activation::Silu => Some("nn.SiLU()".to_owned()),
        Activation::Softplus => Some("nn.Softplus(threshold=80)".to_owned()),
        Activation::Softmax => Some("nn.Softmax(dim=-1)".to_owned()),
        // As the macro's name of it would be, which is better than nothing.
        other => Some(format!("nn.{other}()")),
    };
    let dropout = (layer.dropout > 0.0).then(|| format!("nn.Dropout({})", number_text(layer.dropout)));
    [Some(linear), activation, dropout].into_iter().flatten()
}

/// The expression of Python by which PyTorch makes a network of this architecture, whose `load_state_dict` takes what
/// [`Writer`](super::Writer) writes.
///
/// ```
/// use nn_train::safetensors::sequential;
///
/// assert_eq!(
///     sequential(&"64 => 32 relu dropout(0.2) => 10 softmax".parse()?),
///     "nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 10), nn.Softmax(dim=-1))"
/// );
/// # Ok::<(), nn_train::ParseError>(())
/// ```
///
/// PyTorch's `nn.Softplus()` is z itself from 20 on, which is off by 2·10⁻⁹ there: `threshold=80` says where in `f64` it makes
/// no difference.
#[must_use]
pub fn sequential(architecture: &Architecture) -> String {
    let modules: Vec<String> = architecture.layers().iter().flat_map(modules).collect();
    format!("nn.Sequential({})", modules.join(", "))
}

/// The numbers that the layers of an architecture have in such an `nn.Sequential`: its modules are counted from 0.
pub(super) fn places(architecture: &Architecture) -> Vec<String> {
    let mut next = 0;
    let place = |layer: &Layer| {
        let place = next;
        next += modules(layer).count();
        place.to_string()
    };
    architecture.layers().iter().map(place).collect()
}

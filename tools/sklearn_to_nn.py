#!/usr/bin/env python3
"""Write scikit-learn's MLPClassifier or MLPRegressor to a file of safetensors that nn-train reads.

    python3 tools/sklearn_to_nn.py model.joblib model.safetensors

or, in the program that trained it:

    from sklearn_to_nn import save
    save(model, "model.safetensors")

In Rust: `let bundle: Bundle<DynNetwork<f64>> = nn_train::safetensors::load("model.safetensors")?`.

`model` is fitted, and one of these, also one in the other:

    MLPClassifier, MLPRegressor        with every activation and solver
    Pipeline                           of a StandardScaler, or none, and one of these
    TransformedTargetRegressor         of one of these, with a StandardScaler or nothing for the targets

The scaler's means and deviations go into the file, so that nn-train takes the inputs, and gives the values, as they were
before scaling. So do the names of the classes, as text. Anything else is refused by its name.

A file of joblib's or pickle's can run any code when it is read: give this script your own files only. It needs
scikit-learn, NumPy and `pip install safetensors`.
"""

import argparse
import json
import sys

ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu", "softmax": "softmax"}


class Refused(ValueError):
    """A model that has no form in nn-train."""


def _name(thing):
    return type(thing).__name__


def _scaler(scaler):
    """The means and deviations of a fitted StandardScaler."""
    if _name(scaler) != "StandardScaler":
        raise Refused(f"a {_name(scaler)}; expected a StandardScaler")
    if not hasattr(scaler, "n_features_in_"):
        raise Refused("a StandardScaler that is not fitted; expected a fitted one")
    features = scaler.n_features_in_
    means = [0.0] * features if scaler.mean_ is None else [float(mean) for mean in scaler.mean_]
    deviations = [1.0] * features if scaler.scale_ is None else [float(scale) for scale in scaler.scale_]
    return {"means": means, "deviations": deviations}


def _parts(model):
    """The network, the scaler of its inputs and that of its targets."""
    kind = _name(model)
    if kind in ("MLPClassifier", "MLPRegressor"):
        if not hasattr(model, "coefs_"):
            raise Refused(f"an {kind} that is not fitted; expected a fitted one")
        return model, None, None
    if kind == "Pipeline":
        steps = [step for _, step in model.steps if step is not None and step != "passthrough"]
        if not steps:
            raise Refused("a Pipeline without a step; expected one of a StandardScaler and a network")
        network, inputs, targets = _parts(steps[-1])
        if len(steps) > 2 or (inputs is not None and len(steps) > 1):
            names = ", ".join(_name(step) for step in steps)
            raise Refused(f"a Pipeline of {names}; expected one StandardScaler at most, and a network")
        if len(steps) == 2:
            inputs = _scaler(steps[0])
        return network, inputs, targets
    if kind == "TransformedTargetRegressor":
        if not hasattr(model, "regressor_"):
            raise Refused("a TransformedTargetRegressor that is not fitted; expected a fitted one")
        if model.func is not None or model.inverse_func is not None:
            raise Refused("a function of the targets; expected a StandardScaler")
        network, inputs, scaled = _parts(model.regressor_)
        if scaled is not None:
            raise Refused("a TransformedTargetRegressor in another; expected one scaler of the targets at most")
        return network, inputs, None if model.transformer is None else _scaler(model.transformer_)
    raise Refused(f"a {kind}; expected an MLPClassifier or MLPRegressor, or a Pipeline or TransformedTargetRegressor of one")


def _output(network):
    """The activation of the output, the loss, and the names of the classes."""
    output = network.out_activation_
    if output not in ACTIVATIONS:
        raise Refused(f"the output {output} of the loss {network.loss}; expected one of {', '.join(ACTIVATIONS)}")
    if _name(network) == "MLPRegressor":
        if network.loss != "squared_error":
            raise Refused(f"the loss {network.loss}; expected squared_error")
        return ACTIVATIONS[output], "mse", []
    # Of several labels at a time each output is one of its own, and no class excludes another.
    several = network._label_binarizer.y_type_.startswith("multilabel")
    classes = [] if several else [str(name) for name in network.classes_]
    if len(set(classes)) != len(classes):
        raise Refused(f"classes that are alike as text: {', '.join(classes)}; expected a name of its own for each")
    return ACTIVATIONS[output], "cross_entropy", classes


def convert(model):
    """The tensors by PyTorch's names, and what the entry "nn-train" of the header says."""
    import numpy as np

    network, inputs, targets = _parts(model)
    output, loss, classes = _output(network)
    hidden = ACTIVATIONS[network.activation]
    last = len(network.coefs_) - 1
    text, tensors, module = str(network.coefs_[0].shape[0]), {}, 0
    for index, (weights, bias) in enumerate(zip(network.coefs_, network.intercepts_)):
        activation = output if index == last else hidden
        # scikit-learn's are [inputs, outputs].
        tensors[f"{module}.weight"] = np.ascontiguousarray(weights.T)
        tensors[f"{module}.bias"] = np.ascontiguousarray(bias)
        text += f" => {len(bias)} {activation}"
        # The number of the module in an nn.Sequential: a layer and its activation.
        module += 1 if activation == "linear" else 2
    note = {"architecture": f"{text}, {loss}", "standardizer": inputs, "target_standardizer": targets, "classes": classes}
    return tensors, {key: value for key, value in note.items() if value}


def save(model, path):
    """Writes a fitted model to a file of safetensors."""
    from safetensors.numpy import save_file

    tensors, note = convert(model)
    save_file(tensors, path, metadata={"nn-train": json.dumps(note)})


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", help="a fitted model, as joblib.dump or pickle.dump wrote it; it can run any code when it is read")
    parser.add_argument("safetensors", help="the file to write")
    options = parser.parse_args()
    import joblib

    try:
        save(joblib.load(options.model), options.safetensors)
    except Refused as refused:
        sys.exit(f"error: {options.model}: it holds {refused}")


if __name__ == "__main__":
    main()

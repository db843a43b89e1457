//! What goes into a file comes out of it, and what does not fit is refused.
#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::metrics::{BestThreshold, PrecisionRecallPoint, Ranking, RocPoint};
use nn_train::prelude::*;
use serde_json::{Value, json};

network! { struct Net<3 => 4 relu dropout(0.5) => 2 softmax>; }
network! { struct Double<2 => 1>: f64; }
network! { struct Other<3 => 5 relu dropout(0.5) => 2 softmax>; }

fn read<N: serde::de::DeserializeOwned>(file: &Value) -> Result<N, String> {
    N::deserialize(file).map_err(|error| error.to_string())
}

#[test]
fn networks_come_back_bit_for_bit() {
    for seed in 0..20 {
        let net = Net::new(seed);
        let text = serde_json::to_string(&net).unwrap();
        assert_eq!(serde_json::from_str::<Net>(&text).unwrap(), net);
        let double = Double::new(seed);
        let text = serde_json::to_string(&double).unwrap();
        assert_eq!(serde_json::from_str::<Double>(&text).unwrap(), double);
    }
}

#[test]
fn a_file_is_the_architecture_and_its_layers() {
    let mut net = Double::zeros();
    net.layer1_mut().weights = [[0.5, -1.0]];
    net.layer1_mut().bias = [2.0];
    let expected = json!({
        "architecture": "2 => 1 sigmoid, cross_entropy",
        "layers": [{ "weights": [[0.5, -1.0]], "bias": [2.0] }],
    });
    assert_eq!(serde_json::to_value(&net).unwrap(), expected);
}

/// The bits of all parameters, which tell NaN from NaN too.
fn bits<N: Network>(net: &N) -> Vec<u64> {
    net.parameters().iter().map(|number| nn_train::Element::to_f64(*number).to_bits()).collect()
}

#[test]
fn numbers_that_are_not_finite_come_back() {
    let mut net = Double::zeros();
    net.parameters_mut().copy_from_slice(&[f64::NAN, f64::NEG_INFINITY, f64::INFINITY]);
    let text = serde_json::to_string(&net).unwrap();
    assert_eq!(
        text,
        r#"{"architecture":"2 => 1 sigmoid, cross_entropy","layers":[{"weights":[["NaN","-inf"]],"bias":["inf"]}]}"#
    );
    assert_eq!(bits(&serde_json::from_str::<Double>(&text).unwrap()), bits(&net));
    assert_eq!(bits(&serde_json::from_str::<DynNetwork<f64>>(&text).unwrap()), bits(&net));

    let mut net = Net::new(1);
    net.parameters_mut()[..5].copy_from_slice(&[
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        -0.0,
        f32::MIN_POSITIVE / 8.0,
    ]);
    let text = serde_json::to_string(&net).unwrap();
    assert!(!text.contains("null"));
    assert_eq!(bits(&serde_json::from_str::<Net>(&text).unwrap()), bits(&net));
    let tree = serde_json::to_value(&net).unwrap();
    assert_eq!(bits(&read::<Net>(&tree).unwrap()), bits(&net));
}

/// A format that only machines read: numbers as their bits, structs without the names of their fields.
#[test]
fn a_binary_file_holds_the_bits() {
    let mut net = Net::new(1);
    net.parameters_mut()[..3].copy_from_slice(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
    let file = postcard::to_stdvec(&net).unwrap();
    assert!(file.len() < 4 * Net::PARAMS + 100, "{} bytes", file.len());
    assert_eq!(bits(&postcard::from_bytes::<Net>(&file).unwrap()), bits(&net));
    let twin: DynNetwork<f32> = postcard::from_bytes(&file).unwrap();
    assert_eq!(bits(&twin), bits(&net));
    assert_eq!(postcard::to_stdvec(&twin).unwrap(), file);
    let mut double = Double::new(4);
    double.parameters_mut()[0] = f64::NEG_INFINITY;
    let file = postcard::to_stdvec(&double).unwrap();
    assert_eq!(bits(&postcard::from_bytes::<Double>(&file).unwrap()), bits(&double));

    // Every file that breaks off is refused, and none asks for memory that its numbers do not fill.
    for length in 0..file.len() {
        assert!(postcard::from_bytes::<Double>(&file[..length]).is_err(), "{length} bytes");
        assert!(postcard::from_bytes::<DynNetwork<f64>>(&file[..length]).is_err(), "{length} bytes");
    }
    assert!(postcard::from_bytes::<Other>(&postcard::to_stdvec(&net).unwrap()).is_err());
}

/// 7.038531e-26 lies beside the middle of two f32s, and as an f64 it is that middle.
#[test]
fn an_f32_that_rounds_the_other_way_as_an_f64_comes_back() {
    let mut net = Net::zeros();
    for (bits, number) in (0x15ae_43f0..).zip(net.parameters_mut()) {
        *number = f32::from_bits(bits);
    }
    assert!(net.parameters().iter().any(|number| number.to_string().parse::<f64>().unwrap() as f32 != *number));
    let text = serde_json::to_string(&net).unwrap();
    assert_eq!(bits(&serde_json::from_str::<Net>(&text).unwrap()), bits(&net));
}

#[test]
fn a_file_is_read_as_a_declared_network_or_a_runtime_one() {
    let net = Net::new(3);
    let text = serde_json::to_string(&net).unwrap();
    let twin: DynNetwork<f32> = serde_json::from_str(&text).unwrap();
    assert_eq!(twin, net.to_dynamic());
    assert_eq!(twin.architecture(), net.architecture());
    assert_eq!(serde_json::to_string(&twin).unwrap(), text);
    assert_eq!(serde_json::from_str::<Net>(&serde_json::to_string(&twin).unwrap()).unwrap(), net);
    // The element type is the reader's own.
    let wide: DynNetwork<f64> = serde_json::from_str(&text).unwrap();
    assert_eq!(wide.architecture(), net.architecture());
}

#[test]
fn a_runtime_network_that_does_not_fit_is_refused() {
    let layers = json!([{ "weights": [[0.5, -1.0]], "bias": [2.0] }]);
    let file = |architecture: &str| json!({ "architecture": architecture, "layers": layers });
    let refused = |file: &Value| read::<DynNetwork<f32>>(file).unwrap_err();
    assert_eq!(read::<DynNetwork<f32>>(&file("2 => 1, cross_entropy")).unwrap().parameters(), [0.5, -1.0, 2.0]);
    for (architecture, message) in [
        ("2 => 0", "the architecture `2 => 0`: layer 1 is 2 => 0; widths must be at least 1"),
        ("2 => x", "the architecture `2 => x`: found \"x\", expected a width, a whole number"),
        ("2 => 1 leaky_relu(1e300), mse", "the architecture `2 => 1 leaky_relu(1e300), mse`: leaky_relu(1"),
        ("2 => 1 => 1", "the network has 1 layers; expected 2"),
        ("3 => 1", "Θ^(1), row 0 of the weights has 2 numbers; expected 3"),
        // The file's word is not taken for how much memory to ask for.
        ("2 => 300000000000000", "Θ^(1), the bias has 1 numbers; expected 300000000000000"),
    ] {
        let found = refused(&file(architecture));
        assert!(found.starts_with(message), "{architecture}: {found}");
    }
    let reversed = r#"{"layers":[{"weights":[[0.5,-1.0]],"bias":[2.0]}],"architecture":"2 => 1, cross_entropy"}"#;
    let found = serde_json::from_str::<DynNetwork<f32>>(reversed).unwrap_err().to_string();
    assert!(found.starts_with("the layers come before the architecture; expected them after it"), "{found}");
}

#[test]
fn what_does_not_fit_is_named() {
    let file = serde_json::to_value(Net::new(1)).unwrap();
    let other = read::<Other>(&file).unwrap_err();
    assert_eq!(
        other,
        "Other: the architecture is `3 => 4 relu dropout(0.5) => 2 softmax, cross_entropy`; \
         expected `3 => 5 relu dropout(0.5) => 2 softmax, cross_entropy`"
    );

    let changed = |change: &dyn Fn(&mut Value)| {
        let mut file = file.clone();
        change(&mut file);
        read::<Net>(&file).unwrap_err()
    };
    let numbers = |count: usize| json!(vec![0.5; count]);
    type Case<'a> = (&'a str, &'a dyn Fn(&mut Value));
    let cases: [Case<'_>; 9] = [
        ("the network has 1 layers; expected 2", &|file| {
            file["layers"].as_array_mut().unwrap().pop();
        }),
        ("the network has more than 2 layers; expected 2", &|file| {
            let layer = file["layers"][1].clone();
            file["layers"].as_array_mut().unwrap().push(layer);
        }),
        ("Θ^(2) has 1 rows of weights; expected 2", &|file| {
            file["layers"][1]["weights"].as_array_mut().unwrap().pop();
        }),
        ("Θ^(1) has more than 4 rows of weights; expected 4", &|file| {
            file["layers"][0]["weights"].as_array_mut().unwrap().push(numbers(3));
        }),
        ("Θ^(1), row 2 of the weights has 2 numbers; expected 3", &|file| {
            file["layers"][0]["weights"][2] = numbers(2);
        }),
        ("Θ^(1), row 0 of the weights has more than 3 numbers; expected 3", &|file| {
            file["layers"][0]["weights"][0] = numbers(4);
        }),
        ("Θ^(2), the bias has 1 numbers; expected 2", &|file| file["layers"][1]["bias"] = numbers(1)),
        ("missing field `bias`", &|file| {
            file["layers"][0].as_object_mut().unwrap().remove("bias");
        }),
        ("missing field `architecture`", &|file| {
            file.as_object_mut().unwrap().remove("architecture");
        }),
    ];
    for (expected, change) in cases {
        assert_eq!(changed(change), expected);
    }
    // 1e39 is infinite as an f32.
    let infinite = changed(&|file| file["layers"][0]["bias"][1] = json!(1e39));
    assert_eq!(infinite, "Θ^(1), the bias, number 1 is 1e39, which is infinite as an f32; expected a smaller one");
    let absent = changed(&|file| file["layers"][0]["bias"][1] = json!(null));
    assert_eq!(
        absent,
        "invalid type: null, expected Θ^(1), the bias, number 1: a number, \"NaN\", \"inf\" or \"-inf\""
    );
    let word = changed(&|file| file["layers"][0]["bias"][1] = json!("infinity"));
    assert!(word.starts_with("invalid value: string \"infinity\", expected Θ^(1), the bias, number 1"), "{word}");
    assert!(read::<Net>(&json!(null)).unwrap_err().contains("the network Net, 3 => 4 relu"));
}

#[test]
fn standardizers_histories_reports_and_settings_come_back() {
    let data = Dataset::new(vec![[0.1, 5.0], [0.7, 5.0], [0.3, 5.0]], vec![[0.0], [1.0], [1.0]]).unwrap();
    let train = data.standardized().unwrap();
    let standardizer = train.standardizer().unwrap();
    let text = serde_json::to_string(standardizer).unwrap();
    assert_eq!(serde_json::from_str::<Standardizer>(&text).unwrap(), *standardizer);
    let wrong = serde_json::from_str::<Standardizer>(r#"{"means":[0,1],"deviations":[1]}"#).unwrap_err().to_string();
    assert!(wrong.starts_with("the standardizer has 1 deviations; expected 2"), "{wrong}");
    assert!(serde_json::from_str::<Standardizer>(r#"{"means":[0],"deviations":[0]}"#).is_err());

    let mut net = Double::new(1);
    let trainer = Trainer::builder().epochs(2).build().unwrap();
    let history = trainer.fit(&mut net, &train, Some(&train)).unwrap();
    let text = serde_json::to_string(&history).unwrap();
    assert_eq!(serde_json::from_str::<History>(&text).unwrap(), history);

    let matrix = ConfusionMatrix::evaluate(&net, &train).unwrap();
    let text = serde_json::to_string(&matrix).unwrap();
    assert_eq!(serde_json::from_str::<ConfusionMatrix>(&text).unwrap(), matrix);
    for (bad, message) in [
        ("[[1,2],[3]]", "row 1 of the confusion matrix has 1 counts; expected 2, one for each row"),
        ("[]", "the confusion matrix holds no sample; expected at least 1"),
        ("[[0]]", "the confusion matrix holds no sample; expected at least 1"),
    ] {
        assert_eq!(serde_json::from_str::<ConfusionMatrix>(bad).unwrap_err().to_string(), message);
    }
    let report = matrix.report();
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<ClassificationReport>(&text).unwrap(), report);
    let measured = Regression::evaluate(&net, &train).unwrap();
    let text = serde_json::to_string(&measured).unwrap();
    assert_eq!(serde_json::from_str::<Regression>(&text).unwrap(), measured);
    let (sgd, adam, adamw) =
        (Sgd::default().momentum(0.9), Adam::default().epsilon(1e-7), AdamW::default().amsgrad(true));
    assert_eq!(serde_json::from_str::<Sgd>(&serde_json::to_string(&sgd).unwrap()).unwrap(), sgd);
    assert_eq!(serde_json::from_str::<Adam>(&serde_json::to_string(&adam).unwrap()).unwrap(), adam);
    assert_eq!(serde_json::from_str::<AdamW>(&serde_json::to_string(&adamw).unwrap()).unwrap(), adamw);
    let (rmsprop, adagrad) = (RmsProp::default().momentum(0.5).centered(true), Adagrad::default().epsilon(1e-7));
    assert_eq!(serde_json::from_str::<RmsProp>(&serde_json::to_string(&rmsprop).unwrap()).unwrap(), rmsprop);
    assert_eq!(serde_json::from_str::<Adagrad>(&serde_json::to_string(&adagrad).unwrap()).unwrap(), adagrad);
    let (lion, rprop) = (Lion::default().weight_decay(0.1), Rprop::default().etas(0.4, 1.3));
    assert_eq!(serde_json::from_str::<Lion>(&serde_json::to_string(&lion).unwrap()).unwrap(), lion);
    assert_eq!(serde_json::from_str::<Rprop>(&serde_json::to_string(&rprop).unwrap()).unwrap(), rprop);
}

/// A validation cost may overflow, and a measure of predictions that are NaN is NaN.
#[test]
fn results_that_are_not_finite_come_back() {
    let data = Dataset::new(vec![[0.1, 5.0], [0.7, 5.0]], vec![[0.0], [1.0]]).unwrap();
    let mut net = Double::new(1);
    let mut run = Trainer::builder().epochs(1).build().unwrap().run(&mut net, &data).unwrap();
    let mut epoch = run.next().unwrap().unwrap();
    let mut state = run.state().unwrap();
    for number in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        epoch.validation_cost = Some(number);
        state.history = History::from_iter([epoch]);
        state.session.optimizer.scalars = vec![number];
        let text = serde_json::to_string(&state).unwrap();
        let read = serde_json::from_str::<RunState<f64>>(&text).unwrap();
        // As text, for NaN is not equal to itself.
        assert_eq!(format!("{read:?}"), format!("{state:?}"));
        let bytes = postcard::to_stdvec(&state).unwrap();
        assert_eq!(format!("{:?}", postcard::from_bytes::<RunState<f64>>(&bytes).unwrap()), format!("{state:?}"));
    }
    let measured = Regression::from_rows(&[[1.0]], &[[f64::NAN]]).unwrap();
    let text = serde_json::to_string(&measured).unwrap();
    let fields = ["mse", "rmse", "mae", "median_absolute_error", "max_error", "r2", "explained_variance"];
    let fields = fields.map(|name| format!(r#""{name}":"NaN""#)).join(",");
    assert_eq!(text, format!(r#"{{{fields},"outputs":[{{{fields}}}]}}"#));
    assert_eq!(format!("{:?}", serde_json::from_str::<Regression>(&text).unwrap()), format!("{measured:?}"));
    // A curve begins at the threshold ∞.
    let ranking = Ranking::new(&[true, false, true], &[0.25, 0.5, 0.75], None).unwrap();
    let (roc, curve) = (ranking.roc_curve().unwrap(), ranking.precision_recall_curve().unwrap());
    let text = serde_json::to_string(&(&roc, &curve, ranking.best_f1())).unwrap();
    assert!(text.starts_with(r#"[[{"threshold":"inf","false_positive_rate":0.0,"#), "{text}");
    let read =
        serde_json::from_str::<(Vec<RocPoint>, Vec<PrecisionRecallPoint>, Option<BestThreshold>)>(&text).unwrap();
    assert_eq!(read, (roc, curve, ranking.best_f1()));
    let wrong = serde_json::from_str::<Regression>(r#"{"mse":"none","rmse":0,"mae":0,"r2":1}"#).unwrap_err();
    assert!(wrong.to_string().contains("expected the field: a number, \"NaN\", \"inf\" or \"-inf\""), "{wrong}");
}

/// A run is written in the midst of an epoch, read, and goes on to the same bits.
#[test]
fn a_run_goes_on_from_a_file() {
    let data = Dataset::new(vec![[0.1, 5.0], [0.7, 5.0], [0.3, 4.0]], vec![[0.0], [1.0], [1.0]]).unwrap();
    let trainer = Trainer::builder().optimizer(AdamW::default()).batch_size(2).epochs(3).build().unwrap();
    let (mut whole, mut resumed) = (Double::new(1), Double::new(2));
    let mut text = String::new();
    let run = trainer.run(&mut whole, &data).unwrap().on_step(|context| {
        if context.step() == 3 {
            text = serde_json::to_string(&context.state()?).map_err(Error::callback)?;
        }
        Ok(Signal::Continue)
    });
    run.finish().unwrap();
    let state = serde_json::from_str::<nn_train::RunState<f64>>(&text).unwrap();
    assert_eq!((state.position.epoch, state.position.step), (2, 1));
    trainer.run(&mut resumed, &data).unwrap().resume(&state).unwrap().finish().unwrap();
    assert_eq!(resumed, whole);
    // A state of before there was a plan in it.
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["session"].as_object_mut().unwrap().remove("plan").unwrap();
    let older = serde_json::from_value::<nn_train::RunState<f64>>(value).unwrap();
    assert_eq!((&older.session.plan, &older.session.parameters), (&None, &state.session.parameters));
    trainer.run(&mut resumed, &data).unwrap().resume(&older).unwrap().finish().unwrap();
    assert_eq!(resumed, whole);
    // One of a run with a step that was dropped, and of before there were such.
    let mut dropped = state.clone();
    (dropped.session.rate_factor, dropped.session.dropped_steps) = (0.25, 2);
    (dropped.position.dropped_steps, dropped.position.cost_rounding) = (1, 1e-17);
    let mut value = serde_json::to_value(&dropped).unwrap();
    assert_eq!(serde_json::from_value::<nn_train::RunState<f64>>(value.clone()).unwrap(), dropped);
    for name in ["rate_factor", "dropped_steps"] {
        value["session"].as_object_mut().unwrap().remove(name).unwrap();
    }
    for name in ["dropped_steps", "cost_rounding", "weight_rounding"] {
        value["position"].as_object_mut().unwrap().remove(name).unwrap();
    }
    let older = serde_json::from_value::<nn_train::RunState<f64>>(value).unwrap();
    assert_eq!((older.session.rate_factor, older.session.dropped_steps), (1.0, 0));
    assert_eq!((older.position.dropped_steps, older.position.cost_rounding), (0, 0.0));
}

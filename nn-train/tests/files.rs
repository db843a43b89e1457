//! What goes into a file comes out of it, and what does not fit is refused.
#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::metrics::Regression;
use nn_train::prelude::*;
use serde_json::{Value, json};

network! { struct Net<3 => 4 relu dropout(0.5) => 2 softmax>; }
network! { struct Double<2 => 1>: f64; }
network! { struct Other<3 => 5 relu dropout(0.5) => 2 softmax>; }
network! { struct Huge<1024 => 1024 => 1024>; }

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

#[test]
fn a_network_in_a_struct_is_read_on_the_heap() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Model {
        net: Huge,
        scale: f64,
    }
    let work = || {
        let model = Model { net: Huge::zeros(), scale: 2.0 };
        let file = serde_json::to_vec(&model).unwrap();
        let again: Model = serde_json::from_slice(&file).unwrap();
        assert_eq!(again.scale, 2.0);
        assert!(again.net == model.net);
    };
    std::thread::Builder::new().stack_size(128 * 1024).spawn(work).unwrap().join().unwrap();
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
    assert_eq!(infinite, "Θ^(1), the bias, number 1 is inf; expected a finite number");
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
    for optimizer in [Sgd::new(0.1).momentum(0.9).into(), Adam::default().into(), AdamW::default().into()] {
        let optimizer: Optimizer = optimizer;
        let text = serde_json::to_string(&optimizer).unwrap();
        assert_eq!(serde_json::from_str::<Optimizer>(&text).unwrap(), optimizer);
    }
}

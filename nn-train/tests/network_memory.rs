//! Networks in memory: their flat view, their copies, and that none of it touches the stack.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::prelude::*;

network! { struct Small<2 => 3 => 1>: f64; }
network! { struct Large<1280 => 2047 linear => 1 linear>, seed = 7; }
network! {
    struct Deep<
        1024 => 1024 relu => 1024 relu => 1024 relu => 1024 relu => 1024 relu => 1024 relu => 1024 relu
        => 1024 relu => 1024 relu => 1024 relu => 1024 relu => 1024 relu
    >;
}

#[test]
fn theta_has_the_bias_as_column_0() {
    let mut net = Small::zeros();
    for (number, parameter) in (1..).zip(net.parameters_mut()) {
        *parameter = f64::from(number);
    }
    assert_eq!(Small::PARAMS, 13);
    assert_eq!(net.layer1().weights, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    assert_eq!(net.layer1().bias, [7.0, 8.0, 9.0]);
    let theta = net.theta::<1>();
    assert_eq!((theta.rows(), theta.cols()), (3, 3));
    assert_eq!(theta.to_vec(), [7.0, 1.0, 2.0, 8.0, 3.0, 4.0, 9.0, 5.0, 6.0]);
    assert_eq!(theta[(2, 0)], 9.0);
    assert_eq!(theta[(1, 2)], 4.0);
    assert_eq!(theta.get(1, 3), None);
    assert_eq!(theta.get(3, 1), None);
    assert_eq!(format!("{theta:.1}"), "[ 7.0 1.0 2.0 ]\n[ 8.0 3.0 4.0 ]\n[ 9.0 5.0 6.0 ]");
    assert_eq!(format!("{theta:?}"), "Theta<3 × 3>");
    assert_eq!(net.theta::<2>().to_vec(), [13.0, 10.0, 11.0, 12.0]);
}

#[test]
fn a_large_theta_prints_its_corners() {
    let printed = Deep::zeros().theta::<12>().to_string();
    assert_eq!(printed.lines().count(), 13);
    assert!(printed.lines().all(|line| line == "⋮" || line.matches("0.0000").count() == 12));
}

#[test]
fn copies_are_equal_and_independent() {
    let net = Small::new(5);
    let mut copy = net.clone();
    assert_eq!(net, copy);
    copy.parameters_mut()[12] += 1.0;
    assert_ne!(net, copy);
    assert_eq!(net.parameters()[..12], copy.parameters()[..12]);
}

/// Runs `work` on a thread with a stack of 2 MB.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
}

/// A network of 10 MB, by itself and in what people put networks into: nothing puts its layers on the stack.
#[test]
fn a_large_network_never_touches_the_stack() {
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Holder {
        network: Large,
        spare: Option<Large>,
        scale: f64,
    }

    on_a_small_stack(|| {
        assert_eq!(Large::PARAMS * size_of::<f32>(), 10_497_020);
        assert_eq!(size_of::<Large>(), 2 * size_of::<usize>());
        let net = Large::default();
        let copy = net.clone();
        assert!(net == copy && net.parameters().as_ptr() != copy.parameters().as_ptr());
        assert_eq!(format!("{net:?}").lines().count(), 1);

        let mut several = vec![net; 2];
        several.push(copy);
        let last = several.pop().map(std::hint::black_box);
        assert!(last.as_ref() == several.first());
        let holder = Holder { network: several.remove(0), spare: last, scale: 1.0 };
        let mut moved = std::hint::black_box(holder.clone());
        assert_eq!(moved, holder);
        moved.network.layer1_mut().weights[1023][1279] += 1.0;
        assert_ne!(moved, holder);
        let swapped = std::mem::replace(&mut moved, Holder { network: Large::zeros(), spare: None, scale: 0.0 });
        assert_ne!(swapped, moved);

        let twin = swapped.network.to_dynamic();
        assert_eq!(twin.to_declared::<Large>().unwrap(), swapped.network);
    });
}

#[cfg(feature = "serde")]
#[test]
fn a_large_network_is_written_and_read_without_the_stack() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Model {
        network: Large,
        twin: Option<DynNetwork<f32>>,
        scale: f64,
    }

    on_a_small_stack(|| {
        let mut network = Large::zeros();
        network.parameters_mut()[Large::PARAMS - 1] = 2.5;
        let model = Model { twin: Some(network.to_dynamic()), network, scale: 2.0 };
        let file = serde_json::to_vec(&model).unwrap();
        let again: Model = serde_json::from_slice(&file).unwrap();
        assert_eq!(again, model);
    });
}

/// 12 layers of 1,024 are 50 MB of parameters; a thread with 128 KiB of stack does with them what there is to do.
#[test]
fn a_deep_network_never_touches_the_stack() {
    let work = || {
        let mut net = Deep::zeros();
        net.parameters_mut().fill(1e-3);
        let copy = net.clone();
        assert_eq!(net, copy);
        let (inputs, targets) = (vec![[0.5; 1024]; 2], vec![[1.0; 1024]; 2]);
        assert!(net.predict(&inputs[0]).iter().all(|h| h.is_finite()));
        let data = Dataset::new(inputs, targets).unwrap();
        let trainer = Trainer::builder().optimizer(Adam::default()).epochs(1).threads(2).build().unwrap();
        let history = trainer.fit(&mut net, &data, Some(&data)).unwrap();
        assert_eq!(history.len(), 1);
        assert_ne!(net, copy);
        let (_, gradient) = net.gradient(data.inputs(), data.targets(), 1.0).unwrap();
        assert!(gradient.parameters().iter().all(|d| d.is_finite()));
    };
    std::thread::Builder::new().stack_size(128 * 1024).spawn(work).unwrap().join().unwrap();
}

/// The trait that `network!` implements, by hand and against itself: it panics or returns an error, and reads nothing that
/// is not there.
#[test]
fn an_implementation_by_hand_that_contradicts_itself_is_caught() {
    use nn_train::__private::Stored;
    use nn_train::{Architecture, Dense, Init, Layer, Parameters};

    #[derive(Clone, Debug, PartialEq)]
    struct Wrong(Parameters<f32>);

    impl Stored for Wrong {
        type Number = f32;
        fn from_parameters(parameters: Parameters<f32>) -> Self {
            Self(parameters)
        }
        fn stored(&self) -> &Parameters<f32> {
            &self.0
        }
        fn stored_mut(&mut self) -> &mut Parameters<f32> {
            &mut self.0
        }
    }

    impl Declared for Wrong {
        type Scalar = f32;
        type Input = [f32; 2];
        type Output = [f32; 3];
        const NAME: &'static str = "Wrong";
        const LAYERS: &'static [Layer] = Small::LAYERS;
        const ARCHITECTURE: &'static Architecture = Small::ARCHITECTURE;
        const INIT: Init = Init::DEFAULT;
        const SEED: u64 = 0;
        // Fewer than the layers have.
        const PARAMS: usize = 4;
    }
    impl HasLayer<1> for Wrong {
        type Layer = Dense<f32, 2, 3>;
    }
    impl HasLayer<2> for Wrong {
        // As many numbers as there are, in another shape.
        type Layer = Dense<f32, 1, 1>;
    }

    let mut wrong = Wrong::zeros();
    assert_eq!(wrong.parameters().len(), 4);
    assert!(std::panic::catch_unwind(|| HasLayer::<1>::layer(&wrong).bias[0]).is_err());
    assert!(std::panic::catch_unwind(|| HasLayer::<2>::layer(&wrong).bias[0]).is_err());
    assert!(wrong.cost(&[[0.0; 2]], &[[0.0; 3]], 0.0).is_err());
    assert!(wrong.predict_batch(&[[0.0; 2]], &mut [[0.0; 3]]).is_err());
    assert!(wrong.predict_into(&[0.0; 2], &mut [0.0]).is_err());
    assert!(wrong.theta_at(1).is_none());
    assert!(wrong.predict(&[0.0; 2]).iter().all(|h| h.is_nan()));
    assert!(wrong.predictor(1).is_err());
    wrong.parameters_mut().fill(1.0);
    assert_eq!(wrong.clone(), wrong);
}

//! Networks in memory: their flat view, their copies, and that none of it touches the stack.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::prelude::*;

network! { struct Small<2 => 3 => 1>: f64; }
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

/// 12 layers of 1,024 are 50 MB of parameters; a thread with 128 KiB of stack does with them what there is to do.
#[test]
fn a_deep_network_never_touches_the_stack() {
    let work = || {
        let mut net = Deep::new(1);
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

//! Copies are made on the heap, wherever the network is.

use std::rc::Rc;
use std::sync::Arc;

use nn_train::{Declared, Network, network};

// 16 MiB, twice as much as the main thread's stack; built in the unoptimised profile.
network! { struct Wide<2048 => 2048 => 1>; }
network! { struct Small<2 => 3 => 1>; }

#[derive(Clone, Debug, Default, PartialEq)]
struct Holder {
    network: Small,
    wide: Option<Wide>,
}

fn generic<T: Clone>(value: &T) -> T {
    value.clone()
}

fn main() {
    let thread = std::thread::Builder::new().stack_size(128 * 1024).spawn(|| {
        let wide = Wide::new(1);
        let copy = wide.clone();
        let again = (&copy).clone();
        assert!(wide == again && wide.parameters().as_ptr() != copy.parameters().as_ptr());
        let holder = Holder { network: Small::default(), wide: Some(wide) };
        assert!(vec![holder.clone(); 2].pop() == Some(holder));
        let boxed = Box::new(copy).clone();
        assert!(*boxed == again);
    });
    thread.expect("a thread").join().expect("no overflow of the stack");

    let network = Small::new(1);
    let mut copy = Small::clone(&network);
    assert!(copy == network && generic(&network) == network);
    assert!(*Rc::new(copy.clone()).clone() == *Arc::new(copy.clone()).clone());
    copy.layer1_mut().bias[0] += 1.0;
    assert!(copy != network);
    assert_eq!(Holder::default().network, Small::new(0));
}

//! `clone` on a box stays on the heap; values, references and other pointers are cloned as ever.

use std::rc::Rc;
use std::sync::Arc;

use nn_train::{Network, network};

// 16 MiB, twice as much as the main thread's stack; built in the unoptimised profile.
network! { struct Wide<2048 => 2048 => 1>; }
network! { struct Small<2 => 3 => 1>; }

#[derive(Clone, Debug, PartialEq)]
struct Holder {
    network: Box<Small>,
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
    });
    thread.expect("a thread").join().expect("no overflow of the stack");

    let boxed = Small::new(1);
    let mut value: Small = (*boxed).clone();
    assert!(value == *boxed);
    let reference: &Small = &value;
    let second: Small = reference.clone();
    assert!(second == Clone::clone(&value));
    assert!(generic(&boxed) == boxed && generic(&value) == value);
    assert!(*Rc::new(second.clone()).clone() == *Arc::new(second).clone());
    value.layer1.bias[0] += 1.0;
    assert!(value != *boxed);

    let holder = Holder { network: boxed };
    assert_eq!(holder.clone(), holder);
    assert_eq!(vec![holder.network.clone(); 2].len(), 2);
    assert!(Some(&holder.network).cloned() == Some(holder.network));
}

//! Many layers; and 12 layers of 1,024 in a thread with 128 KiB of stack.

use nn_train::{Declared, Network, network};

network! {
    struct Deep<1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1
        => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1 => 1>;
}
network! {
    struct Wide<1024 => 1024 => 1024 => 1024 => 1024 => 1024 => 1024 => 1024 => 1024 => 1024 => 1024 => 1024 => 1024>;
}

fn main() {
    assert_eq!(Deep::PARAMS, 80);
    let thread = std::thread::Builder::new().stack_size(128 * 1024).spawn(|| {
        let wide = Wide::zeros();
        assert_eq!(wide.parameters().len(), 12 * 1024 * 1025);
        assert_eq!(wide.clone().layer12().bias[1023], 0.0);
    });
    thread.expect("a thread").join().expect("no overflow of the stack");
}

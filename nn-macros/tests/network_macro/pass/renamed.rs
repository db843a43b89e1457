//! nn-train under another name, in quotes or as a path, in every form of the call.

mod vendor {
    pub mod inner {
        pub use nn_train as nn;
    }
}
// The name that is not to be used.
mod nn_train_is_elsewhere {}

mod user {
    use crate::vendor::inner as my_nn;

    my_nn::nn::network! { pub struct Quoted<2 => 4 leaky_relu(0.1) dropout(0.5) => 1>: f64, crate = "my_nn::nn"; }
    my_nn::nn::network! {
        pub struct Path<2 => super::HIDDEN => 3 softmax>, init = symmetric(0.1), crate = crate::vendor::inner::nn, seed = 5;
    }

    pub fn values() -> usize {
        use my_nn::nn;
        use nn::Network;
        let values = [
            nn::network!(2 => 1, crate = nn).parameters().len(),
            nn::network!(<2 => 1>, crate = "nn").parameters().len(),
            nn::network!(2 => 1, crate = "crate::vendor::inner::nn", seed = 1).parameters().len(),
        ];
        values.iter().sum()
    }
}

const HIDDEN: usize = 4;

fn main() {
    use vendor::inner::nn::{Declared, Network};
    assert_eq!(user::Quoted::new(1).layer1().bias, [0.0; 4]);
    assert_eq!(user::Path::initialized().parameters(), user::Path::new(5).parameters());
    assert_eq!(user::values(), 9);
}

//! The methods of the type are as visible as the type.

use nn_train::{Declared, Network};

mod networks {
    pub mod inner {
        nn_train::network! { pub struct Public<2 => 1>; }
        nn_train::network! { pub(super) struct Super<2 => 1>; }
        nn_train::network! { pub(in crate::networks) struct In<2 => 1>; }
        nn_train::network! { pub(crate) struct Crate<2 => 1>; }
        nn_train::network! { struct Private<2 => 1>; }

        pub fn private() -> f32 {
            use nn_train::Declared;
            Private::zeros().clone().layer1().bias[0]
        }
    }

    pub fn biases() -> [f32; 2] {
        use nn_train::Declared;
        [inner::Super::zeros().clone().layer1().bias[0], inner::In::zeros().clone().layer1().bias[0]]
    }
}

fn main() {
    let mut public = networks::inner::Public::zeros().clone();
    public.layer1_mut().weights[0][1] = 2.0;
    assert_eq!(public.parameters(), [0.0, 2.0, 0.0]);
    assert_eq!(networks::inner::Crate::zeros().clone().layer1().bias, [0.0]);
    assert_eq!(networks::inner::private(), 0.0);
    assert_eq!(networks::biases(), [0.0; 2]);
}

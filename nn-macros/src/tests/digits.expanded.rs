/// Reads digits.
///
/// A network of `f32`, `64 => HIDDEN leaky_relu(-0.01) dropout(0.2) => 10 softmax`, with the loss `cross_entropy`.
#[repr(C)]
pub struct Digits {
    /// Θ^(1): `64 => HIDDEN`, leaky_relu(-0.01), dropout(0.2).
    pub layer1: ::nn_train::Dense<f32, 64, { HIDDEN }>,
    /// Θ^(2): `HIDDEN => 10`, softmax.
    pub layer2: ::nn_train::Dense<f32, { HIDDEN }, 10>,
}
#[allow(deprecated)]
const _: () = {
    const _: () = ::core::assert!(
        HIDDEN != 0, "the width `HIDDEN` is 0; a layer has at least one unit"
    );
    const __WIDTH_2: usize = if HIDDEN == 0 { 1 } else { HIDDEN };
    const __ARCHITECTURE: &::nn_train::Architecture = &::nn_train::Architecture::from_static(
        &[
            ::nn_train::Layer::new(
                    64,
                    __WIDTH_2,
                    ::nn_train::Activation::LeakyRelu(-0.01),
                )
                .with_dropout(0.2),
            ::nn_train::Layer::new(__WIDTH_2, 10, ::nn_train::Activation::Softmax),
        ],
        ::nn_train::Loss::CrossEntropy,
    );
    const _: () = {
        let _ = __ARCHITECTURE;
        let __bytes = 0
            + ::core::mem::size_of::<::nn_train::Dense<f32, 64, { HIDDEN }>>()
            + ::core::mem::size_of::<::nn_train::Dense<f32, { HIDDEN }, 10>>();
        ::core::assert!(
            ::core::mem::size_of:: < Digits > () == __bytes,
            "an attribute changes the layout of the network; remove it"
        );
    };
    #[allow(unsafe_code)]
    unsafe impl ::nn_train::Network for Digits {
        type Scalar = f32;
        type Input = [f32; 64];
        type Output = [f32; 10];
        const NAME: &'static str = "Digits";
        const ARCHITECTURE: &'static ::nn_train::Architecture = __ARCHITECTURE;
        const INIT: ::nn_train::__private::Option<::nn_train::Init> = ::nn_train::__private::Option::Some(
            ::nn_train::Init::Symmetric(0.12),
        );
        const SEED: u64 = 7;
    }
    impl ::nn_train::HasLayer<1> for Digits {
        type Layer = ::nn_train::Dense<f32, 64, { HIDDEN }>;
        fn layer(&self) -> &Self::Layer {
            &self.layer1
        }
    }
    impl ::nn_train::HasLayer<2> for Digits {
        type Layer = ::nn_train::Dense<f32, { HIDDEN }, 10>;
        fn layer(&self) -> &Self::Layer {
            &self.layer2
        }
    }
    impl ::nn_train::__private::Clone for Digits {
        fn clone(&self) -> Self {
            Self {
                layer1: ::nn_train::__private::Clone::clone(&self.layer1),
                layer2: ::nn_train::__private::Clone::clone(&self.layer2),
            }
        }
    }
    impl ::nn_train::__private::PartialEq for Digits {
        fn eq(&self, __other: &Self) -> bool {
            ::nn_train::__private::PartialEq::eq(&self.layer1, &__other.layer1)
                && ::nn_train::__private::PartialEq::eq(&self.layer2, &__other.layer2)
        }
    }
    impl ::nn_train::__private::fmt::Debug for Digits {
        fn fmt(
            &self,
            __formatter: &mut ::nn_train::__private::fmt::Formatter<'_>,
        ) -> ::nn_train::__private::fmt::Result {
            ::nn_train::__private::debug_network::<Self>(__formatter)
        }
    }
    impl Digits {
        /// A copy, made on the heap.
        ///
        /// `Box`'s own `clone` would build the copy on the stack and then move it; this method comes
        /// before it wherever a boxed network is cloned with a method call.
        #[allow(
            dead_code,
            clippy::borrowed_box,
            clippy::should_implement_trait,
            clippy::unnecessary_box_returns
        )]
        #[must_use]
        pub fn clone(
            self: &::nn_train::__private::Box<Self>,
        ) -> ::nn_train::__private::Box<Self> {
            ::nn_train::__private::clone_boxed::<Self>(self)
        }
    }
    ::nn_train::__private::impl_serde!(Digits);
};

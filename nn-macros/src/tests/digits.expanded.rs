/// Reads digits.
///
/// A network of `f32`, `64 => HIDDEN leaky_relu(-0.01) dropout(0.2) => 10 softmax`, with the loss `cross_entropy`.
#[derive(::core::clone::Clone, ::core::cmp::PartialEq)]
pub struct Digits {
    parameters: ::nn_train::Parameters<::core::primitive::f32>,
}
#[allow(deprecated)]
const _: () = {
    const _: () = ::core::assert!(
        HIDDEN != 0, "the width `HIDDEN` is 0; a layer has at least one unit"
    );
    impl ::nn_train::Declared for Digits {
        type Scalar = ::core::primitive::f32;
        type Input = [::core::primitive::f32; 64];
        type Output = [::core::primitive::f32; 10];
        const NAME: &'static ::core::primitive::str = "Digits";
        const LAYERS: &'static [::nn_train::Layer] = &[
            ::nn_train::Layer::new(
                    64,
                    ::nn_train::__private::width({ HIDDEN }, 1),
                    ::nn_train::Activation::LeakyRelu(-0.01),
                )
                .with_dropout(0.2),
            ::nn_train::Layer::new(
                ::nn_train::__private::width({ HIDDEN }, 1),
                10,
                ::nn_train::Activation::Softmax,
            ),
        ];
        const ARCHITECTURE: &'static ::nn_train::Architecture = &::nn_train::Architecture::from_static(
            <Self as ::nn_train::Declared>::LAYERS,
            ::nn_train::Loss::CrossEntropy,
        );
        const INIT: ::nn_train::Init = ::nn_train::Init::Symmetric(0.12);
        const SEED: ::core::primitive::u64 = 7;
    }
    const _: () = {
        let _ = <Digits as ::nn_train::Declared>::ARCHITECTURE;
    };
    impl ::nn_train::HasLayer<1> for Digits {
        type Layer = ::nn_train::Dense<::core::primitive::f32, 64, { HIDDEN }>;
    }
    impl ::nn_train::HasLayer<2> for Digits {
        type Layer = ::nn_train::Dense<::core::primitive::f32, { HIDDEN }, 10>;
    }
    impl Digits {
        /// Θ^(1): `64 => HIDDEN`, leaky_relu(-0.01), dropout(0.2).
        #[allow(dead_code)]
        #[must_use]
        #[inline]
        pub fn layer1(
            &self,
        ) -> &::nn_train::Dense<::core::primitive::f32, 64, { HIDDEN }> {
            <Self as ::nn_train::HasLayer<1>>::layer(self)
        }
        /// [`layer1`](Self::layer1), to be written.
        #[allow(dead_code)]
        #[must_use]
        #[inline]
        pub fn layer1_mut(
            &mut self,
        ) -> &mut ::nn_train::Dense<::core::primitive::f32, 64, { HIDDEN }> {
            <Self as ::nn_train::HasLayer<1>>::layer_mut(self)
        }
        /// Θ^(2): `HIDDEN => 10`, softmax.
        #[allow(dead_code)]
        #[must_use]
        #[inline]
        pub fn layer2(
            &self,
        ) -> &::nn_train::Dense<::core::primitive::f32, { HIDDEN }, 10> {
            <Self as ::nn_train::HasLayer<2>>::layer(self)
        }
        /// [`layer2`](Self::layer2), to be written.
        #[allow(dead_code)]
        #[must_use]
        #[inline]
        pub fn layer2_mut(
            &mut self,
        ) -> &mut ::nn_train::Dense<::core::primitive::f32, { HIDDEN }, 10> {
            <Self as ::nn_train::HasLayer<2>>::layer_mut(self)
        }
    }
    impl ::core::default::Default for Digits {
        fn default() -> Self {
            <Self as ::nn_train::Declared>::initialized()
        }
    }
    const _: () = {
        #[allow(dead_code)]
        fn numbers() {}
        #[allow(dead_code)]
        fn formatter() {}
        impl ::nn_train::__private::Stored for Digits {
            type Number = ::core::primitive::f32;
            #[inline]
            fn from_parameters(
                numbers: ::nn_train::Parameters<::core::primitive::f32>,
            ) -> Self {
                Self { parameters: numbers }
            }
            #[inline]
            fn stored(&self) -> &::nn_train::Parameters<::core::primitive::f32> {
                &self.parameters
            }
            #[inline]
            fn stored_mut(
                &mut self,
            ) -> &mut ::nn_train::Parameters<::core::primitive::f32> {
                &mut self.parameters
            }
        }
        impl ::core::fmt::Debug for Digits {
            fn fmt(
                &self,
                formatter: &mut ::core::fmt::Formatter<'_>,
            ) -> ::core::fmt::Result {
                ::nn_train::__private::debug::<Self>(formatter)
            }
        }
    };
    ::nn_train::__private::impl_serde!(Digits);
};

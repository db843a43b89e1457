//! What the expansion of `network!` names. Not part of the public interface.

pub use std::boxed::Box;
pub use std::clone::Clone;
pub use std::cmp::PartialEq;
pub use std::fmt;
pub use std::option::Option;

#[cfg(feature = "serde")]
pub use serde;

pub use crate::__nn_train_impl_serde as impl_serde;
use crate::Network;

/// The body of a network's `Debug`.
#[doc(hidden)]
pub fn debug_network<N: Network>(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    crate::network::debug_network::<N>(f)
}

/// The body of a boxed network's `clone`.
#[doc(hidden)]
#[must_use]
pub fn clone_boxed<N: Network>(network: &N) -> Box<N> {
    crate::network::clone_boxed(network)
}

/// `Serialize` and `Deserialize` for a network, where the feature `serde` is on.
#[cfg(not(feature = "serde"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __nn_train_impl_serde {
    ($Network:ident) => {};
}

/// `Serialize` and `Deserialize` for a network, where the feature `serde` is on.
#[cfg(feature = "serde")]
#[doc(hidden)]
#[macro_export]
macro_rules! __nn_train_impl_serde {
    ($Network:ident) => {
        impl $crate::__private::serde::Serialize for $Network {
            fn serialize<S: $crate::__private::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::__private::serialize(self, serializer)
            }
        }

        impl<'de> $crate::__private::serde::Deserialize<'de> for $Network {
            fn deserialize<D: $crate::__private::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                ::core::result::Result::map(<Self as $crate::Network>::deserialize_boxed(deserializer), |network| {
                    *network
                })
            }
        }
    };
}

/// The body of a network's `Serialize`.
///
/// # Errors
/// The serializer's.
#[cfg(feature = "serde")]
#[doc(hidden)]
pub fn serialize<N: Network, S: serde::Serializer>(network: &N, serializer: S) -> Result<S::Ok, S::Error> {
    crate::network::serde::serialize(network, serializer)
}

//! What the expansion of `network!` names. Not part of the public interface.

pub use std::fmt;

#[cfg(feature = "serde")]
pub use serde;

pub use crate::__nn_train_impl_serde as impl_serde;
use crate::Declared;
pub use crate::network::Stored;

/// The body of a network's `Debug`.
#[doc(hidden)]
pub fn debug<N: Declared>(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    crate::network::debug_declared::<N>(f)
}

/// A width that only the compiler knows. At least `least`, so that a width that is too small is one message, the one at
/// its place, and not several.
#[doc(hidden)]
#[must_use]
pub const fn width(found: usize, least: usize) -> usize {
    if found < least { least } else { found }
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
        const _: () = {
            // A constant of the caller's with the name of a parameter would be taken for a pattern. Functions of these
            // names hide it.
            #[allow(dead_code)]
            fn serializer() {}
            #[allow(dead_code)]
            fn deserializer() {}

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
                    $crate::__private::deserialize(deserializer)
                }
            }
        };
    };
}

/// The body of a network's `Serialize`.
///
/// # Errors
/// The serializer's.
#[cfg(feature = "serde")]
#[doc(hidden)]
pub fn serialize<N: Declared, S: serde::Serializer>(network: &N, serializer: S) -> Result<S::Ok, S::Error> {
    crate::network::serde::serialize(network, serializer)
}

/// The body of a network's `Deserialize`.
///
/// # Errors
/// The deserializer's, for an architecture or a shape other than the network's, and for numbers that are none.
#[cfg(feature = "serde")]
#[doc(hidden)]
pub fn deserialize<'de, N: Declared, D: serde::Deserializer<'de>>(deserializer: D) -> Result<N, D::Error> {
    crate::network::serde::deserialize(deserializer)
}

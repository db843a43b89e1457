//! The numbers of files, and those of programs.

use crate::half::from_half;

/// A number of an array: `f32` and `f64`, and the integers `u8`, `i64` and `usize`.
///
/// A file's numbers become these whatever type they have: floats take every number, rounded to the nearest; integers take
/// whole numbers that they can express, and any other is an error. The trait is sealed.
pub trait Item: Copy + private::Sealed {
    /// What numbers it takes.
    #[doc(hidden)]
    const EXPECTED: &'static str;
    /// The type in which it is written.
    #[doc(hidden)]
    const STORED: Stored;

    /// The number, if this type can express it.
    #[doc(hidden)]
    fn of(number: Number) -> Option<Self>;

    /// Appends its bytes, the least significant first.
    #[doc(hidden)]
    fn put(self, bytes: &mut Vec<u8>);
}

mod private {
    pub trait Sealed {}
}

/// Any number of a file, exactly.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub enum Number {
    Float(f64),
    Signed(i64),
    Unsigned(u64),
}

impl Number {
    /// As it is read.
    pub(super) fn text(self) -> String {
        match self {
            Self::Float(number) => number.to_string(),
            Self::Signed(number) => number.to_string(),
            Self::Unsigned(number) => number.to_string(),
        }
    }

    /// The whole number that it is, if any.
    fn whole(self) -> Option<i128> {
        match self {
            // Beyond 2⁶⁴ no integer takes it.
            Self::Float(number) => {
                (number.fract() == 0.0 && number.abs() <= 18_446_744_073_709_551_616.0).then_some(number as i128)
            }
            Self::Signed(number) => Some(number.into()),
            Self::Unsigned(number) => Some(number.into()),
        }
    }
}

macro_rules! floats {
    ($($T:ident)*) => { $(
        impl private::Sealed for $T {}
        impl Item for $T {
            const EXPECTED: &'static str = "a number";
            const STORED: Stored = Stored::$T;

            fn of(number: Number) -> Option<Self> {
                Some(match number {
                    Number::Float(number) => number as $T,
                    Number::Signed(number) => number as $T,
                    Number::Unsigned(number) => number as $T,
                })
            }

            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }
        }
    )* };
}
floats!(f32 f64);

macro_rules! integers {
    ($($T:ident as $Stored:ident, $expected:literal;)*) => { $(
        impl private::Sealed for $T {}
        impl Item for $T {
            const EXPECTED: &'static str = $expected;
            const STORED: Stored = Stored::$Stored;

            fn of(number: Number) -> Option<Self> {
                number.whole().and_then(|whole| whole.try_into().ok())
            }

            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend((self as $Stored).to_le_bytes());
            }
        }
    )* };
}
integers! {
    u8 as u8, "a whole number from 0 to 255";
    i64 as i64, "a whole number from -2^63 to 2^63 - 1";
    usize as u64, "a whole number that is not negative";
}

/// A float of 16 bits, for which Rust has no type yet.
#[expect(non_camel_case_types, reason = "it will be called so")]
#[derive(Clone, Copy)]
struct f16(u16);

impl f16 {
    fn from_le_bytes(bytes: [u8; 2]) -> Self {
        Self(u16::from_le_bytes(bytes))
    }

    fn from_be_bytes(bytes: [u8; 2]) -> Self {
        Self(u16::from_be_bytes(bytes))
    }
}

impl From<f16> for f64 {
    fn from(f16(bits): f16) -> Self {
        from_half(bits)
    }
}

macro_rules! stored {
    ($($T:ident $name:literal $Kind:ident;)*) => {
        /// The type of a file's numbers.
        #[doc(hidden)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(non_camel_case_types, reason = "each is the type of its name")]
        pub enum Stored { bool, $($T),* }

        impl Stored {
            /// The type of a name such as `f4`: a float of 4 bytes.
            pub(super) fn named(name: &str) -> Option<Self> {
                Some(match name {
                    "b1" => Self::bool,
                    $($name => Self::$T,)*
                    _ => return None,
                })
            }

            pub(super) fn name(self) -> &'static str {
                match self {
                    Self::bool => "b1",
                    $(Self::$T => $name,)*
                }
            }

            /// Bytes of a number.
            pub(super) fn bytes(self) -> usize {
                match self {
                    Self::bool => 1,
                    $(Self::$T => size_of::<$T>(),)*
                }
            }

            /// Appends the numbers that `bytes` are; where one cannot be expressed it ends there and returns that one.
            pub(super) fn decode<I: Item>(self, big_endian: bool, bytes: &[u8], numbers: &mut Vec<I>) -> Result<(), Number> {
                match self {
                    Self::bool => decode(bytes, numbers, |[byte]| Number::Unsigned(u64::from(byte != 0))),
                    $(
                        Self::$T if big_endian => {
                            decode(bytes, numbers, |bytes| Number::$Kind($T::from_be_bytes(bytes).into()))
                        }
                        Self::$T => decode(bytes, numbers, |bytes| Number::$Kind($T::from_le_bytes(bytes).into())),
                    )*
                }
            }
        }
    };
}
stored! {
    i8 "i1" Signed;
    i16 "i2" Signed;
    i32 "i4" Signed;
    i64 "i8" Signed;
    u8 "u1" Unsigned;
    u16 "u2" Unsigned;
    u32 "u4" Unsigned;
    u64 "u8" Unsigned;
    f16 "f2" Float;
    f32 "f4" Float;
    f64 "f8" Float;
}

#[inline(always)]
fn decode<I: Item, const BYTES: usize>(
    bytes: &[u8],
    numbers: &mut Vec<I>,
    number: impl Fn([u8; BYTES]) -> Number,
) -> Result<(), Number> {
    for &bytes in bytes.as_chunks().0 {
        let number = number(bytes);
        numbers.push(I::of(number).ok_or(number)?);
    }
    Ok(())
}

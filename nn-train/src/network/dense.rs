//! One layer's parameters, and the rows that samples and predictions are.

use std::fmt;

use nn_kernels::Element;

use super::memory;

mod sealed {
    pub trait Sealed {}
    impl<T, const N: usize> Sealed for [T; N] {}
    impl<T, const IN: usize, const OUT: usize> Sealed for super::Dense<T, IN, OUT> {}
}

/// Θ^(l), from `IN` = S_l units to `OUT` = S_{l+1}: a layer of a network that [`network!`](crate::network) declared.
///
/// In memory it is `OUT · (IN + 1)` numbers and nothing else: the weights row by row, then the bias.
#[repr(C)]
#[derive(Clone, PartialEq)]
pub struct Dense<T, const IN: usize, const OUT: usize> {
    /// Θ_w^(l): `weights[j][i]` leads from unit i of layer l to unit j of layer l+1.
    pub weights: [[T; IN]; OUT],
    /// Column 0 of Θ^(l): what the bias unit a_0 = 1 contributes to each z_j.
    pub bias: [T; OUT],
}

/// Prints the shape, not the numbers; [`Theta`](crate::Theta) prints those.
impl<T, const IN: usize, const OUT: usize> fmt::Debug for Dense<T, IN, OUT> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dense<{IN} => {OUT}>")
    }
}

/// A layer of parameters whatever its widths; implemented by [`Dense`] only.
pub trait DenseLayer: sealed::Sealed {
    /// The number type of its parameters.
    type Scalar: Element;
    /// S_l, without the bias unit.
    const INPUTS: usize;
    /// S_{l+1}.
    const OUTPUTS: usize;
    /// Θ_w^(l), `OUTPUTS` × `INPUTS`, row by row.
    fn weights(&self) -> &[Self::Scalar];
    /// Column 0 of Θ^(l), `OUTPUTS` numbers.
    fn bias(&self) -> &[Self::Scalar];
    /// The layer that `numbers` are, `OUTPUTS · (INPUTS + 1)` of them.
    #[doc(hidden)]
    fn view(numbers: &[Self::Scalar]) -> &Self;
    /// [`view`](Self::view), to be written.
    #[doc(hidden)]
    fn view_mut(numbers: &mut [Self::Scalar]) -> &mut Self;
}

impl<T: Element, const IN: usize, const OUT: usize> DenseLayer for Dense<T, IN, OUT> {
    type Scalar = T;
    const INPUTS: usize = IN;
    const OUTPUTS: usize = OUT;

    fn weights(&self) -> &[T] {
        self.weights.as_flattened()
    }

    fn bias(&self) -> &[T] {
        &self.bias
    }

    #[inline]
    fn view(numbers: &[T]) -> &Self {
        memory::layer(numbers)
    }

    #[inline]
    fn view_mut(numbers: &mut [T]) -> &mut Self {
        memory::layer_mut(numbers)
    }
}

/// A sample, a target or a prediction: an array whose length the compiler knows.
///
/// The trait is sealed; `[f32; N]` and `[f64; N]` implement it, with N at least 1. A row without numbers does not compile:
///
/// ```compile_fail
/// // A data set of samples without a feature.
/// let data = nn_train::Dataset::<[f32; 0], [f32; 1]>::new(vec![[]], vec![[1.0]]);
/// ```
pub trait Row: sealed::Sealed + Copy + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The number type of the row.
    type Scalar: Element;
    /// Numbers in the row.
    const WIDTH: usize;

    /// A row of zeros.
    fn zeros() -> Self;
    /// The row's numbers.
    fn as_slice(&self) -> &[Self::Scalar];
    /// The row's numbers, to be written.
    fn as_mut_slice(&mut self) -> &mut [Self::Scalar];
    /// Rows seen as one slice, one row behind the other: `rows.len()` × `WIDTH`.
    fn flatten(rows: &[Self]) -> &[Self::Scalar];
    /// [`flatten`](Self::flatten), to be written.
    fn flatten_mut(rows: &mut [Self]) -> &mut [Self::Scalar];
    /// [`flatten`](Self::flatten), to be kept. Nothing is copied.
    fn into_flat(rows: Vec<Self>) -> Vec<Self::Scalar>;
    /// Numbers seen as rows, what [`flatten`](Self::flatten) undoes; numbers that do not fill the last row are left out.
    fn rows(numbers: &[Self::Scalar]) -> &[Self];
}

impl<T: Element, const N: usize> Row for [T; N] {
    type Scalar = T;
    const WIDTH: usize = {
        assert!(N > 0, "a row has no numbers; expected an array of at least 1");
        N
    };

    fn zeros() -> Self {
        [T::ZERO; N]
    }

    fn as_slice(&self) -> &[T] {
        self
    }

    fn as_mut_slice(&mut self) -> &mut [T] {
        self
    }

    fn flatten(rows: &[Self]) -> &[T] {
        rows.as_flattened()
    }

    fn flatten_mut(rows: &mut [Self]) -> &mut [T] {
        rows.as_flattened_mut()
    }

    fn into_flat(rows: Vec<Self>) -> Vec<T> {
        rows.into_flattened()
    }

    fn rows(numbers: &[T]) -> &[Self] {
        numbers.as_chunks().0
    }
}

//! Classes and the targets that stand for them.

use nn_kernels::Element;

use crate::error::Error;

/// The class that a target stands for: of several numbers the place of the single 1 among zeros, of one number
/// that number, 0 or 1.
pub(crate) fn class_of<T: Element>(target: &[T]) -> Option<usize> {
    if let [number] = target {
        return [T::ZERO, T::ONE].iter().position(|class| class == number);
    }
    let class = target.iter().position(|&number| number == T::ONE)?;
    let others = target.iter().enumerate().all(|(k, &number)| k == class || number == T::ZERO);
    others.then_some(class)
}

/// The class that an output decides for: the highest of several numbers, the first if there are more; of one
/// number, whether it is at least ½. None where a number is NaN: it is neither more nor less than any other.
pub(crate) fn highest<T: Element>(output: &[T]) -> Option<usize> {
    if output.iter().any(|&number| is_nan(number)) {
        return None;
    }
    if let [number] = output {
        return Some(usize::from(number.to_f64() >= 0.5));
    }
    let mut best = 0;
    for (k, number) in output.iter().enumerate() {
        if *number > output[best] {
            best = k;
        }
    }
    Some(best)
}

/// Whether a number is NaN.
pub(crate) fn is_nan<T: Element>(number: T) -> bool {
    number.to_f64().is_nan()
}

/// How many classes targets of `width` numbers tell apart: one number tells two.
pub(crate) const fn classes(width: usize) -> usize {
    if width == 1 { 2 } else { width }
}

/// Every label is one of the classes that targets of `width` numbers tell apart.
pub(crate) fn check_labels(labels: &[usize], width: usize) -> Result<(), Error> {
    let classes = classes(width);
    match labels.iter().position(|&label| label >= classes) {
        Some(sample) => Err(Error::Label { sample, label: labels[sample], classes }),
        None => Ok(()),
    }
}

/// Turns targets of zeros into those of `labels`, which have been checked: 1 in the place of the class, or the class
/// itself as the one number.
pub(crate) fn write_labels<T: Element>(labels: &[usize], width: usize, targets: &mut [T]) {
    for (&label, target) in labels.iter().zip(targets.chunks_exact_mut(width)) {
        match target {
            [number] => *number = T::from_f64(label as f64),
            several => several[label] = T::ONE,
        }
    }
}

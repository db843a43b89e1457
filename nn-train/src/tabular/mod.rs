//! From an unknown table to a trained network: [`Recipe`], a preset whose defaults suit most tables.
//!
//! ```
//! use nn_train::prelude::*;
//! use nn_train::tabular::{Recipe, Task};
//! # let rows = (0..200).map(|i| format!("{},{},{}\n", i % 37, ["Ulm", "Aalen"][i % 2], 3 * (i % 37) + 20 * (i % 2)));
//! # let flats = Csv::new().read_bytes(format!("area,town,price\n{}", rows.collect::<String>()).as_bytes())?;
//! let (test, train) = flats.split(0.2, 1)?;
//!
//! let fitted = Recipe::for_target("price").epochs(30).seed(1).fit(&train)?;
//! assert_eq!(fitted.task(), Task::Numbers);
//! println!("{fitted}");
//!
//! let predicted = fitted.predict(&test)?;
//! assert_eq!(predicted.values().len(), test.rows());
//! # Ok::<(), nn_train::Error>(())
//! ```
//!
//! docs/tabular.md says what the defaults are, what each of them earns, and how they do on 12 public tables.
//!
//! # Pitfalls
//!
//! - Rows are divided at random into those that are trained on and those that choose the epoch. Where rows depend on each
//!   other, in time or because several are of one person, divide them yourself and pass the second part to
//!   [`fit_with`](Recipe::fit_with).
//! - The score of the validation rows has chosen the epoch, and is therefore a little too good. Keep rows for the test
//!   that `fit` never sees.
//! - A column that is known only after the target, or is made of it, makes any model look perfect. Leave it out by
//!   [`without`](Recipe::without).

mod columns;
mod fitted;
mod prepared;
mod recipe;
mod score;
mod task;

pub use columns::{LeftOut, Reason};
pub use fitted::Fitted;
pub use prepared::Prepared;
pub use recipe::{Rates, Recipe};
pub use task::Task;

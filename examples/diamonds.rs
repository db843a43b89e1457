//! What a diamond costs: regression, from a CSV file to a model in a file.
//!
//! `Preprocess` learns from the rows to train on how columns become numbers and prices are scaled, and goes into a bundle
//! with the network, so that whoever loads that puts in carats and gets out dollars. The network that validates best is kept.

use std::env;

use nn_train::prelude::*;

fn main() -> Result<(), Error> {
    // data/README.md says where the file comes from.
    let diamonds = Table::from_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data/diamonds.csv"))?;
    let (test, rest) = diamonds.split(0.2, 1)?;
    let (valid, train) = rest.split(0.1, 1)?;
    // Grades in their order, the worst first. All other columns are numbers.
    let preprocess = Preprocess::for_target("price")
        .ordinal("cut", ["Fair", "Good", "Very Good", "Premium", "Ideal"])
        .ordinal("color", ["J", "I", "H", "G", "F", "E", "D"])
        .ordinal("clarity", ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"])
        .fit(&train)?;
    println!("{preprocess}");
    let (train, valid) = (preprocess.dataset::<f32>(&train)?, preprocess.dataset(&valid)?);

    // Numbers chosen by the validation cost.
    let settings = Trainer::builder().l2(0.03).batch_size(32).epochs(100);
    let schedule = Cosine::new(0.003, settings.steps(train.len()));
    let best = EarlyStopping::new(Monitor::ValidationCost).patience(100);
    let mut network = DynNetwork::new(preprocess.architecture(&[64, 32])?, Init::default(), 1)?;
    settings.schedule(schedule).build()?.run(&mut network, &train)?.validation(&valid)?.callback(best).finish()?;

    let path = env::temp_dir().join("diamonds.nn");
    Bundle::new(network, preprocess)?.save(&path)?;
    let bundle: Bundle = Bundle::load(&path)?;

    let predicted = bundle.predict(&test.head(3))?;
    println!("{}\n{}", bundle.network().declaration("Diamonds")?, test.head(3));
    println!("predicted {:.0?}", predicted.values());
    let Regression { rmse, r2, .. } = Regression::evaluate(bundle.network(), &bundle.dataset(&test)?)?;
    println!("{} test diamonds: RMSE {rmse:.0} dollars, R² {r2:.4}", test.rows());
    Ok(())
}

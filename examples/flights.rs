//! When flights arrive: from a table to a model in files, as `nn-train train`, `evaluate`, `predict` and `export` do it.
//! `flights train.csv test.csv`, whose columns are those of the flights from New York in 2013 (the data set nycflights13).

use nn_train::onnx;
use nn_train::prelude::*;
use nn_train::tabular::Recipe;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [train, test] = &files[..] else { return Err("expected two files: flights to learn from, and others".into()) };

    let unknown = ["dep_time", "arr_time", "air_time", "tailnum", "time_hour"]; // Before it has arrived, or of no use.
    let recipe = Recipe::for_target("arr_delay").without(unknown).hidden([64, 32]).epochs(3).seed(1);
    let model = recipe.fit(&Table::from_csv(train)?)?.into_bundle()?;
    model.save("flights.nn")?;

    let (network, preprocess) = (model.network(), model.preprocess().ok_or("it has been fitted to a table")?);
    let test = preprocess.csv().read(test)?.drop_missing(&["arr_delay"])?;
    println!("{}", Regression::evaluate(network, &preprocess.dataset(&test)?)?);
    model.predict(&test)?.to_table()?.write_csv("predicted.csv")?;
    onnx::Export::bundle(&model).write("flights.onnx")?;
    Ok(())
}

//! What preprocessing learns, what it makes of tables, and what it refuses. tests/preprocess_agreement.py holds its numbers
//! against scikit-learn's.
#![cfg(feature = "tables")]
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::prelude::*;
use nn_train::preprocess::{Missing, Preprocess, PreprocessBuilder, Scaling, Unseen};
use nn_train::table::{Column, Csv, Table, TableFault};
use nn_train::{Activation, Error, Loss};

const FLATS: &str = "area,town,grade,rooms,price\n50,Ulm,good,2,200\n70,Aalen,bad,3,280\n60,Ulm,best,1,240\n";

fn read(text: &str) -> Table {
    Csv::new().read_bytes(text.as_bytes()).unwrap()
}

fn fault<V: std::fmt::Debug>(result: Result<V, Error>) -> TableFault {
    match result.unwrap_err() {
        Error::Table { fault, .. } => *fault,
        other => panic!("{other}"),
    }
}

fn message<V: std::fmt::Debug>(result: Result<V, Error>) -> String {
    result.unwrap_err().to_string()
}

fn of(text: &str) -> PreprocessBuilder {
    Preprocess::for_target(text)
}

/// The inputs that the training rows become.
fn inputs(builder: &PreprocessBuilder, table: &Table) -> Vec<f64> {
    builder.fit(table).unwrap().inputs(table).unwrap()
}

#[test]
fn columns_become_inputs() {
    let flats = read(FLATS);
    let builder = of("price").ordinal("grade", ["bad", "good", "best"]).scaling(Scaling::None);
    let preprocess = builder.fit(&flats).unwrap();
    assert_eq!(preprocess.input_names(), ["area", "town=Aalen", "town=Ulm", "grade", "rooms"]);
    assert_eq!((preprocess.input_width(), preprocess.target_width()), (5, 1));
    assert_eq!((preprocess.target_names(), preprocess.classes()), (vec!["price"], None));
    let expected = [50., 0., 1., 1., 2., 70., 1., 0., 0., 3., 60., 0., 1., 2., 1.];
    assert_eq!(preprocess.inputs::<f64>(&flats).unwrap(), expected);
    let data = preprocess.dataset::<f64>(&flats).unwrap();
    assert_eq!(data.inputs(), expected);
    assert_eq!(data.to_original_units(&[-1.0, 0.0]).unwrap()[1], 240.0);
    assert!((data.targets().iter().sum::<f64>()).abs() < 1e-12);

    // Without targets, in another order, and with columns that nobody asks for.
    let new = read("rooms,new,grade,town,area\n1,x,best,Ulm,60\n");
    assert_eq!(preprocess.inputs::<f64>(&new).unwrap(), expected[10..]);
    let months = builder.inputs(["rooms", "area"]).one_hot("rooms");
    assert_eq!(
        fault(months.fit(&flats)),
        TableFault::UnknownColumn { expected: "an input, one of \"rooms\", \"area\"".to_owned() }
    );
    let months = of("price").inputs(["rooms", "area"]).one_hot("rooms").scaling_of("area", Scaling::None);
    assert_eq!(months.fit(&flats).unwrap().input_names(), ["rooms=1", "rooms=2", "rooms=3", "area"]);
    assert_eq!(inputs(&months, &flats), [0., 1., 0., 50., 0., 0., 1., 70., 1., 0., 0., 60.]);
    assert_eq!(
        months.without(["area"]).fit(&flats).unwrap_err(),
        of("price").inputs(["rooms"]).scaling_of("area", Scaling::None).fit(&flats).unwrap_err()
    );
}

#[test]
fn only_training_rows_are_learned_from() {
    let table = read("x,town,y\n1,a,1\n3,b,2\n100,c,3\n,d,4\n");
    let train = table.subset(&[1, 0]).unwrap();
    let preprocess = of("y").missing(Missing::Mean).fit(&train).unwrap();
    assert_eq!(preprocess.input_names(), ["x", "town=a", "town=b"]);
    // Mean 2, deviation 1; a town of the test rows is none of the training rows'.
    assert_eq!(preprocess.inputs::<f64>(&table).unwrap()[6..], [98., 0., 0., 0., 0., 0.]);
}

#[test]
fn scales_are_learned() {
    let column =
        |numbers: &[f64]| Table::new([("x", numbers.to_vec().into()), ("y", Column::from(numbers.to_vec()))]).unwrap();
    let scaled = |scaling, numbers: &[f64]| inputs(&of("y").scale_targets(false).scaling(scaling), &column(numbers));
    assert_eq!(scaled(Scaling::Standard, &[1.0, 3.0]), [-1.0, 1.0]);
    let numbers = [0.0, 1.0, 2.0, 3.0, 8.0];
    assert_eq!(scaled(Scaling::Robust, &numbers), [-1.0, -0.5, 0.0, 0.5, 3.0]);
    let clipped = scaled(Scaling::RobustClipped, &numbers);
    assert!((clipped[4] - 3.0 / 2.0_f64.sqrt()).abs() < 1e-15 && clipped[2] == 0.0, "{clipped:?}");
    // The quartiles are alike: half the range.
    assert_eq!(scaled(Scaling::Robust, &[0.0, 0.0, 0.0, 0.0, 8.0]), [0.0, 0.0, 0.0, 0.0, 2.0]);
    let normal = scaled(Scaling::Quantile, &[0.0, 5.0, 5.0, 5.0, 100.0]);
    assert!(normal[2].abs() < 1e-15 && normal[4] == -normal[0], "{normal:?}");
    assert!((normal[4] - 5.199337582605575).abs() < 1e-12);
    for scaling in [Scaling::Standard, Scaling::Robust, Scaling::RobustClipped, Scaling::Quantile] {
        // A column that never varies, and one that nearly overflows.
        assert_eq!(scaled(scaling, &[7.0, 7.0, 7.0]), [0.0; 3]);
        assert!(scaled(scaling, &[f64::MAX, -f64::MAX, 0.0, 1.0]).iter().all(|input| input.is_finite()));
        assert_eq!(scaled(scaling, &[1e300, -1e300])[0], -scaled(scaling, &[1e300, -1e300])[1]);
    }
    let far = column(&[1.0, 2.0]);
    for scaling in [Scaling::RobustClipped, Scaling::Quantile] {
        let fitted = of("y").scale_targets(false).scaling(scaling).fit(&far).unwrap();
        let ends = fitted.inputs::<f32>(&column(&[f64::MAX, -f64::MAX])).unwrap();
        assert!(ends[0] > 2.9 && ends[1] == -ends[0], "{ends:?}");
    }
    let fitted = of("y").fit(&far).unwrap();
    assert_eq!(fault(fitted.inputs::<f32>(&column(&[1e300]))), TableFault::TooFar { found: 1e300 });
    assert_eq!(fitted.inputs::<f64>(&column(&[1e300])).unwrap(), [2e300]);
    assert_eq!(fault(fitted.inputs::<f32>(&column(&[f64::INFINITY]))), TableFault::NotFinite { found: f64::INFINITY });
    assert_eq!(fault(of("y").fit(&column(&[1.0, f64::INFINITY]))), TableFault::NotFinite { found: f64::INFINITY });
    let tiny = column(&[0.0, f64::MIN_POSITIVE * f64::EPSILON]);
    assert_eq!(fault(of("y").fit(&tiny)), TableFault::Deviation);
}

#[test]
fn missing_values_follow_the_policy() {
    let table = read("x,town,grade,y\n1,b,low,1\n,a,high,2\n4,,high,3\n4,b,,4\n");
    let builder = of("y").ordinal("grade", ["low", "high"]).scaling(Scaling::None);
    let error = "the input, line 3, column \"x\": the value is missing; expected one, or a policy such as \
                 missing(Missing::Median)";
    assert_eq!(message(builder.fit(&table)), error);
    let rows = |missing| inputs(&builder.clone().missing(missing), &table);
    let whole = [1.0, 0.0, 1.0];
    assert_eq!(rows(Missing::Mean)[..3], whole);
    for (missing, x, grade) in [
        (Missing::Mean, 3.0, 2.0 / 3.0),
        (Missing::Median, 4.0, 1.0),
        (Missing::MostFrequent, 4.0, 1.0),
        (Missing::Constant(-1.0), -1.0, -1.0),
    ] {
        let preprocess = builder.clone().missing(missing).indicators().fit(&table).unwrap();
        let names = preprocess.input_names();
        let rows = preprocess.inputs::<f64>(&table).unwrap();
        let row = |row: usize| &rows[row * names.len()..][..names.len()];
        if missing == Missing::MostFrequent {
            assert_eq!(names, ["x", "x missing", "town=a", "town=b", "town missing", "grade", "grade missing"]);
            assert_eq!(row(2), [4.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
        } else {
            assert_eq!(names, ["x", "x missing", "town=a", "town=b", "town missing", "grade", "grade missing"]);
            assert_eq!(row(2), [4.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
        }
        assert_eq!(row(1), [x, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(row(3), [4.0, 0.0, 0.0, 1.0, 0.0, grade, 1.0]);
    }
    // A column of its own is enough for text; numbers need to be asked.
    let mixed =
        builder.clone().missing(Missing::Error).missing_of("x", Missing::Mean).missing_of("town", Missing::Mean);
    assert_eq!(fault(mixed.fit(&table)), TableFault::Missing);
    let mixed = mixed.missing_of("grade", Missing::Mean).fit(&table).unwrap();
    assert_eq!(mixed.input_names(), ["x", "town=a", "town=b", "town missing", "grade"]);
    // Tomorrow's rows miss what training's did not.
    let fitted = builder.clone().missing(Missing::Median).fit(&table.head(1)).unwrap();
    assert_eq!(fitted.inputs::<f64>(&table).unwrap()[2..6], [0.0, 1.0, 0.0, 1.0]);
    let strict = builder.fit(&table.head(1)).unwrap();
    assert_eq!(message(strict.inputs::<f64>(&table)), error);

    let nothing = read("x,y\n,1\n,2\n");
    for missing in [Missing::Mean, Missing::Median, Missing::MostFrequent] {
        assert_eq!(fault(of("y").missing(missing).fit(&nothing)), TableFault::NoValue);
        assert_eq!(fault(of("y").missing(missing).one_hot("x").fit(&nothing)), TableFault::NoValue);
    }
    assert_eq!(inputs(&of("y").missing(Missing::Constant(5.0)), &nothing), [0.0, 0.0]);
    let infinite = of("y").missing(Missing::Constant(f64::INFINITY));
    assert_eq!(fault(infinite.fit(&nothing)), TableFault::NotFinite { found: f64::INFINITY });
}

#[test]
fn unseen_categories_follow_the_policy() {
    let (train, test) = (read("a,b,y\np,low,1\nq,high,2\n"), read("a,b,y\nr,low,1\n"));
    let builder = of("y").ordinal("b", ["low", "high"]).scaling(Scaling::None);
    assert_eq!(builder.fit(&train).unwrap().inputs::<f64>(&test).unwrap(), [0.0, 0.0, 0.0]);
    let not_missing = builder.clone().missing(Missing::MostFrequent).fit(&train).unwrap();
    assert_eq!(not_missing.inputs::<f64>(&test).unwrap(), [0.0, 0.0, 0.0]);
    let strict = builder.clone().unseen(Unseen::Error).fit(&train).unwrap();
    let expected = "the input, line 2, column \"a\": found \"r\"; expected one of \"p\", \"q\"";
    assert_eq!(message(strict.inputs::<f64>(&test)), expected);
    let middle = read("a,b,y\np,hig,1\n");
    let expected = "the input, line 2, column \"b\": found \"hig\"; expected one that there is; did you mean \"high\"?";
    assert_eq!(message(builder.fit(&train).unwrap().inputs::<f64>(&middle)), expected);
    let as_missing = builder.unseen(Unseen::Missing);
    // Without a policy for missing values the category is what is wrong.
    assert_eq!(
        fault(as_missing.fit(&train).unwrap().inputs::<f64>(&test)),
        TableFault::Unseen { found: "r".to_owned(), expected: "one of \"p\", \"q\"".to_owned() }
    );
    let filled = as_missing.missing(Missing::MostFrequent).fit(&train).unwrap();
    assert_eq!(filled.inputs::<f64>(&test).unwrap(), [1.0, 0.0, 0.0]);
    assert_eq!(filled.inputs::<f64>(&middle).unwrap(), [1.0, 0.0, 0.0]);

    let gaps = read("a,y\np,1\n,2\n");
    let column = of("y").missing(Missing::Mean).unseen(Unseen::Missing).fit(&gaps).unwrap();
    assert_eq!(column.inputs::<f64>(&test).unwrap(), [0.0, 1.0]);

    let ids =
        Table::new([("id", Column::text((0..257).map(|id| id.to_string()))), ("y", vec![1.0; 257].into())]).unwrap();
    assert_eq!(fault(of("y").fit(&ids)), TableFault::Categories { found: 257, limit: 256 });
    assert_eq!(of("y").max_categories(257).fit(&ids).unwrap().input_width(), 257);
}

#[test]
fn targets_decide_the_task() {
    let table = read("x,kind,zero,w,p,q\n1,cat,0,1,5,1\n2,dog,1,2,7,2\n3,cow,1,0,9,3\n4,dog,0,1,11,4\n");
    let kind = of("kind").inputs(["x"]).fit(&table).unwrap();
    assert_eq!(kind.classes().unwrap(), ["cat", "cow", "dog"]);
    assert_eq!(kind.dataset::<f32>(&table).unwrap().labels().unwrap(), [0, 2, 1, 2]);
    let architecture = kind.architecture(&[7, 3]).unwrap();
    assert_eq!(architecture.to_string(), "1 => 7 relu => 3 relu => 3 softmax, cross_entropy");
    assert!(matches!(kind.architecture(&[0]), Err(Error::Architecture(_))));

    let zero = of("zero").inputs(["x"]).classes().weights("w").fit(&table).unwrap();
    let architecture = zero.architecture(&[]).unwrap();
    assert_eq!((architecture.output_activation(), architecture.loss()), (Activation::Sigmoid, Loss::CrossEntropy));
    let data = zero.dataset::<f64>(&table).unwrap();
    assert_eq!((data.targets(), data.weights()), (&[0.0, 1.0, 1.0, 0.0][..], Some(&[1.0, 2.0, 0.0, 1.0][..])));
    assert_eq!(zero.classes().unwrap(), ["0", "1"]);
    assert_eq!(of("w").fit(&table).unwrap().architecture(&[4]).unwrap().loss(), Loss::Mse);

    let both = Preprocess::for_targets(["p", "q"]).inputs(["x"]).fit(&table).unwrap();
    let data = both.dataset::<f64>(&table).unwrap();
    assert_eq!(data.target_width(), 2);
    let values = both.invert(data.targets()).unwrap();
    assert!(values.values().iter().zip([5., 1., 7., 2., 9., 3., 11., 4.]).all(|(a, b)| (a - b).abs() < 1e-12));
    assert_eq!(values.to_table().unwrap().names(), ["p", "q"]);
    let plain = Preprocess::for_targets(["p", "q"]).inputs(["x"]).scale_targets(false).fit(&table).unwrap();
    assert_eq!(plain.dataset::<f64>(&table).unwrap().targets()[..2], [5.0, 1.0]);

    let new = read("x,kind\n1,cot\n");
    let expected =
        "the input, line 2, column \"kind\": found \"cot\"; expected one that there is; did you mean \"cat\"?";
    assert_eq!(message(kind.dataset::<f32>(&new)), expected);
    let gaps = read("x,kind,p,w\n1,cat,5,1\n2,,,1\n3,dog,2,\n");
    assert_eq!(fault(of("p").inputs(["x"]).fit(&gaps)), TableFault::MissingTarget { what: "target" });
    assert_eq!(fault(kind.dataset::<f32>(&gaps)), TableFault::MissingTarget { what: "target" });
    let weighted = of("kind").inputs(["x"]).weights("w").fit(&gaps.subset(&[0, 2]).unwrap()).unwrap();
    assert_eq!(
        fault(weighted.dataset::<f32>(&gaps.subset(&[0, 2]).unwrap())),
        TableFault::MissingTarget { what: "weight" }
    );
    assert_eq!(fault(of("kind").inputs(["x"]).fit(&table.head(1))), TableFault::Classes { found: 1 });
}

#[test]
fn settings_that_contradict_are_refused() {
    let table = read(FLATS);
    let settings = |builder: PreprocessBuilder| match fault(builder.fit(&table)) {
        TableFault::Settings { reason } => reason,
        other => panic!("{other}"),
    };
    let none: [&str; 0] = [];
    assert!(settings(Preprocess::for_targets(none)).starts_with("there is no target"));
    assert!(settings(of("price").weights("price")).starts_with("a column is target or weight twice"));
    assert!(settings(of("price").inputs(["price"])).starts_with("an input is the target"));
    assert!(settings(of("price").inputs(none)).starts_with("no column is left"));
    assert!(settings(of("price").inputs(["area", "area"])).starts_with("a column is named twice"));
    assert!(settings(of("price").ordinal("grade", ["a", "a"])).starts_with("a category"));
    assert!(settings(Preprocess::for_targets(["price", "area"]).classes()).starts_with("several targets"));
    for builder in [of("prize"), of("price").without(["x"]), of("price").inputs(["x"]), of("price").weights("x")] {
        assert!(matches!(fault(builder.fit(&table)), TableFault::UnknownColumn { .. }));
    }
    let kind = fault(of("price").ordinal("rooms", ["1", "2", "3"]).fit(&table));
    assert!(matches!(kind, TableFault::Kind { found: "numbers", .. }), "{kind}");
    assert_eq!(fault(of("price").fit(&table.head(0))), TableFault::NoRows);
    assert_eq!(fault(of("price").fit(&table).unwrap().inputs::<f32>(&table.head(0))), TableFault::NoRows);
}

#[test]
fn a_declared_network_is_held_against_the_columns() {
    network! { struct Price<5 => 4 relu => 1 linear>: f64; }
    network! { struct Kind<4 => 2 softmax>; }
    let flats = read(FLATS);
    let preprocess = of("price").ordinal("grade", ["bad", "good", "best"]).fit(&flats).unwrap();
    let mut network = Price::new(1);
    let data = preprocess.dataset_for(&network, &flats).unwrap();
    assert_eq!(data.inputs().len(), 3);
    Trainer::builder().learning_rate(0.02).epochs(300).build().unwrap().fit(&mut network, &data, None).unwrap();
    let predictions = preprocess.predict(&network, &flats).unwrap();
    for (value, price) in predictions.values().iter().zip([200.0, 280.0, 240.0]) {
        assert!((value - price).abs() < 1.0, "{value} {price}");
    }
    // The same numbers one by one.
    let one = preprocess.predict(&network, &flats.subset(&[1]).unwrap()).unwrap();
    assert!((one.values()[0] - predictions.values()[1]).abs() < 1e-9);

    let expected = "the input: the network has 4 inputs; expected 5: 1 from \"area\", 2 from \"town\", 1 from \"grade\", 1 \
                    from \"rooms\"";
    assert_eq!(message(preprocess.dataset_for(&Kind::new(1), &flats)), expected);
    assert_eq!(message(preprocess.predict(&Kind::new(1), &flats)), expected);
    let grades = of("grade").inputs(["area", "rooms", "town"]).fit(&flats).unwrap();
    let expected =
        "the input: the network has 2 outputs; expected 3: \"grade\" has the classes \"bad\", \"best\", \"good\"";
    assert_eq!(message(grades.dataset_for(&Kind::new(1), &flats)), expected);
}

#[test]
fn predictions_are_in_the_words_of_the_table() {
    let table = read("x,kind\n1,a\n2,b\n3,c\n");
    let preprocess = of("kind").fit(&table).unwrap();
    let predictions = preprocess.invert(&[0.2_f32, 0.5, 0.3, 0.4, 0.2, 0.4]).unwrap();
    assert_eq!((predictions.labels(), predictions.rows()), (vec!["b", "a"], 2));
    assert_eq!((predictions.probabilities().len(), predictions.values().len()), (6, 0));
    let table = predictions.to_table().unwrap();
    assert_eq!(table.column("kind").unwrap(), &Column::text(["b", "a"]));
    assert_eq!(table.numbers("probability of a").unwrap()[1], f64::from(0.4_f32));
    assert!(matches!(preprocess.invert(&[0.5_f64; 4]), Err(Error::Features { expected: 3, found: 4, .. })));
    let nan = preprocess.invert(&[0.1, 0.2, 0.7, 0.5, f64::NAN, 0.5]);
    assert!(matches!(nan, Err(Error::NaNOutput { sample: 1, column: 1 })));
    assert_eq!(preprocess.invert::<f32>(&[]).unwrap().rows(), 0);
}

#[test]
fn files_are_read_as_in_training() {
    let preprocess =
        of("y").fit(&Csv::new().text("zip").read_bytes(b"zip,x,y\n07030,1,1\n10001,2,2\n").unwrap()).unwrap();
    // Neither the zip codes nor the target's absence make a difference.
    let new = preprocess.csv().read_bytes(b"x,zip\n1,07030\n").unwrap();
    assert_eq!(preprocess.inputs::<f64>(&new).unwrap(), [1.0, 0.0, -1.0]);
    let error = preprocess.csv().read_bytes(b"x,zip\n1,07030\nO,07030\n").unwrap_err();
    assert_eq!(error.to_string(), "the input, line 3, column \"x\": found \"O\"; expected a number");
    // Of categories that look like numbers in a few rows, too.
    let kinds = of("y").fit(&read("kind,y\n1,1\n2,2\nx,3\n")).unwrap();
    assert_eq!(kinds.inputs::<f64>(&read("kind\n2\n")).unwrap(), [0.0, 1.0, 0.0]);
    assert_eq!(fault(kinds.inputs::<f64>(&read("kind,x\n,1\n"))), TableFault::Missing);
}

#[test]
fn categories_of_the_other_kind_are_compared_by_number_or_refused() {
    // The file to predict from has nothing but numbers where there was text in training.
    for code in ["07030", "1.0", "1\n1.0", "12345678901234567891", "NaN"] {
        let train = format!("code,y\nx\n{code}\n").replace('\n', ",1\n").replacen(",1", "", 1);
        let train = Csv::new().missing(["-"]).read_bytes(train.as_bytes()).unwrap();
        let codes = of("y").scale_targets(false).fit(&train).unwrap();
        let new = "code\n7030\n1\n";
        let expected = "the input, column \"code\": it holds numbers; expected text as in the training rows, which has a \
                        number written in another way, such as 07030 or 1.0: preprocess.csv() reads a file so";
        assert_eq!(message(codes.inputs::<f64>(&read(new))), expected, "{code}");
        codes.inputs::<f64>(&codes.csv().read_bytes(new.as_bytes()).unwrap()).unwrap();
        let ordinal = of("y").ordinal("code", train_categories(code)).fit(&train).unwrap();
        assert_eq!(message(ordinal.inputs::<f64>(&read(new))), expected);
        let classes = of("code").classes().fit(&train).unwrap();
        assert_eq!(message(classes.dataset::<f64>(&read("code,y\n1,1\n"))), expected);
    }
    // Categories that are the texts of their numbers are not ambiguous.
    let plain = of("y").fit(&read("code,y\nx,1\n-1.5,2\n0,3\n")).unwrap();
    assert_eq!(plain.inputs::<f64>(&read("code\n-1.50\n-0\n7\n")).unwrap(), [1., 0., 0., 0., 1., 0., 0., 0., 0.]);
    // One bad value makes text of numbers that are categories.
    let months = of("y").one_hot("month").missing(Missing::Mean).fit(&read("month,y\n1,1\n2,2\n")).unwrap();
    let new = Csv::new().missing(["-"]).read_bytes(b"month\n01\n 2.0\nnan\n3\nx\n").unwrap();
    assert_eq!(months.inputs::<f64>(&new).unwrap(), [1., 0., 0., 1., 0., 0., 0., 0., 0., 0.]);
    let class = of("y").classes().fit(&read("x,y\n1,0\n2,1\n")).unwrap();
    let new = read("x,y\n1,1.0\n2,00\n3,x\n");
    assert_eq!(class.dataset::<f64>(&new.head(2)).unwrap().targets(), [1.0, 0.0]);
    assert_eq!(
        message(class.dataset::<f64>(&new)),
        "the input, line 4, column \"y\": found \"x\"; expected one of \"0\", \"1\""
    );
}

#[test]
fn files_to_predict_from_are_read_with_the_settings_of_training() {
    let fit = |csv: Csv<'_>, text: &str| {
        let train = csv.read_bytes(text.as_bytes()).unwrap().subset(&[1, 0]).unwrap();
        of("y").scale_targets(false).scaling(Scaling::None).missing(Missing::Constant(0.5)).fit(&train).unwrap()
    };
    let inputs = |preprocess: &Preprocess, text: &str| {
        let table = preprocess.csv().read_bytes(text.as_bytes()).unwrap();
        preprocess.inputs::<f64>(&table).unwrap()
    };
    let marked = fit(Csv::new().missing(["-999"]), "x,y\n1,1\n1,1\n-999,1\n");
    assert_eq!(inputs(&marked, "x\n-999.0\n2\n"), [0.5, 2.0]);
    let category = fit(Csv::new().missing(["?"]), "x,y\nNA,1\nNA,1\nNA,1\nNA,1\n");
    assert_eq!(category.input_names(), ["x=NA"]);
    assert_eq!(inputs(&category, "x\nNA\n?\n"), [1.0, 0.0]);
    let trimmed = fit(Csv::new().trim().delimiter(b';').lossy(), " x ;y\n a;1\na ;1\n a ;1\na;1\n");
    assert_eq!(inputs(&trimmed, "y; x\n1;a \n\n1;\u{e9}\n"), [1.0, 0.0]);
    let table = trimmed.csv().read_bytes(b"x\n\xE9\na\n").unwrap();
    assert_eq!(trimmed.inputs::<f64>(&table).unwrap(), [0.0, 1.0]);
    // What is set anew counts.
    let table = trimmed.csv().delimiter(b',').read_bytes(b"x,z\na,1\n").unwrap();
    assert_eq!(trimmed.inputs::<f64>(&table).unwrap(), [1.0]);
    #[cfg(feature = "serde")]
    for preprocess in [&marked, &category, &trimmed] {
        let read: Preprocess = serde_json::from_str(&serde_json::to_string(preprocess).unwrap()).unwrap();
        assert_eq!(format!("{:?}", read.csv()), format!("{:?}", preprocess.csv()));
    }
    // A table of columns in memory has no file.
    let memory = Table::new([("x", Column::from(vec![1.0])), ("y", vec![1.0].into())]).unwrap();
    let fitted = of("y").missing(Missing::Mean).fit(&memory).unwrap();
    assert!(fitted.csv().read_bytes(b"x\nNA\n").unwrap().value(0, "x").unwrap().is_missing());
}

#[test]
fn a_misspelt_number_makes_no_classes_of_a_target() {
    let text = "x,y\n1,5\n2,\n3,6 m\n4,7\n5,8\n";
    let expected = "the input, line 4, column \"y\": found \"6 m\", and most values of the target are numbers; expected a \
                    number, or classes(), or text(name) of the reader, where the target is classes";
    let table = read(text);
    assert_eq!(message(of("y").fit(&table)), expected);
    // Also where that row went to the other part.
    let others = table.subset(&[0, 3, 4]).unwrap();
    assert!(message(of("y").fit(&others)).starts_with("the input, column \"y\": it holds numbers as text"));
    let classes = ["5", "6 m", "7", "8"];
    assert_eq!(of("y").classes().fit(&table).unwrap().classes().unwrap(), classes);
    let declared = Csv::new().text("y").read_bytes(text.as_bytes()).unwrap();
    assert_eq!(of("y").fit(&declared).unwrap().classes().unwrap(), classes);
    let memory = Table::new([("x", Column::from(vec![1.0; 4])), ("y", Column::text(classes))]).unwrap();
    assert_eq!(of("y").fit(&memory).unwrap().classes().unwrap(), classes);
    // Half of them are not most.
    assert_eq!(of("y").fit(&read("x,y\n1,5\n2,a\n")).unwrap().classes().unwrap(), ["5", "a"]);

    let many = |column: Column| Table::new([("x", Column::from(vec![1.0; 257])), ("y", column)]).unwrap();
    let names = many(Column::text((0..257).map(|id| format!("name {id}"))));
    let numbers = many(Column::from((0..257).map(f64::from).collect::<Vec<_>>()));
    for builder in [of("y").classes(), of("y").classes().max_categories(256)] {
        for table in [&names, &numbers] {
            assert_eq!(fault(builder.fit(table)), TableFault::ManyClasses { found: 257, limit: 256 });
            assert_eq!(builder.clone().max_categories(257).fit(table).unwrap().target_width(), 257);
        }
    }
    assert_eq!(of("y").fit(&numbers).unwrap().target_width(), 1);
}

#[test]
fn ordinals_that_have_no_place_are_refused_at_once() {
    let table = read("x,y\nlow,1\nmid,2\nhigh,3\n");
    let builder = of("y").ordinal("x", ["low", "high"]).scaling(Scaling::None).indicators();
    let expected = "the input, line 3, column \"x\": found \"mid\"; expected one of \"low\", \"high\"";
    let missing = builder.clone().missing(Missing::Constant(0.25));
    for refused in [&builder, &missing, &builder.clone().unseen(Unseen::Missing)] {
        assert_eq!(message(refused.fit(&table)), expected);
    }
    let counted = missing.unseen(Unseen::Missing).fit(&table).unwrap();
    assert_eq!(counted.input_names(), ["x", "x missing"]);
    assert_eq!(counted.inputs::<f64>(&table).unwrap(), [0.0, 0.0, 0.25, 1.0, 1.0, 0.0]);
}

#[test]
fn weights_that_are_none_are_named() {
    let fitted = of("y").weights("w").fit(&read("x,y,w\n1,1,1\n2,2,0\n")).unwrap();
    for (weight, found) in [("-0.5", "-0.5"), ("inf", "inf"), ("1e300", "1e300")] {
        let table = read(&format!("x,y,w\n1,1,1\n2,2,{weight}\n"));
        let expected =
            format!("the input, line 3, column \"w\": found {found}; expected a finite weight of at least 0");
        assert_eq!(message(fitted.dataset::<f32>(&table)), expected);
    }
    assert!(matches!(fitted.dataset::<f32>(&read("x,y,w\n1,1,0\n")), Err(Error::Weightless { .. })));
}

/// The categories of a column of these lines and of x.
fn train_categories(lines: &str) -> Vec<&str> {
    lines.lines().chain(["x"]).collect()
}

#[cfg(feature = "serde")]
#[test]
fn what_was_learned_goes_into_a_file_and_comes_out() {
    let table = read("a,b,c,d,e,y,z\n1,x,1,2,low,1,k\n,y,2,5,high,0,l\n4,,3,9,low,1,m\n");
    let numbers = Preprocess::for_targets(["y", "c"])
        .without(["z"])
        .weights("d")
        .ordinal("e", ["low", "high"])
        .missing(Missing::Median)
        .scaling_of("a", Scaling::Quantile)
        .scaling_of("e", Scaling::RobustClipped);
    for builder in
        [numbers, of("z").missing(Missing::MostFrequent).indicators(), of("y").classes().missing(Missing::Mean)]
    {
        let fitted = builder.fit(&table).unwrap();
        let text = serde_json::to_string(&fitted).unwrap();
        let read: Preprocess = serde_json::from_str(&text).unwrap();
        assert_eq!(read, fitted);
        assert_eq!(read.inputs::<f64>(&table).unwrap(), fitted.inputs::<f64>(&table).unwrap());
        let bytes = postcard::to_stdvec(&fitted).unwrap();
        assert_eq!(postcard::from_bytes::<Preprocess>(&bytes).unwrap(), fitted);
    }
    let good = serde_json::to_value(of("z").missing(Missing::MostFrequent).fit(&table).unwrap()).unwrap();
    for (place, wrong) in [
        ("/inputs", "[]"),
        ("/inputs/0/encoding/Number/scale/Affine/unit", "0"),
        ("/inputs/0/encoding/Number/scale", r#"{"Quantile":{"knots":[]}}"#),
        ("/inputs/0/encoding/Number/scale", r#"{"Quantile":{"knots":[2,1]}}"#),
        ("/inputs/1/encoding/OneHot/fill", "2"),
        ("/inputs/1/encoding/OneHot/categories", "[]"),
        ("/inputs/1/encoding/OneHot/categories", r#"["x","x"]"#),
        ("/target/Classes/classes", r#"["k"]"#),
        ("/target", r#"{"Numbers":{"names":[],"standardizer":null}}"#),
        ("/target", r#"{"Numbers":{"names":["y"],"standardizer":{"means":[1,2],"deviations":[1,2]}}}"#),
    ] {
        let mut file = good.clone();
        *file.pointer_mut(place).unwrap() = serde_json::from_str(wrong).unwrap();
        let error = serde_json::from_value::<Preprocess>(file).unwrap_err().to_string();
        assert!(error.starts_with("column "), "{place} {wrong}: {error}");
    }
}

#[test]
fn numbers_are_put_into_bins() {
    let column =
        |numbers: &[f64]| Table::new([("x", numbers.to_vec().into()), ("y", Column::from(numbers.to_vec()))]).unwrap();
    let of_y = || of("y").scale_targets(false).scaling(Scaling::None);
    let encoded = |bins, numbers: &[f64], new: &[f64]| {
        of_y().bins(bins).fit(&column(numbers)).unwrap().inputs::<f64>(&column(new)).unwrap()
    };
    // Quartiles at 2, 4, 6 and 8.
    let numbers = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    assert_eq!(encoded(4, &numbers, &[0.0]), [0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(encoded(4, &numbers, &[5.0]), [5.0, 1.0, 1.0, 0.5, 0.0]);
    assert_eq!(encoded(4, &numbers, &[8.0]), [8.0, 1.0, 1.0, 1.0, 1.0]);
    // What is outside is at the ends.
    assert_eq!(encoded(4, &numbers, &[-100.0, 100.0]), [-100.0, 0.0, 0.0, 0.0, 0.0, 100.0, 1.0, 1.0, 1.0, 1.0]);
    // The 16 rows of an outermost bin are divided where 4 of them lie beyond.
    let many: Vec<f64> = (0..65).map(f64::from).collect();
    let names = of_y().bins(4).fit(&column(&many)).unwrap().input_names();
    assert_eq!(names[1..4], ["x from 0 to 4", "x from 4 to 16", "x from 16 to 32"]);
    assert_eq!(names[4..], ["x from 32 to 48", "x from 48 to 60", "x from 60 to 64"]);
    assert_eq!(encoded(4, &many, &[62.0]), [62.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5]);
    // Fewer bins where edges are alike, and none where there is only one.
    // Edges at 1, 1.75 and 3.
    assert_eq!(encoded(4, &[1.0, 1.0, 1.0, 1.0, 2.0, 3.0], &[1.75]), [1.75, 1.0, 0.0]);
    assert_eq!(encoded(4, &[1.0, 1.0, 1.0, 1.0, 3.0], &[2.0]), [2.0]);
    assert_eq!(encoded(4, &[1.0, 1.0], &[2.0]), [2.0]);
    for bins in [0, 1] {
        assert_eq!(encoded(bins, &numbers, &[2.0]), [2.0]);
    }
    assert_eq!(encoded(usize::MAX, &[1.0, 2.0, 3.0], &[2.0])[0], 2.0);
    // Whatever the numbers, an input is between 0 and 1.
    let tiny = f64::MIN_POSITIVE * f64::EPSILON;
    for numbers in [[-f64::MAX, -1e300, 0.0, 1.0, f64::MAX], [0.0, tiny, 2.0 * tiny, 3.0 * tiny, 1.0]] {
        for new in [f64::MAX, -f64::MAX, tiny, 0.0] {
            let inputs = &encoded(4, &numbers, &[new])[1..];
            assert!(inputs.iter().all(|input| (0.0..=1.0).contains(input)), "{inputs:?} of {new} in {numbers:?}");
        }
    }

    // One column of several, a gap, and the lines that say so.
    let table = read("x,z,y\n0,5,1\n1,,2\n2,7,3\n,9,4\n10,11,5\n");
    let preprocess = of_y().bins_of("x", 2).missing(Missing::Median).indicators().fit(&table).unwrap();
    assert_eq!(preprocess.input_names(), ["x", "x from 0 to 1.5", "x from 1.5 to 10", "x missing", "z", "z missing"]);
    assert_eq!(preprocess.inputs::<f64>(&table.subset(&[3]).unwrap()).unwrap(), [1.5, 1.0, 0.0, 1.0, 9.0, 0.0]);
    let shown = preprocess.to_string();
    let expected = "input 0-3  x: number, missing is 1.5, as it is; 2 bins; the last input says that it is missing\n";
    assert!(shown.starts_with(expected), "{shown}");
    assert!(matches!(fault(of_y().bins_of("X", 2).fit(&table)), TableFault::UnknownColumn { .. }));
    #[cfg(feature = "serde")]
    {
        let good = serde_json::to_value(&preprocess).unwrap();
        assert_eq!(serde_json::from_value::<Preprocess>(good.clone()).unwrap(), preprocess);
        for wrong in ["[]", "[1]", "[1, 1]", "[2, 1]", "[0, 5e-324]"] {
            let mut file = good.clone();
            *file.pointer_mut("/inputs/0/encoding/Binned/edges").unwrap() = serde_json::from_str(wrong).unwrap();
            let error = serde_json::from_value::<Preprocess>(file).unwrap_err().to_string();
            assert_eq!(
                error, "column \"x\" has edges of bins that are fewer than two, do not rise or are not finite",
                "{wrong}"
            );
        }
    }
}

#[test]
fn the_common_categories_get_an_input() {
    let table = read("town,month,y\nUlm,1,1\nBonn,2,2\nUlm,2,3\nAalen,3,4\nBonn,3,5\nCelle,3,6\n");
    let builder = of("y").one_hot("month").scale_targets(false);
    let names = |categories| builder.clone().common_categories(categories).fit(&table).unwrap().input_names();
    assert_eq!(names(1), ["town=Bonn", "month=3"]);
    assert_eq!(names(2), ["town=Bonn", "town=Ulm", "month=2", "month=3"]);
    assert_eq!(names(9).len(), 7);
    let preprocess = builder.clone().common_categories(2).fit(&table).unwrap();
    assert_eq!(preprocess.inputs::<f64>(&table.head(1)).unwrap(), [0.0, 1.0, 0.0, 0.0]);
    // The others are as unseen ones: an error if those are.
    let strict = builder.clone().common_categories(2).unseen(Unseen::Error).fit(&table).unwrap();
    assert!(matches!(fault(strict.inputs::<f64>(&table)), TableFault::Unseen { .. }));
    // The limit of categories is of those that get an input, and a target keeps all of its classes.
    assert!(builder.clone().common_categories(2).max_categories(2).fit(&table).is_ok());
    assert_eq!(of("town").common_categories(2).fit(&table).unwrap().classes().unwrap().len(), 4);
    assert!(matches!(fault(builder.clone().common_categories(0).fit(&table)), TableFault::Settings { .. }));
}

//! The preset for tables: what it decides, what it learns, and what it refuses. How good it is on public tables
//! benches/peers/tabular.py measures.
#![cfg(feature = "tabular")]
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::prelude::*;
use nn_train::table::TableFault;
use nn_train::tabular::{Fitted, LeftOut, Prepared, Rates, Reason, Recipe, Task};
use nn_train::{RunState, StepError};
use proptest::prelude::{Strategy, prop, prop_oneof, proptest};

/// Prices of flats, which depend on the area in a bend, on the town, and on nothing else.
fn flats(rows: usize) -> Table {
    let area = |row: usize| 20.0 + ((row * 37) % 101) as f64;
    let towns = ["Aalen", "Bonn", "Ulm"];
    let price = |row: usize| 100.0 + (area(row) - 70.0).abs() * 3.0 + 50.0 * (row % 3) as f64;
    let noise = |row: usize| ((row * row * 7919) % 1009) as f64;
    Table::new([
        ("area", Column::from((0..rows).map(area).collect::<Vec<_>>())),
        ("town", Column::text((0..rows).map(|row| towns[row % 3]))),
        ("noise", Column::from((0..rows).map(noise).collect::<Vec<_>>())),
        ("price", Column::from((0..rows).map(price).collect::<Vec<_>>())),
    ])
    .unwrap()
}

/// The same flats as classes: cheap, fair and dear ones.
fn classes(rows: usize) -> Table {
    let flats = flats(rows);
    let class = |&price: &f64| ["cheap", "fair", "dear"][usize::from(price > 190.0) + usize::from(price > 250.0)];
    let classes = Column::text(flats.numbers("price").unwrap().iter().map(class));
    flats.with("class", classes).unwrap().without(&["price"]).unwrap()
}

/// A recipe that takes little time.
fn quick(target: &str) -> Recipe {
    Recipe::for_target(target).hidden([32, 32]).batch_size(32).epochs(40).learning_rate(0.01).seed(3).threads(1)
}

fn fault<V: std::fmt::Debug>(result: Result<V, Error>) -> TableFault {
    match result.unwrap_err() {
        Error::Table { fault, .. } => *fault,
        other => panic!("{other}"),
    }
}

#[test]
fn numbers_are_learned() {
    let (test, train) = flats(900).split(0.2, 1).unwrap();
    let fitted = quick("price").fit(&train).unwrap();
    assert_eq!((fitted.task(), fitted.train_rows(), fitted.validation_rows()), (Task::Numbers, 576, 144));
    assert_eq!((fitted.left_out(), fitted.rows_without_target()), (&[][..], 0));
    let found = Regression::evaluate(fitted.network(), &fitted.preprocess().dataset(&test).unwrap()).unwrap();
    assert!(found.r2 > 0.98, "{found}");
    assert_eq!(fitted.predict(&test).unwrap().rows(), 180);
    let shown = fitted.to_string();
    assert!(shown.starts_with("\"price\" as numbers, 576 rows trained on\nbest of "), "{shown}");
}

#[test]
fn classes_are_learned() {
    let (test, train) = classes(900).stratified_split("class", 0.2, 1).unwrap();
    let fitted = quick("class").fit(&train).unwrap();
    assert_eq!(fitted.task(), Task::Classes);
    assert_eq!(fitted.preprocess().classes().unwrap(), ["cheap", "dear", "fair"]);
    let accuracy = metrics::accuracy(fitted.network(), &fitted.preprocess().dataset(&test).unwrap()).unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
    // Of the epochs with the highest accuracy it is the one with the lowest cost.
    let key = |epoch: &Epoch| (1.0 - epoch.accuracy.unwrap(), epoch.validation_cost.unwrap());
    let best = fitted.history().iter().min_by(|a, b| key(a).partial_cmp(&key(b)).unwrap()).unwrap();
    assert_eq!(fitted.best_epoch().unwrap(), best);
}

#[test]
fn two_classes_are_chosen_by_cost() {
    let table = flats(300);
    let dear =
        Column::from(table.numbers("price").unwrap().iter().map(|&price| f64::from(price > 200.0)).collect::<Vec<_>>());
    let table = table.with("price", dear).unwrap();
    let fitted = quick("price").fit(&table).unwrap();
    assert_eq!((fitted.task(), fitted.network().architecture().outputs()), (Task::Classes, 1));
    assert_eq!(fitted.best_epoch(), fitted.history().best());
}

#[test]
fn the_best_epoch_is_kept() {
    let table = flats(300);
    let (valid, train) = table.split(0.3, 2).unwrap();
    let fitted = quick("price").fit_with(&train, Some(&valid), [], None).unwrap();
    let data = fitted.preprocess().dataset(&valid).unwrap();
    let cost = fitted.network().cost(data.inputs(), data.targets(), 0.0).unwrap();
    let best = fitted.history().best().unwrap();
    assert_eq!(fitted.best_epoch(), Some(best));
    let expected = best.validation_cost.unwrap();
    assert!((cost - expected).abs() <= 1e-5 * expected, "{cost} instead of {expected}");

    // Patience ends a run, and the network is that of its best epoch.
    let fitted = quick("price").epochs(500).patience(3).learning_rate(0.1).rates(Rates::Constant).fit(&table).unwrap();
    assert!(fitted.history().len() < 500);
    assert_eq!(fitted.best_epoch().unwrap().number + 3, fitted.history().len());
}

#[test]
fn the_task_follows_from_the_target() {
    let task = |values: &[f64]| Task::of(&Table::new([("y", Column::from(values.to_vec()))]).unwrap(), "y").unwrap();
    assert_eq!(task(&[0.5, 1.5, 0.5]), Task::Classes);
    assert_eq!(task(&[0.0, 1.0, 2.0, f64::NAN]), Task::Classes);
    assert_eq!(task(&[0.0, 1.0, 2.5]), Task::Numbers);
    let counts = |most: usize| (0..100).map(|row| (row % most) as f64).collect::<Vec<_>>();
    assert_eq!((task(&counts(10)), task(&counts(11))), (Task::Classes, Task::Numbers));

    let rooms = flats(60).with("price", Column::from((0..60).map(|row| (row % 4) as f64).collect::<Vec<_>>())).unwrap();
    let prepared = |recipe: Recipe| recipe.prepare(&rooms, None).unwrap();
    assert_eq!(prepared(quick("price")).network().architecture().outputs(), 4);
    assert_eq!(prepared(quick("price").numbers()).network().architecture().outputs(), 1);
    let many = flats(60);
    let prepared = quick("price").classes().prepare(&many, None).unwrap();
    assert_eq!(prepared.task(), Task::Classes);
    assert!(prepared.network().architecture().outputs() > 10);
}

#[test]
fn only_training_rows_are_learned_from() {
    let train = flats(100);
    let far = Column::from(vec![1e6; 100]);
    let other = train.with("area", far).unwrap().with("town", Column::text(["elsewhere"; 100])).unwrap();
    let of = |valid: &Table| quick("price").prepare(&train, Some(valid)).unwrap().preprocess().clone();
    assert_eq!(of(&train), of(&other));
    // Without rows of its own to choose the epoch, the share that does is not learned from either. A recipe divides under its seed.
    let numbered = train.with("number", Column::from((0..100).map(f64::from).collect::<Vec<_>>())).unwrap();
    let (kept, held_out) = numbered.split(0.8, 3).unwrap();
    let of = |changed: &Table| {
        let is_changed = |row: usize| changed.numbers("number").unwrap().contains(&(row as f64));
        let area = train.numbers("area").unwrap().iter().enumerate();
        let area = area.map(|(row, &area)| if is_changed(row) { 1e6 + area } else { area });
        let price = train.numbers("price").unwrap().iter().enumerate();
        let price = price.map(|(row, &price)| if is_changed(row) { -price } else { price });
        let table = train.with("area", Column::from(area.collect::<Vec<_>>())).unwrap();
        let table = table.with("price", Column::from(price.collect::<Vec<_>>())).unwrap();
        let prepared = quick("price").prepare(&table, None).unwrap();
        assert_eq!((prepared.train_rows(), prepared.validation_rows()), (80, 20));
        prepared.preprocess().clone()
    };
    let plain = of(&numbered.head(0));
    assert_eq!(of(&held_out), plain);
    assert_ne!(of(&kept), plain);
}

#[test]
fn five_thousand_rows_are_enough_to_choose_the_epoch() {
    let parts = |recipe: Recipe, rows| {
        let prepared = recipe.prepare(&flats(rows), None).unwrap();
        (prepared.train_rows(), prepared.validation_rows())
    };
    assert_eq!(parts(quick("price").bins(0), 25_000), (20_000, 5000));
    assert_eq!(parts(quick("price").bins(0), 40_000), (35_000, 5000));
    assert_eq!(parts(quick("price").bins(0).validation(0.5), 40_000), (20_000, 20_000));
}

#[test]
fn a_seed_makes_the_same_bits_on_any_number_of_threads() {
    let table = classes(200);
    let fit = |seed, threads: usize| quick("class").epochs(5).seed(seed).threads(threads).fit(&table).unwrap();
    let parts = |fitted: Fitted| fitted.into_parts();
    assert_eq!(parts(fit(1, 1)), parts(fit(1, 2)));
    assert_ne!(parts(fit(1, 1)).0, parts(fit(2, 1)).0);
}

#[test]
fn a_run_is_watched_and_gone_on_from() {
    let table = classes(200);
    let recipe = quick("class").epochs(6);
    let whole = recipe.fit(&table).unwrap();
    let mut state: Option<RunState<f32>> = None;
    let mut seen = Vec::new();
    struct Watch<'a>(&'a mut Option<RunState<f32>>, &'a mut Vec<usize>);
    impl Callback<DynNetwork<f32>> for Watch<'_> {
        fn on_epoch(&mut self, context: &mut Context<'_, DynNetwork<f32>>) -> Result<Signal, Error> {
            self.1.push(context.epoch());
            if context.epoch() == 3 {
                *self.0 = Some(context.state()?);
            }
            Ok(Signal::Continue)
        }
    }
    let watch: Box<dyn Callback<DynNetwork<f32>>> = Box::new(Watch(&mut state, &mut seen));
    let watched = recipe.fit_with(&table, None, [watch], None).unwrap();
    assert_eq!((watched.network(), seen), (whole.network(), vec![1, 2, 3, 4, 5, 6]));

    let resumed = recipe.fit_with(&table, None, [], state.as_ref()).unwrap();
    assert_eq!(resumed.network(), whole.network());
    assert_eq!(resumed.history().len(), 6);
    // The state of a run on other columns is refused.
    let other = recipe.clone().without(["noise"]).fit_with(&table, None, [], state.as_ref());
    assert!(matches!(other, Err(Error::AnotherArchitecture { .. })), "{other:?}");
}

#[test]
fn columns_of_no_use_are_left_out() {
    let rows = 400;
    let numbers = |value: &dyn Fn(usize) -> f64| Column::from((0..rows).map(value).collect::<Vec<_>>());
    let table = flats(rows)
        .with("row", numbers(&|row| (row + 1) as f64))
        .unwrap()
        .with("empty", numbers(&|_| f64::NAN))
        .unwrap()
        .with("same", Column::text(vec!["x"; rows]))
        .unwrap()
        .with("person", Column::text((0..rows).map(|row| format!("person {row}"))))
        .unwrap()
        .with("half", numbers(&|row| if row % 2 == 0 { 1.0 } else { f64::NAN }))
        .unwrap();
    let prepared = quick("price").prepare(&table, None).unwrap();
    let left_out = |name: &str, reason| LeftOut { name: name.to_owned(), reason };
    let expected = [
        left_out("row", Reason::RowNumber),
        left_out("empty", Reason::Empty),
        left_out("same", Reason::Constant),
        left_out("person", Reason::Names),
    ];
    assert_eq!(prepared.left_out(), expected);
    assert_eq!(expected[3].to_string(), "\"person\": it looks like names or ids");
    // A column whose gaps are all that differs says something.
    let names = prepared.preprocess().input_names();
    assert!(names.contains(&"half missing".to_owned()), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("person") || name == "row"), "{names:?}");

    // The number of the row is all that there is.
    let lonely = table.select(&["empty", "row", "price"]).unwrap();
    let prepared = quick("price").prepare(&lonely, None).unwrap();
    assert_eq!(prepared.left_out(), [left_out("empty", Reason::Empty)]);
    assert_eq!(prepared.preprocess().input_names()[0], "row");

    // What is asked for is used; what is not, is not mentioned.
    let prepared = quick("price").inputs(["row", "person"]).prepare(&table, None).unwrap();
    assert_eq!(prepared.left_out(), []);
    assert!(prepared.preprocess().input_names().contains(&"row".to_owned()));
    let prepared = quick("price").without(["row", "empty", "same", "person"]).prepare(&table, None).unwrap();
    assert_eq!(prepared.left_out(), []);
}

#[test]
fn a_column_that_numbers_the_rows_is_known_before_rows_are_set_aside() {
    let rows = 200;
    // 7 has no divisor in common with 200: each number from 1000 to 1199 once.
    let shuffled = Column::from((0..rows).map(|row| (1000 + 7 * row % rows) as f64).collect::<Vec<_>>());
    let gap = Column::from((0..rows).map(|row| (row + usize::from(row > 100)) as f64).collect::<Vec<_>>());
    let halves = Column::from((0..rows).map(|row| row as f64 + 0.5).collect::<Vec<_>>());
    let table = flats(rows).with("id", shuffled).unwrap().with("gap", gap).unwrap().with("halves", halves).unwrap();
    let names = |left_out: Vec<LeftOut>| left_out.into_iter().map(|column| column.name).collect::<Vec<_>>();
    assert_eq!(names(quick("price").row_numbers(&table).unwrap()), ["id"]);
    assert_eq!(names(quick("price").inputs(["id", "area"]).row_numbers(&table).unwrap()), [""; 0]);
    assert_eq!(names(quick("id").row_numbers(&table).unwrap()), [""; 0]);
    // It is the only column beside the target.
    let lonely = table.select(&["id", "price"]).unwrap();
    assert_eq!(names(quick("price").row_numbers(&lonely).unwrap()), [""; 0]);
    let error = quick("price").row_numbers(&table.head(0)).unwrap_err();
    assert_eq!(error.to_string(), "the table: it has no row; expected at least 1");
    let (_, train) = table.split(0.2, 1).unwrap();
    assert_eq!(names(quick("price").row_numbers(&train).unwrap()), [""; 0], "a part has gaps");
}

#[test]
fn inputs_stay_few() {
    // 300 towns, some of them frequent.
    let rows = 3000;
    let towns = Column::text((0..rows).map(|row| format!("town {}", (row % 300).min(row % 7 * 50))));
    let table = flats(rows).with("town", towns).unwrap();
    let width = |recipe: Recipe| {
        let prepared = recipe.prepare(&table, None).unwrap();
        let names = prepared.preprocess().input_names();
        names.iter().filter(|name| name.starts_with("town=")).count()
    };
    assert_eq!(width(quick("price").categories(20)), 20);
    assert_eq!(width(quick("price")), 128);
    // 102 columns of numbers of 80 rows: 5 bins each, up to 512 in all, and log2(80 / 5) - 2 more that divide the outermost ones.
    let wide = (0..100).fold(flats(100), |table, column| {
        let numbers = (0..100).map(|row| ((row * 31 + column * 17) % 97) as f64).collect::<Vec<_>>();
        table.with(&format!("x{column}"), numbers).unwrap()
    });
    let prepared = Recipe::for_target("price").prepare(&wide, None).unwrap();
    assert_eq!(prepared.preprocess().input_width(), 3 + 102 * (1 + 5 + 2));
    let prepared = Recipe::for_target("price").bins(0).prepare(&wide, None).unwrap();
    assert_eq!(prepared.preprocess().input_width(), 3 + 102);
}

#[test]
fn gaps_are_filled() {
    let table = flats(200);
    let gappy = |every: usize, name: &str| {
        let numbers = table.numbers(name).unwrap().iter().enumerate();
        Column::from(numbers.map(|(row, &number)| if row % every == 0 { f64::NAN } else { number }).collect::<Vec<_>>())
    };
    let table = table.with("area", gappy(3, "area")).unwrap().with("price", gappy(10, "price")).unwrap();
    let fitted = quick("price").epochs(3).fit(&table).unwrap();
    assert_eq!((fitted.rows_without_target(), fitted.train_rows(), fitted.validation_rows()), (20, 144, 36));
    assert!(fitted.to_string().contains("144 rows trained on, 20 without a target"));
    // New rows may miss anything, and have towns that nobody has heard of.
    let new = Csv::new().text("town").number("area").number("noise").read_bytes(b"area,town,noise\n,,\n30,Paris,5\n");
    let predicted = fitted.predict(&new.unwrap()).unwrap();
    assert!(predicted.values().iter().all(|value| value.is_finite()));
}

#[test]
fn the_only_row_of_a_class_is_trained_on() {
    let table = classes(101);
    let names = (0..101).map(|row| if row == 50 { "only" } else { ["a", "b"][row % 2] });
    let table = table.with("class", Column::text(names)).unwrap();
    for seed in 0..20 {
        let prepared = quick("class").seed(seed).prepare(&table, None).unwrap();
        assert_eq!(prepared.preprocess().classes().unwrap().len(), 3);
    }
}

#[test]
fn rows_weigh() {
    let rows = 200;
    let weights = Column::from((0..rows).map(|row| (row % 3) as f64).collect::<Vec<_>>());
    let table = flats(rows).with("times", weights).unwrap();
    let prepared = quick("price").epochs(1).weights("times").prepare(&table, None).unwrap();
    assert!(!prepared.preprocess().input_names().iter().any(|name| name.starts_with("times")));
    // The same rows of the same columns without weights.
    let plain = quick("price").epochs(1).prepare(&flats(rows), None).unwrap();
    assert_eq!(prepared.preprocess().input_names(), plain.preprocess().input_names());
    assert_eq!(prepared.network(), plain.network());
    let cost = |prepared: Prepared| prepared.train().unwrap().history().epochs()[0].cost;
    assert_ne!(cost(prepared), cost(plain));
}

#[test]
fn settings_reach_network_and_trainer() {
    let table = classes(200);
    let recipe = quick("class").hidden([7, 5]).activation(Activation::Tanh).dropout(0.25).bins(0).epochs(9).patience(4);
    let prepared = recipe.prepare(&table, None).unwrap();
    let expected = "5 => 7 tanh dropout(0.25) => 5 tanh dropout(0.25) => 3 softmax, cross_entropy";
    assert_eq!(prepared.network().architecture().to_string(), expected);
    assert_eq!((prepared.epochs(), prepared.batch_size(), prepared.patience()), (9, 32, 4));
    // A linear model.
    let prepared = recipe.hidden([]).prepare(&table, None).unwrap();
    assert_eq!(prepared.network().architecture().to_string(), "5 => 3 softmax, cross_entropy");
    for rates in [Rates::Constant, Rates::Cosine, Rates::FlatCosine, Rates::OneCycle] {
        let fitted = quick("class").epochs(1).rates(rates).batch_size(1000).fit(&table).unwrap();
        assert_eq!(fitted.history().len(), 1, "{rates:?}");
    }
    // Scaling, decay and smoothing: one change each, and the network is another one.
    let of = |recipe: Recipe| recipe.epochs(2).fit(&table).unwrap().into_parts().0;
    let plain = of(quick("class"));
    let others = [
        quick("class").scaling(Scaling::Standard),
        quick("class").weight_decay(0.5),
        quick("class").label_smoothing(0.0),
        quick("class").validation(0.3),
    ];
    for recipe in others {
        assert_ne!(of(recipe.clone()), plain, "{recipe:?}");
    }
}

#[test]
fn a_bundle_predicts_the_same() {
    let table = classes(200);
    let fitted = quick("class").epochs(2).fit(&table).unwrap();
    let expected = fitted.predict(&table).unwrap();
    let bytes = fitted.into_bundle().unwrap().to_bytes();
    let bundle: Bundle = Bundle::from_bytes(&bytes).unwrap();
    assert_eq!(bundle.predict(&table).unwrap(), expected);
}

#[test]
fn settings_out_of_range_are_refused() {
    let table = flats(100);
    let message = |recipe: Recipe| recipe.fit(&table).unwrap_err().to_string();
    let wrong = [
        (quick("price").validation(0.0), "validation is 0; expected a number above 0 and at most 0.5"),
        (quick("price").validation(0.6), "validation is 0.6; expected a number above 0 and at most 0.5"),
        (quick("price").validation(f64::NAN), "validation is NaN; expected a number above 0 and at most 0.5"),
        (quick("price").epochs(0), "epochs is 0; expected at least 1"),
        (quick("price").batch_size(0), "batch_size is 0; expected at least 1"),
        (quick("price").patience(0), "patience is 0; expected at least 1"),
        (quick("price").categories(0), "categories is 0; expected at least 1"),
        (quick("price").learning_rate(0.0), "learning_rate is 0; expected a finite number above 0"),
        (quick("price").weight_decay(-1.0), "weight_decay is -1; expected a finite number that is not negative"),
    ];
    for (recipe, expected) in wrong {
        assert_eq!(message(recipe), expected);
    }
    let setting = |recipe: Recipe| recipe.fit(&classes(100)).unwrap_err();
    assert!(matches!(setting(quick("class").label_smoothing(1.0)), Error::Setting { name: "label_smoothing", .. }));
    assert!(matches!(setting(quick("class").dropout(1.0)), Error::Architecture(_)));
    assert!(matches!(setting(quick("class").hidden([0])), Error::Architecture(_)));
    assert!(matches!(setting(quick("class").activation(Activation::Softmax)), Error::Architecture(_)));
    assert!(matches!(setting(quick("class").threads(0)), Error::Setting { name: "threads", .. }));
    let huge = setting(quick("class").hidden([usize::MAX / 2]));
    assert!(matches!(huge, Error::Architecture(_) | Error::Step(StepError::Memory { .. })), "{huge}");
}

#[test]
fn tables_that_teach_nothing_are_refused() {
    let table = flats(100);
    let message = |recipe: Recipe, table: &Table| recipe.fit(table).unwrap_err().to_string();
    assert!(message(quick("Price"), &table).ends_with("did you mean \"price\"?"));
    assert!(message(quick("price").without(["nosie"]), &table).ends_with("did you mean \"noise\"?"));
    assert!(message(quick("price").inputs(["arae"]), &table).ends_with("did you mean \"area\"?"));
    assert!(message(quick("price").weights("wieght"), &table).contains("wieght"));

    assert_eq!(fault(quick("price").fit(&table.head(9))), TableFault::FewRows { found: 9, expected: 10 });
    assert_eq!(fault(quick("price").fit(&table.head(0))), TableFault::FewRows { found: 0, expected: 10 });
    let constant = table.with("price", Column::from(vec![2.5; 100])).unwrap();
    assert_eq!(fault(quick("price").fit(&constant)), TableFault::Classes { found: 1 });
    assert_eq!(fault(quick("price").numbers().fit(&constant)), TableFault::ConstantTarget);
    let one = table.with("price", Column::text(vec!["one"; 100])).unwrap();
    assert_eq!(fault(quick("price").fit(&one)), TableFault::Classes { found: 1 });
    assert!(matches!(fault(quick("town").numbers().fit(&table)), TableFault::NotANumber { .. }));
    // A column of prices of which one is misspelt is no column of classes.
    let misspelt: String =
        (0..50).map(|row| format!("{row},{}\n", if row == 7 { "7O".into() } else { row.to_string() })).collect();
    let misspelt = Csv::new().read_bytes(format!("x,price\n{misspelt}").as_bytes()).unwrap();
    assert_eq!(fault(quick("price").fit(&misspelt)), TableFault::MixedTarget { found: "7O".to_owned() });

    let names = table.with("price", Column::text((0..100).map(|row| format!("house {row}")))).unwrap();
    assert_eq!(fault(quick("price").fit(&names)), TableFault::SingleRows);

    let only = table.select(&["price"]).unwrap();
    assert!(matches!(fault(quick("price").fit(&only)), TableFault::Settings { .. }));
    let infinite =
        table.with("area", Column::from(vec![f64::INFINITY; 50].into_iter().chain(vec![1.0; 50]).collect::<Vec<_>>()));
    assert!(matches!(fault(quick("price").fit(&infinite.unwrap())), TableFault::NotFinite { .. }));

    // Rows of one's own to choose the epoch: with the same columns, and no class that is not known.
    let elsewhere = table.without(&["area"]).unwrap();
    assert!(matches!(
        fault(quick("price").fit_with(&table, Some(&elsewhere), [], None)),
        TableFault::UnknownColumn { .. }
    ));
    let known = classes(100);
    let unknown = known.with("class", Column::text(vec!["free"; 100])).unwrap();
    assert!(matches!(fault(quick("class").fit_with(&known, Some(&unknown), [], None)), TableFault::Unseen { .. }));
    let untold = table.with("price", Column::from(vec![f64::NAN; 100])).unwrap();
    assert_eq!(fault(quick("price").fit_with(&table, Some(&untold), [], None)), TableFault::NoRows);
}

/// Columns of all kinds: few values, gaps, huge and tiny numbers.
fn any_column(rows: usize) -> impl Strategy<Value = Column> {
    let number = prop_oneof![
        6 => (-3..4).prop_map(f64::from),
        2 => prop::num::f64::NORMAL,
        1 => prop::num::f64::SUBNORMAL,
        1 => proptest::strategy::Just(f64::NAN),
    ];
    let text = prop::option::weighted(0.9, "[ab1]{0,2}");
    prop_oneof![
        prop::collection::vec(number, rows).prop_map(Column::from),
        prop::collection::vec(text, rows).prop_map(Column::optional_text),
    ]
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    /// Whatever a table holds, it is learned from or refused, and what was learned predicts numbers.
    #[test]
    fn any_table_is_learned_from_or_refused(
        columns in (8_usize..40).prop_flat_map(|rows| prop::collection::vec(any_column(rows), 1..5)),
        bins in 0_usize..5,
    ) {
        let table = Table::new(columns.into_iter().enumerate().map(|(index, column)| (format!("c{index}"), column))).unwrap();
        let recipe = Recipe::for_target("c0").hidden([4]).epochs(2).bins(bins).threads(1);
        if let Ok(fitted) = recipe.fit(&table) {
            let predicted = fitted.predict(&table);
            // An unseen value may be too far away for a number of the network.
            if let Ok(predicted) = predicted {
                assert_eq!(predicted.rows(), table.rows());
            }
        }
    }
}

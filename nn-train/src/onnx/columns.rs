//! The columns of a table as inputs of a graph, and what makes the network's inputs of them.
//!
//! Numbers are scaled in `f64`, as in [`Preprocess`](crate::preprocess::Preprocess), and become those of the network last.
//! What is an error there, a graph cannot refuse: it makes the network's inputs infinite or NaN, from which
//! [`poison`] makes NaN of all that is predicted from the row.

use nn_kernels::Element;

use super::OnnxFault;
use super::graph::{Graph, element, int, ints, strings};
use super::proto::data_type;
use super::quantile::normal_scores;
use crate::preprocess::{CLIP, Encoding, Input, Scale, Unseen};

/// Beyond this a number that is smoothly clipped is ±3 to the last digit, and its square would overflow.
const FAR: f64 = 1e100;

/// A block of the network's inputs: a tensor `[N, width]`, and which inputs they are.
struct Block {
    tensor: String,
    places: Vec<usize>,
}

/// A column of numbers with what is learned of it.
struct Number<'a> {
    tensor: String,
    place: usize,
    fill: Option<f64>,
    scale: &'a Scale,
}

/// The network's inputs, `[N, S_1]`, from one input of the graph for each column.
pub(super) fn inputs<T: Element>(graph: &mut Graph, columns: &[Input]) -> Result<String, OnnxFault> {
    let tensors = columns.iter().map(|column| declare(graph, column)).collect::<Result<Vec<_>, _>>()?;
    let mut blocks = Vec::new();
    let mut numbers = Vec::new();
    let mut bins = Vec::new();
    let mut first = 0;
    for (column, tensor) in columns.iter().zip(tensors) {
        let places: Vec<usize> = (first..first + column.width()).collect();
        first += column.width();
        match &column.encoding {
            Encoding::Number { fill, scale } | Encoding::Binned { fill, scale, .. } => {
                let edges = if let Encoding::Binned { edges, .. } = &column.encoding { &edges[..] } else { &[] };
                let encoded = edges.len().max(1);
                if column.indicator {
                    let missing = graph.apply("IsNaN", &[&tensor]);
                    let tensor = graph.cast(&missing, element::<T>());
                    blocks.push(Block { tensor, places: places[encoded..].to_vec() });
                }
                if encoded > 1 {
                    let number = Number { tensor: tensor.clone(), place: places[0], fill: *fill, scale };
                    bins.push((number, edges, places[1..encoded].to_vec()));
                }
                numbers.push(Number { tensor, place: places[0], fill: *fill, scale });
            }
            Encoding::Ordinal { categories, fill, scale } => {
                check_categories(column, categories)?;
                blocks.extend(ordinal::<T>(graph, column, categories, *fill, scale, &tensor, &places));
            }
            Encoding::OneHot { categories, fill, numbers: false } => {
                check_categories(column, categories)?;
                blocks.extend(one_hot::<T>(graph, column, categories, *fill, &tensor, &places));
            }
            Encoding::OneHot { categories, fill, numbers: true } => {
                let tensors = one_hot_numbers::<T>(graph, column, categories, *fill, &tensor)?;
                let (encoded, indicator) = places.split_at(categories.len());
                let places = [encoded.to_vec(), indicator.to_vec()];
                blocks.extend(tensors.into_iter().zip(places).map(|(tensor, places)| Block { tensor, places }));
            }
        }
    }
    blocks.extend(scaled::<T>(graph, &numbers));
    blocks.extend(binned::<T>(graph, &bins));
    Ok(side_by_side(graph, blocks))
}

/// `row` · 0 for each row that is finite, and NaN for the others: `[N, 1]`.
pub(super) fn poison(graph: &mut Graph, rows: &str) -> String {
    let zeros = graph.apply("Sub", &[rows, rows]);
    graph.node("ReduceSum", &[&zeros], vec![ints("axes", vec![1]), int("keepdims", 1)])
}

/// The input of the graph that a column is.
fn declare(graph: &mut Graph, column: &Input) -> Result<String, OnnxFault> {
    let name = &column.name;
    let element = if column.is_number() { data_type::DOUBLE } else { data_type::STRING };
    if name.is_empty() {
        return Err(column_fault(column, "has no name, and an input of a graph needs one"));
    }
    if !graph.input(name, element, 1) {
        return Err(column_fault(column, "is there twice, and inputs of a graph need names of their own"));
    }
    Ok(name.clone())
}

fn column_fault(column: &Input, reason: &'static str) -> OnnxFault {
    OnnxFault::Column { name: column.name.clone(), reason }
}

/// Text that is missing is the empty text, so that cannot be a category.
fn check_categories(column: &Input, categories: &[String]) -> Result<(), OnnxFault> {
    if categories.iter().any(String::is_empty) {
        return Err(column_fault(
            column,
            "has the empty text as a category, which in a graph stands for a missing value",
        ));
    }
    Ok(())
}

/// All blocks as one tensor, each input at its place.
fn side_by_side(graph: &mut Graph, mut blocks: Vec<Block>) -> String {
    blocks.sort_by_key(|block| block.places[0]);
    let places: Vec<usize> = blocks.iter().flat_map(|block| block.places.iter().copied()).collect();
    let tensors: Vec<&str> = blocks.iter().map(|block| block.tensor.as_str()).collect();
    let joined = match tensors[..] {
        [tensor] => tensor.to_owned(),
        _ => graph.node("Concat", &tensors, vec![int("axis", 1)]),
    };
    if places.is_sorted() {
        return joined;
    }
    let mut order = vec![0; places.len()];
    for (column, &place) in places.iter().enumerate() {
        order[place] = column as i64;
    }
    let order = graph.whole("order", &[order.len()], &order);
    graph.node("Gather", &[&joined, &order], vec![int("axis", 1)])
}

// --- numbers -------------------------------------------------------------------------------------------------------

/// Columns of numbers, those that are scaled alike together: a graph takes about as long for twenty as for one.
fn scaled<T: Element>(graph: &mut Graph, numbers: &[Number<'_>]) -> Vec<Block> {
    let of = |wanted: fn(&Scale) -> bool| numbers.iter().filter(|number| wanted(number.scale)).collect::<Vec<_>>();
    let affine = of(|scale| matches!(scale, Scale::None | Scale::Affine { .. }));
    let clipped = of(|scale| matches!(scale, Scale::Clipped { .. }));
    let mut tensors = Vec::new();
    if !affine.is_empty() {
        let filled = filled(graph, &affine);
        tensors.push((standardized(graph, &affine, &filled), affine));
    }
    if !clipped.is_empty() {
        let filled = filled(graph, &clipped);
        let standardized = standardized(graph, &clipped, &filled);
        let bounded = clip(graph, &standardized);
        tensors.push((infinite_stays_so(graph, &bounded, &filled), clipped));
    }
    for number in numbers {
        if let Scale::Quantile { knots } = number.scale {
            let filled = filled(graph, &[number]);
            let share = share_below(graph, knots, &filled);
            let scores = normal_scores(graph, &share);
            tensors.push((infinite_stays_so(graph, &scores, &filled), vec![number]));
        }
    }
    let block = |(tensor, numbers): (String, Vec<&Number<'_>>)| Block {
        tensor: in_type_of::<T>(graph, tensor),
        places: numbers.iter().map(|number| number.place).collect(),
    };
    tensors.into_iter().map(block).collect()
}

/// How far numbers have come through their bins, all columns together: see `preprocess/bins.rs`. What is infinite or NaN,
/// the scaled number beside it shows.
fn binned<T: Element>(graph: &mut Graph, bins: &[(Number<'_>, &[f64], Vec<usize>)]) -> Option<Block> {
    if bins.is_empty() {
        return None;
    }
    let filled = filled(graph, &bins.iter().map(|(number, ..)| number).collect::<Vec<_>>());
    // For each bin its column among those filled, its lower edge, its length, and which input it is.
    let (mut owners, mut lows, mut lengths, mut places) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (column, (_, edges, inputs)) in bins.iter().enumerate() {
        for edges in edges.windows(2) {
            owners.push(column as i64);
            // Half of each, as the difference of two large numbers might overflow.
            lows.push(0.5 * edges[0]);
            lengths.push(0.5 * edges[1] - 0.5 * edges[0]);
        }
        places.extend_from_slice(inputs);
    }
    let owners = graph.whole("columns", &[owners.len()], &owners);
    let numbers = graph.node("Gather", &[&filled, &owners], vec![int("axis", 1)]);
    let (half, zero, one) = (graph.number::<f64>(0.5), graph.number::<f64>(0.0), graph.number::<f64>(1.0));
    let lows = graph.constant("low", &[1, lows.len()], &lows);
    let lengths = graph.constant("length", &[1, lengths.len()], &lengths);
    let halved = graph.apply("Mul", &[&numbers, &half]);
    let way = graph.apply("Sub", &[&halved, &lows]);
    let share = graph.apply("Div", &[&way, &lengths]);
    let share = graph.apply("Max", &[&share, &zero]);
    let share = graph.apply("Min", &[&share, &one]);
    Some(Block { tensor: in_type_of::<T>(graph, share), places })
}

/// The columns side by side, with what takes the place of missing values.
fn filled(graph: &mut Graph, numbers: &[&Number<'_>]) -> String {
    let tensors: Vec<&str> = numbers.iter().map(|number| number.tensor.as_str()).collect();
    let joined = match tensors[..] {
        [tensor] => tensor.to_owned(),
        _ => graph.node("Concat", &tensors, vec![int("axis", 1)]),
    };
    if numbers.iter().all(|number| number.fill.is_none()) {
        return joined;
    }
    let fills: Vec<f64> = numbers.iter().map(|number| number.fill.unwrap_or(f64::NAN)).collect();
    let fills = graph.constant("fill", &[1, fills.len()], &fills);
    let missing = graph.apply("IsNaN", &[&joined]);
    graph.apply("Where", &[&missing, &fills, &joined])
}

/// The numbers, `f64`, in those of the network.
fn in_type_of<T: Element>(graph: &mut Graph, numbers: String) -> String {
    if T::NAME == "f64" { numbers } else { graph.cast(&numbers, element::<T>()) }
}

/// (x - center) / unit.
fn standardized(graph: &mut Graph, numbers: &[&Number<'_>], filled: &str) -> String {
    let constants = numbers.iter().map(|number| match number.scale {
        Scale::Affine { center, unit } | Scale::Clipped { center, unit } => (*center, *unit),
        Scale::None | Scale::Quantile { .. } => (0.0, 1.0),
    });
    let (centers, units): (Vec<f64>, Vec<f64>) = constants.unzip();
    if numbers.iter().all(|number| *number.scale == Scale::None) {
        return filled.to_owned();
    }
    let centers = graph.constant("center", &[1, centers.len()], &centers);
    let units = graph.constant("unit", &[1, units.len()], &units);
    let centered = graph.apply("Sub", &[filled, &centers]);
    graph.apply("Div", &[&centered, &units])
}

/// x / √(1 + (x/3)²).
fn clip(graph: &mut Graph, x: &str) -> String {
    let (far, opposite) = (graph.number::<f64>(FAR), graph.number::<f64>(-FAR));
    let above = graph.apply("Less", &[&far, x]);
    let below = graph.apply("Less", &[x, &opposite]);
    let bounded = graph.apply("Where", &[&above, &far, x]);
    let bounded = graph.apply("Where", &[&below, &opposite, &bounded]);
    let (three, one) = (graph.number::<f64>(CLIP), graph.number::<f64>(1.0));
    let third = graph.apply("Div", &[&bounded, &three]);
    let square = graph.apply("Mul", &[&third, &third]);
    let sum = graph.apply("Add", &[&square, &one]);
    let root = graph.apply("Sqrt", &[&sum]);
    graph.apply("Div", &[&bounded, &root])
}

/// `scaled`, but NaN where `x` is infinite or NaN, which clipping and counting hide.
fn infinite_stays_so(graph: &mut Graph, scaled: &str, x: &str) -> String {
    let zero = graph.apply("Sub", &[x, x]);
    graph.apply("Add", &[scaled, &zero])
}

/// The share of a distribution that is below x, by its quantiles: see `quantile` of `preprocess/scale.rs`.
fn share_below(graph: &mut Graph, knots: &[f64], x: &str) -> String {
    let last = knots.len() - 1;
    let mut number = |value| graph.number::<f64>(value);
    let (zero, half, one) = (number(0.0), number(0.5), number(1.0));
    let (least, greatest) = (number(knots[0]), number(knots[last]));
    let above = graph.apply("Less", &[&least, x]);
    let below = graph.apply("Less", &[x, &greatest]);
    let inside = if knots[0] == knots[last] {
        half
    } else {
        let (last, row) = (graph.number::<f64>(last as f64), graph.constant("quantiles", &[1, knots.len()], knots));
        let mut count = |smaller: &str, larger: &str| {
            let less = graph.apply("Less", &[smaller, larger]);
            let less = graph.cast(&less, data_type::DOUBLE);
            graph.node("ReduceSum", &[&less], vec![ints("axes", vec![1]), int("keepdims", 1)])
        };
        // How many knots are less than x, and the place of the last that is not greater.
        let (less, greater) = (count(&row, x), count(x, &row));
        let low = graph.apply("Sub", &[&last, &greater]);
        let middle = graph.apply("Add", &[&less, &low]);
        let middle = graph.apply("Mul", &[&middle, &half]);
        // Between that one and the next; x beyond the ends is dealt with below.
        let first = graph.apply("Max", &[&low, &zero]);
        let second = graph.apply("Add", &[&first, &one]);
        let second = graph.apply("Min", &[&second, &last]);
        let column = graph.constant("quantiles", &[knots.len()], knots);
        let mut knot = |place: &str| {
            let place = graph.cast(place, data_type::INT64);
            let knot = graph.node("Gather", &[&column, &place], vec![int("axis", 0)]);
            graph.apply("Mul", &[&knot, &half])
        };
        let (from, to) = (knot(&first), knot(&second));
        let halved = graph.apply("Mul", &[x, &half]);
        let way = graph.apply("Sub", &[&halved, &from]);
        let length = graph.apply("Sub", &[&to, &from]);
        let part = graph.apply("Div", &[&way, &length]);
        let between = graph.apply("Add", &[&first, &part]);
        let distinct = graph.apply("Less", &[&low, &less]);
        let place = graph.apply("Where", &[&distinct, &between, &middle]);
        graph.apply("Div", &[&place, &last])
    };
    if knots[0] == knots[last] {
        // Only x that is neither above nor below is alike.
        let share = graph.apply("Where", &[&above, &one, &inside]);
        return graph.apply("Where", &[&below, &zero, &share]);
    }
    let share = graph.apply("Where", &[&above, &inside, &zero]);
    graph.apply("Where", &[&below, &share, &one])
}

// --- categories ----------------------------------------------------------------------------------------------------

/// What a value that is none of the known categories becomes.
#[derive(Clone, Copy, PartialEq)]
enum Other {
    /// All inputs are 0.
    Zeros,
    Missing,
    Error,
}

/// What a category becomes that did not occur, and what a missing value.
fn others(column: &Input) -> [Other; 2] {
    let unseen = match column.unseen {
        Unseen::Zeros if !matches!(column.encoding, Encoding::Ordinal { .. }) => Other::Zeros,
        Unseen::Missing if column.optional => Other::Missing,
        _ => Other::Error,
    };
    [unseen, if column.optional { Other::Missing } else { Other::Error }]
}

/// The place of a text among the categories; behind the last stands what did not occur, and behind that what is missing.
fn places_of(graph: &mut Graph, categories: &[String], tensor: &str) -> String {
    let known = categories.len() as i64;
    let keys = categories.iter().map(String::as_str).chain([""]);
    let values = (0..known).chain([known + 1]).collect();
    let attributes = vec![strings("keys_strings", keys), ints("values_int64s", values), int("default_int64", known)];
    graph.learned("LabelEncoder", &[tensor], attributes)
}

/// For each place the number that stands in `table`.
fn look_up<T: Element>(graph: &mut Graph, name: &str, table: &[T], places: &str) -> String {
    let table = graph.constant(name, &[table.len()], table);
    graph.node("Gather", &[&table, places], vec![int("axis", 0)])
}

/// A column of text whose categories have an order: a number for each, scaled already.
fn ordinal<T: Element>(
    graph: &mut Graph,
    column: &Input,
    categories: &[String],
    fill: Option<f64>,
    scale: &Scale,
    tensor: &str,
    places: &[usize],
) -> Vec<Block> {
    let number = |number: f64| T::from_f64(scale.apply(number));
    let missing = fill.map_or_else(|| T::from_f64(f64::NAN), number);
    let other = |other| if other == Other::Missing { missing } else { T::from_f64(f64::NAN) };
    let table: Vec<T> =
        (0..categories.len()).map(|place| number(place as f64)).chain(others(column).map(other)).collect();
    let at = places_of(graph, categories, tensor);
    let encoded = look_up(graph, "categories", &table, &at);
    let mut blocks = vec![Block { tensor: encoded, places: places[..1].to_vec() }];
    if column.indicator {
        let tensor = indicator::<T>(graph, column, categories.len(), &at);
        blocks.push(Block { tensor, places: places[1..].to_vec() });
    }
    blocks
}

/// 1 where a value is missing or counts as that.
fn indicator<T: Element>(graph: &mut Graph, column: &Input, known: usize, at: &str) -> String {
    let other = others(column).map(|other| if other == Other::Missing { T::ONE } else { T::ZERO });
    let table: Vec<T> = std::iter::repeat_n(T::ZERO, known).chain(other).collect();
    look_up(graph, "missing", &table, at)
}

/// A column of text: an input for each category.
fn one_hot<T: Element>(
    graph: &mut Graph,
    column: &Input,
    categories: &[String],
    fill: Option<usize>,
    tensor: &str,
    places: &[usize],
) -> Vec<Block> {
    let known = categories.len();
    let at = places_of(graph, categories, tensor);
    // The filling takes the place of what is missing.
    let fill = fill.map_or(-1, |fill| fill as i64);
    let filled = others(column).map(|other| if other == Other::Missing { fill } else { -1 });
    let chosen = if filled == [-1, -1] {
        at.clone()
    } else {
        let table: Vec<i64> = (0..known as i64).chain(filled).collect();
        let table = graph.whole("filled", &[table.len()], &table);
        graph.node("Gather", &[&table, &at], vec![int("axis", 0)])
    };
    let all = graph.whole("places", &[1, known], &(0..known as i64).collect::<Vec<_>>());
    let hot = graph.apply("Equal", &[&chosen, &all]);
    let mut encoded = graph.cast(&hot, element::<T>());
    if others(column).contains(&Other::Error) {
        let wrong = others(column).map(|other| if other == Other::Error { T::from_f64(f64::NAN) } else { T::ZERO });
        let table: Vec<T> = std::iter::repeat_n(T::ZERO, known).chain(wrong).collect();
        let wrong = look_up(graph, "wrong", &table, &at);
        encoded = graph.apply("Add", &[&encoded, &wrong]);
    }
    let mut blocks = vec![Block { tensor: encoded, places: places[..known].to_vec() }];
    if column.indicator {
        let tensor = indicator::<T>(graph, column, known, &at);
        blocks.push(Block { tensor, places: places[known..].to_vec() });
    }
    blocks
}

/// A column of numbers that are categories: an input for each, and perhaps one for what is missing.
fn one_hot_numbers<T: Element>(
    graph: &mut Graph,
    column: &Input,
    categories: &[String],
    fill: Option<usize>,
    tensor: &str,
) -> Result<Vec<String>, OnnxFault> {
    let number = |category: &String| {
        let number: Option<f64> = category.parse().ok();
        number.filter(|number| !number.is_nan()).ok_or_else(|| column_fault(column, "has a category that is no number"))
    };
    let numbers = categories.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    let known = graph.constant("categories", &[1, numbers.len()], &numbers);
    let hot = graph.apply("Equal", &[tensor, &known]);
    let mut encoded = graph.cast(&hot, element::<T>());
    let [unseen, missing] = others(column);
    // What counts as missing matters where something is filled in or says so.
    let kept =
        |wanted: Other| wanted == Other::Error || (wanted == Other::Missing && (fill.is_some() || column.indicator));
    // 1 where it is NaN, and where it is none of the known categories and no NaN.
    let nan = (kept(missing) || kept(unseen)).then(|| {
        let nan = graph.apply("IsNaN", &[tensor]);
        graph.cast(&nan, element::<T>())
    });
    let other = nan.as_ref().filter(|_| kept(unseen)).map(|nan| {
        let seen = graph.node("ReduceSum", &[&encoded], vec![ints("axes", vec![1]), int("keepdims", 1)]);
        let one = graph.number::<T>(1.0);
        let other = graph.apply("Sub", &[&one, &seen]);
        graph.apply("Sub", &[&other, nan])
    });
    let sum = |graph: &mut Graph, wanted: Other| {
        let parts = [other.as_deref().filter(|_| unseen == wanted), nan.as_deref().filter(|_| missing == wanted)];
        match parts {
            _ if !kept(wanted) => None,
            [Some(other), Some(nan)] => Some(graph.apply("Add", &[other, nan])),
            [other, nan] => other.or(nan).map(str::to_owned),
        }
    };
    let absent = sum(graph, Other::Missing);
    let wrong = sum(graph, Other::Error);
    if let (Some(absent), Some(fill)) = (&absent, fill) {
        let mut row = vec![T::ZERO; categories.len()];
        row[fill] = T::ONE;
        let row = graph.constant("fill", &[1, row.len()], &row);
        let filling = graph.apply("Mul", &[absent, &row]);
        encoded = graph.apply("Add", &[&encoded, &filling]);
    }
    if let Some(wrong) = wrong {
        let (half, zero, nan) = (graph.number::<T>(0.5), graph.number::<T>(0.0), graph.number::<T>(f64::NAN));
        let is_wrong = graph.apply("Less", &[&half, &wrong]);
        let wrong = graph.apply("Where", &[&is_wrong, &nan, &zero]);
        encoded = graph.apply("Add", &[&encoded, &wrong]);
    }
    let mut tensors = vec![encoded];
    if column.indicator {
        // One without a policy for what is missing says so of no row.
        let none = || {
            let nan = graph.apply("IsNaN", &[tensor]);
            let nan = graph.cast(&nan, element::<T>());
            graph.apply("Sub", &[&nan, &nan])
        };
        tensors.push(absent.unwrap_or_else(none));
    }
    Ok(tensors)
}

//! The library's side of the comparison with scikit-learn, which tests/sklearn_agreement.py drives.
//!
//! On a first line `list` it prints its networks: name, hidden activation, output activation, widths. Otherwise it
//! reads requests of four lines,
//!
//! ```text
//! name lambda
//! Θ, flat: for each layer the weights row by row, then the bias
//! X, m × S_1, sample by sample
//! Y, m × S_L, sample by sample
//! ```
//!
//! and answers each with three: the cost, the gradient in the order of Θ, and the prediction. Numbers are in
//! decimal, and read back to the same bits.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use nn_examples::program::ended;
use nn_train::{Architecture, Declared, Network, Row, network};

network! { struct Seed<2 => 4 => 4 => 4>: f64; }
network! { struct Single<1 => 1>: f64; }
network! { struct Odd<3 => 17 => 5>: f64; }
network! { struct Wide<65 => 33 => 2>: f64; }
network! { struct Binary<10 => 8 => 1>: f64; }
network! { struct Deep<7 => 9 => 8 => 7 => 6 => 5>: f64; }
network! { struct Digits<64 => 48 => 10 softmax>: f64; }
network! { struct Classes<5 => 4 => 3 softmax>: f64; }
network! { struct Tanh<6 => 11 tanh => 5 tanh => 3>: f64; }
network! { struct Relu<8 => 16 relu => 4 softmax>: f64; }

/// The three lines for λ and the lines Θ, X, Y.
type Answer = fn(f64, [&str; 3]) -> Result<String, Box<dyn Error>>;

/// What answers the requests for one network.
struct Answerer {
    name: &'static str,
    architecture: &'static Architecture,
    answer: Answer,
}

impl Answerer {
    fn of<N: Declared<Scalar = f64>>() -> Self {
        Self { name: N::NAME, architecture: N::ARCHITECTURE, answer: answer::<N> }
    }
}

fn numbers(text: &str) -> Result<Vec<f64>, Box<dyn Error>> {
    Ok(text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

fn rows<R: Row<Scalar = f64>>(text: &str) -> Result<Vec<R>, Box<dyn Error>> {
    let numbers = numbers(text)?;
    if !numbers.len().is_multiple_of(R::WIDTH) {
        return Err(format!("{} numbers are not rows of {}", numbers.len(), R::WIDTH).into());
    }
    let row = |chunk: &[f64]| {
        let mut row = R::zeros();
        row.as_mut_slice().copy_from_slice(chunk);
        row
    };
    Ok(numbers.chunks_exact(R::WIDTH).map(row).collect())
}

fn line(text: &mut String, numbers: &[f64]) -> std::fmt::Result {
    for (index, number) in numbers.iter().enumerate() {
        write!(text, "{}{number:e}", if index == 0 { "" } else { " " })?;
    }
    writeln!(text)
}

fn answer<N: Declared<Scalar = f64>>(lambda: f64, [theta, x, y]: [&str; 3]) -> Result<String, Box<dyn Error>> {
    let theta = numbers(theta)?;
    if theta.len() != N::PARAMS {
        return Err(format!("{} has {} parameters, found {}", N::NAME, N::PARAMS, theta.len()).into());
    }
    let mut network = N::zeros();
    network.parameters_mut().copy_from_slice(&theta);
    let (x, y): (Vec<N::Input>, Vec<N::Output>) = (rows(x)?, rows(y)?);

    let (cost, gradient) = network.gradient(&x, &y, lambda)?;
    let mut prediction = vec![N::Output::zeros(); x.len()];
    network.predict_batch(&x, &mut prediction)?;

    let mut text = String::new();
    line(&mut text, &[cost])?;
    line(&mut text, gradient.parameters())?;
    line(&mut text, N::Output::flatten(&prediction))?;
    Ok(text)
}

fn main() -> ExitCode {
    ended(answer_requests())
}

fn answer_requests() -> Result<(), Box<dyn Error>> {
    let answerers = [
        Answerer::of::<Seed>(),
        Answerer::of::<Single>(),
        Answerer::of::<Odd>(),
        Answerer::of::<Wide>(),
        Answerer::of::<Binary>(),
        Answerer::of::<Deep>(),
        Answerer::of::<Digits>(),
        Answerer::of::<Classes>(),
        Answerer::of::<Tanh>(),
        Answerer::of::<Relu>(),
    ];
    let mut output = io::stdout().lock();
    let mut lines = io::stdin().lock().lines();
    while let Some(request) = lines.next().transpose()? {
        if request == "list" {
            for Answerer { name, architecture, .. } in &answerers {
                let layers = architecture.layers();
                write!(output, "{name} {} {}", layers[0].activation, architecture.output_activation())?;
                writeln!(
                    output,
                    " {}{}",
                    architecture.inputs(),
                    layers.iter().fold(String::new(), |text, layer| { text + &format!(" {}", layer.outputs) })
                )?;
            }
            continue;
        }
        let (name, lambda) = request.split_once(' ').ok_or("expected a network's name and lambda")?;
        let answerer = answerers.iter().find(|a| a.name == name).ok_or_else(|| format!("no network {name}"))?;
        let mut next = || lines.next().ok_or("a request has four lines")?.map_err(Box::<dyn Error>::from);
        let (theta, x, y) = (next()?, next()?, next()?);
        output.write_all((answerer.answer)(lambda.parse()?, [&theta, &x, &y])?.as_bytes())?;
    }
    Ok(())
}

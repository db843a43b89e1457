"""Prices of diamonds with Keras."""

import sys
import time

import keras
import pandas as pd
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

GRADES = {
    "cut": ["Fair", "Good", "Very Good", "Premium", "Ideal"],
    "color": ["J", "I", "H", "G", "F", "E", "D"],
    "clarity": ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"],
}

seed = int(sys.argv[1])
keras.utils.set_random_seed(seed)

data = pd.read_csv("diamonds.csv")
for column, grades in GRADES.items():
    data[column] = pd.Categorical(data[column], categories=grades).codes
x, y = data.drop(columns="price").to_numpy("float32"), data[["price"]].to_numpy("float32")
x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, random_state=seed)
x, x_valid, y, y_valid = train_test_split(x, y, test_size=0.1, random_state=seed)

scale = keras.layers.Normalization()
scale.adapt(x)
mean, deviation = float(y.mean()), float(y.std())
network = keras.Sequential(
    [
        keras.Input((9,)),
        scale,
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(1),
    ]
)
steps = 100 * -(-len(x) // 32)
warm_up = steps // 20
rate = keras.optimizers.schedules.CosineDecay(
    0.0, steps - warm_up, warmup_target=0.003, warmup_steps=warm_up
)
network.compile(keras.optimizers.Adam(rate), "mse")
stopping = keras.callbacks.EarlyStopping("val_loss", patience=10, restore_best_weights=True)
start = time.perf_counter()
history = network.fit(
    x,
    (y - mean) / deviation,
    batch_size=32,
    epochs=100,
    validation_data=(x_valid, (y_valid - mean) / deviation),
    callbacks=[stopping],
    verbose=0,
)
seconds = time.perf_counter() - start

model = keras.Sequential([network, keras.layers.Rescaling(deviation, mean)])
r2 = r2_score(y_test, model.predict(x_test, verbose=0))
print(f"{len(history.epoch)} epochs in {seconds:.3f} s, test R² {r2:.4f}")

model.save("diamonds.keras")
model = keras.saving.load_model("diamonds.keras")
price = model.predict(x_test[:1], verbose=0)[0, 0]
print(f"diamonds.keras: a diamond of {y_test[0, 0]:.0f} dollars is given {price:.0f}")

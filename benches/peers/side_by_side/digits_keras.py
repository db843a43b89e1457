"""Hand-written digits with Keras."""

import sys
import time

import keras
import numpy as np
from sklearn.model_selection import train_test_split

seed = int(sys.argv[1])
keras.utils.set_random_seed(seed)

data = np.loadtxt("digits.csv", dtype="float32", delimiter=",", skiprows=1)
x, y = data[:, :64], data[:, 64].astype(int)
x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, stratify=y, random_state=seed)
x, x_valid, y, y_valid = train_test_split(x, y, test_size=0.1, stratify=y, random_state=seed)

scale = keras.layers.Normalization()
scale.adapt(x)
model = keras.Sequential(
    [
        keras.Input((64,)),
        scale,
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
steps = 100 * -(-len(x) // 32)
warm_up = steps // 20
rate = keras.optimizers.schedules.CosineDecay(
    0.0, steps - warm_up, warmup_target=0.002, warmup_steps=warm_up
)
model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
stopping = keras.callbacks.EarlyStopping("val_loss", patience=10, restore_best_weights=True)
start = time.perf_counter()
history = model.fit(
    x,
    y,
    batch_size=32,
    epochs=100,
    validation_data=(x_valid, y_valid),
    callbacks=[stopping],
    verbose=0,
)
seconds = time.perf_counter() - start

_, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"{len(history.epoch)} epochs in {seconds:.3f} s, test accuracy {accuracy:.4f}")

model.save("digits.keras")
model = keras.saving.load_model("digits.keras")
digit = model.predict(x_test[:1], verbose=0)[0].argmax()
print(f"digits.keras: an image of {y_test[0]} is read as {digit}")

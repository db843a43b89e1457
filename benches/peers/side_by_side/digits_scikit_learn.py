"""Hand-written digits with scikit-learn."""

import sys
import time

import joblib
import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

seed = int(sys.argv[1])

data = np.loadtxt("digits.csv", dtype="float32", delimiter=",", skiprows=1)
x, y = data[:, :64], data[:, 64].astype(int)
x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, stratify=y, random_state=seed)

model = make_pipeline(
    StandardScaler(),
    MLPClassifier(
        hidden_layer_sizes=(128, 64),
        batch_size=32,
        learning_rate_init=0.002,
        max_iter=100,
        early_stopping=True,
        validation_fraction=0.1,
        n_iter_no_change=10,
        random_state=seed,
    ),
)
start = time.perf_counter()
model.fit(x, y)
seconds = time.perf_counter() - start

epochs, accuracy = model[-1].n_iter_, model.score(x_test, y_test)
print(f"{epochs} epochs in {seconds:.3f} s, test accuracy {accuracy:.4f}")

joblib.dump(model, "digits.joblib")
model = joblib.load("digits.joblib")
print(f"digits.joblib: an image of {y_test[0]} is read as {model.predict(x_test[:1])[0]}")

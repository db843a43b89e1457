"""The peers for narrow networks: programs written for one network's sizes, in C and in Python that Numba compiles.

Both have samples go through all layers in blocks that stay in the first cache, a feature's numbers side by side, and so
vectors of samples. Their exponential is a polynomial, which compilers inline: the C library's is a call for each vector, and
with Numba for each number, as PyPI's builds go without Intel's SVML.
"""

import ctypes
import subprocess
import tempfile
from pathlib import Path

# A smaller batch is quicker on one thread: to wake another takes some microseconds.
SEVERAL = 4096
# Numbers in a cache line, and in the widest vectors.
LANES = 16


def block(batch):
    """The samples of a block: enough to hide what is done once a block, and few enough to stay in cache."""
    return min(128, -(-batch // LANES) * LANES)


class C:
    """step.c, compiled for the workload."""

    # Native is what CPUID says: --isa, which hides from it what is beyond, holds the compiler as well.
    COMPILE = ["cc", "-O3", "-march=native", "-ffast-math", "-fopenmp", "-shared", "-fPIC"]

    def __init__(self, threads):
        # OMP_NUM_THREADS says how many.
        lines = subprocess.run([self.COMPILE[0], "--version"], text=True, capture_output=True, check=True).stdout
        self.version = lines.splitlines()[0].split()[-1]

    def steps(self, problem):
        layers = [f"L({n}, {n - 1}, {inputs}, {outputs})" for n, (inputs, outputs) in enumerate(problem.pairs(), 1)]
        sizes = {"LAYERS(L)": " ".join(layers), "REVERSED(L)": " ".join(reversed(layers)), "LAST": len(layers)}
        sizes |= {"INPUTS": problem.sizes[0], "OUTPUTS": problem.sizes[-1], "BATCH": problem.batch}
        sizes |= {"BLOCK": block(problem.batch), "SEVERAL": SEVERAL}
        sizes |= {problem.activation.upper(): 1, problem.loss.upper(): 1}
        words = [f"-D{name}={value}" for name, value in sizes.items()]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "step.so"
            subprocess.run([*self.COMPILE, *words, "-o", file, Path(__file__).with_name("step.c"), "-lm"], check=True)
            library = ctypes.CDLL(str(file))
        theta, x, y = problem.flat(problem.theta), problem.x, problem.y
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (theta, x, y)]
        rates = [ctypes.c_float(rate) for rate in (problem.learning_rate, problem.l2 / problem.batch)]

        def run(count):
            library.steps(*pointers, ctypes.c_long(count), *rates)

        # The arrays stay as long as `run` does, which has only their addresses.
        run.arrays = theta, x, y
        return run, 1, lambda: problem.layers(theta)


class Numba:
    """The step in functions that Numba compiles for the workload: sizes are constants that they close over."""

    # Terms of a sum that are added at once, in one pass over the block.
    TOGETHER = 16

    def __init__(self, threads):
        import numba

        self.threads, self.version = threads, numba.__version__

    def steps(self, problem):
        import numpy as np
        from numba import njit, prange

        sizes, batch = problem.sizes, problem.batch
        whole = block(problem.batch)
        threads = self.threads if batch >= SEVERAL else 1
        decay = np.float32(problem.l2 / batch)
        zeros = [(np.full_like(weights, decay), np.zeros_like(bias)) for weights, bias in problem.theta]
        theta, decays, x, y = problem.flat(problem.theta), problem.flat(zeros), problem.x.ravel(), problem.y.ravel()
        through = self.through(problem, whole)
        # The last block of a batch that is no multiple of it has a size of its own.
        rest = batch % whole
        through_rest = self.through(problem, rest) if rest else through
        wholes = batch // whole

        def steps(theta, x, y, activations, gradients, rate, count):
            for _ in range(count):
                for thread in prange(threads):
                    gradient, a = gradients[thread], activations[thread]
                    gradient[:] = 0
                    for number in range(thread * wholes // threads, (thread + 1) * wholes // threads):
                        through(theta, gradient, a, x, y, number * whole)
                    if rest and thread == threads - 1:
                        through_rest(theta, gradient, a, x, y, wholes * whole)
                for index in range(theta.size):
                    total = gradients[0, index]
                    for thread in range(1, threads):
                        total += gradients[thread, index]
                    theta[index] -= rate * (total / np.float32(batch) + decays[index] * theta[index])

        steps = njit(steps, fastmath=True, error_model="numpy", parallel=threads > 1)
        # Rows of threads a cache line apart.
        gradients = np.zeros((threads, theta.size + LANES), np.float32)
        activations = np.zeros((threads, whole * (sum(sizes) + 1) + LANES), np.float32)
        rate = np.float32(problem.learning_rate)

        def run(count):
            steps(theta, x, y, activations, gradients, rate, count)

        return run, 1, lambda: problem.layers(theta)

    def through(self, problem, samples):
        """The function that takes a block of so many samples through the network and adds its part to the gradient.

        Activations are the rows of one flat array, `samples` numbers each: the inputs, then each layer's, whose place
        its delta takes on the way back; then one to work in. Indices into X and Y are unsigned: with signed ones,
        which could count from the end, there are no vectors.
        """
        import numpy as np
        from numba import njit

        fast = njit(fastmath=True, error_model="numpy")
        sizes, f32, unsigned = problem.sizes, np.float32, np.uint64
        inputs, outputs, last = sizes[0], sizes[-1], sum(sizes[:-1])
        spare = sum(sizes) * samples

        @fast
        def exponential(x):
            t = min(max(x * f32(1.44269504), f32(-126)), f32(126))
            n = np.int32(np.rint(t))
            t -= f32(n)
            p = f32(1.5353359e-4)
            p = p * t + f32(1.33988797e-3)
            p = p * t + f32(9.61843785e-3)
            p = p * t + f32(5.55033237e-2)
            p = p * t + f32(2.40226477e-1)
            p = p * t + f32(6.93147182e-1)
            return (p * t + f32(1)) * np.int32((n + np.int32(127)) << np.int32(23)).view(f32)

        def sigmoid(z):
            return f32(1) / (f32(1) + exponential(-z))

        activations = {
            "sigmoid": (sigmoid, lambda a: a * (f32(1) - a)),
            "tanh": (lambda z: f32(1) - f32(2) / (f32(1) + exponential(f32(2) * z)), lambda a: f32(1) - a * a),
            "relu": (lambda z: max(z, f32(0)), lambda a: f32(1) if a > f32(0) else f32(0)),
        }
        hidden, slope = map(fast, activations[problem.activation])
        output = fast({"bce": sigmoid, "mse": lambda z: z}[problem.loss])

        def sums(rows, terms, weights, steps, first, target, bias, then):
            """The function that forward and backward share: for each of the rows from `target` on a weighted sum of the rows
            from `first` on, out of which and what is there `then` makes the row. `steps` are those in Θ from one sum's weights
            to the next one's, and from one term's. It has the loop over sums as well: a row that it were called with might be
            negative for all that the compiler knows, and there would be no vectors."""
            together = max(n for n in range(1, self.TOGETHER + 1) if terms % n == 0)
            next_sum, next_term = steps

            @fast
            def sums(theta, a):
                for row in range(rows):
                    to, weight = (target + row) * samples, weights + row * next_sum
                    start = theta[bias + row] if bias else f32(0)
                    if together == terms:
                        for s in range(samples):
                            z = start
                            for n in range(terms):
                                z += theta[weight + n * next_term] * a[(first + n) * samples + s]
                            a[to + s] = then(z, a[to + s])
                    else:
                        for s in range(samples):
                            a[spare + s] = start
                        for k in range(0, terms, together):
                            for s in range(samples):
                                z = a[spare + s]
                                for n in range(k, k + together):
                                    z += theta[weight + n * next_term] * a[(first + n) * samples + s]
                                a[spare + s] = z
                        for s in range(samples):
                            a[to + s] = then(a[spare + s], a[to + s])

            return sums

        @fast
        def loss(theta, gradient, a, x, y, sample):
            for s in range(samples):
                for o in range(outputs):
                    place = (last + o) * samples + s
                    a[place] = output(a[place]) - y[unsigned((sample + s) * outputs + o)]

        def layer(index, start, first):
            """Layer `index`, whose parameters begin at `start` and its inputs at row `first`, with all after it."""
            inputs, outputs = problem.pairs()[index]
            to, bias = first + inputs, start + inputs * outputs
            after = layer(index + 1, bias + outputs, to) if to < last else loss
            activation = hidden if to < last else fast(lambda z: z)
            forward = sums(outputs, inputs, start, (inputs, 1), first, to, bias, fast(lambda z, before: activation(z)))
            backward = sums(inputs, outputs, start, (1, inputs), to, first, 0, fast(lambda delta, a: delta * slope(a)))
            # Inputs that have their sums with one delta in one pass.
            together = next(n for n in (4, 2, 1) if inputs % n == 0)

            @fast
            def gradients(gradient, a):
                for o in range(outputs):
                    delta, total = (to + o) * samples, f32(0)
                    for s in range(samples):
                        total += a[delta + s]
                    gradient[bias + o] += total
                    for i in range(0, inputs, together):
                        row, weight = (first + i) * samples, start + o * inputs + i
                        total, second, third, fourth = f32(0), f32(0), f32(0), f32(0)
                        for s in range(samples):
                            d = a[delta + s]
                            total += d * a[row + s]
                            if together > 1:
                                second += d * a[row + samples + s]
                            if together > 2:
                                third += d * a[row + 2 * samples + s]
                                fourth += d * a[row + 3 * samples + s]
                        gradient[weight] += total
                        if together > 1:
                            gradient[weight + 1] += second
                        if together > 2:
                            gradient[weight + 2] += third
                            gradient[weight + 3] += fourth

            @fast
            def there_and_back(theta, gradient, a, x, y, sample):
                forward(theta, a)
                after(theta, gradient, a, x, y, sample)
                gradients(gradient, a)
                if first:
                    backward(theta, a)

            return there_and_back

        network = layer(0, 0, 0)

        @fast
        def through(theta, gradient, a, x, y, sample):
            for s in range(samples):
                for i in range(inputs):
                    a[i * samples + s] = x[unsigned((sample + s) * inputs + i)]
            network(theta, gradient, a, x, y, sample)

        return through

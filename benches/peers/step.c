/* Full training steps of a narrow network, as a C programmer would write them for its sizes alone: all of them are constants
 * that the compiler sees, given by -D.
 *
 *     LAYERS(L)     L(1, 0, 2, 4) L(2, 1, 4, 4): each layer's number, that of the one before, its inputs and its outputs
 *     REVERSED(L)   the same from the last to the first
 *     LAST          the number of the last layer
 *     INPUTS, OUTPUTS, BATCH
 *     BLOCK         samples that go through all layers together, a multiple of a vector's lanes
 *     SEVERAL       the smallest batch for several threads
 *     SIGMOID, TANH or RELU: the hidden layers' activation
 *     BCE or MSE: the loss; logits' cross-entropy with independent labels, or half the squared error
 *
 *     cc -O3 -march=native -ffast-math -fopenmp -shared -fPIC -D... -o step.so step.c
 *
 * A block stays in the first cache, a feature's numbers side by side: so a vector has one feature of as many samples as it has
 * lanes, however narrow the network is. Vectors are those of GCC's and Clang's extension.
 */
#include <math.h>
#include <string.h>

/* As wide as the instruction set has them. */
typedef float vector __attribute__((vector_size(__BIGGEST_ALIGNMENT__)));
/* One among the parameters, where none is aligned. */
typedef float unaligned __attribute__((vector_size(__BIGGEST_ALIGNMENT__), aligned(4), may_alias));
#if __BIGGEST_ALIGNMENT__ == 64
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#elif __BIGGEST_ALIGNMENT__ == 32
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define ODD 1, 3, 5, 7, 9, 11, 13, 15
#else
#define EVEN 0, 2, 4, 6
#define ODD 1, 3, 5, 7
#endif

#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("GCC unroll 16") for

/* This library's order: for each layer the weights row by row, then the bias. */
#define FIELDS(n, before, inputs, outputs) float weights##n[outputs][inputs], bias##n[outputs];
typedef struct {
    LAYERS(FIELDS)
} parameters;

enum {
    LANES = sizeof(vector) / sizeof(float),
    PARAMETERS = sizeof(parameters) / sizeof(float),
    VECTORS = BLOCK / LANES,
    /* Outputs that are worked on at once, so that what they share is loaded once: half of the registers of AVX2. */
    TOGETHER = 8,
};

/* e^x = 2^n 2^f, where n is a whole number and f at most 1/2: 2^f by a polynomial with a relative error of 2e-9. The C
 * library's expf, whose vectors the compiler knows, takes longer: it is a call for each of them. */
INLINE float exponential(float x) {
    float t = x * 1.44269504f, n, power;
    t = t < -126 ? -126 : t > 126 ? 126 : t;
    n = rintf(t);
    t -= n;
    int bits = ((int)n + 127) << 23;
    memcpy(&power, &bits, sizeof power);
    float p = 1.5353359e-4f;
    p = p * t + 1.33988797e-3f;
    p = p * t + 9.61843785e-3f;
    p = p * t + 5.55033237e-2f;
    p = p * t + 2.40226477e-1f;
    p = p * t + 6.93147182e-1f;
    return (p * t + 1) * power;
}

INLINE float sigmoid(float z) { return 1 / (1 + exponential(-z)); }

INLINE float activation(float z) {
#if defined(SIGMOID)
    return sigmoid(z);
#elif defined(TANH)
    return 1 - 2 / (1 + exponential(2 * z));
#elif defined(RELU)
    return z > 0 ? z : 0;
#else
#error "an activation that this step does not know"
#endif
}

/* The activation's slope by its value. */
INLINE vector slope(vector a) {
#if defined(SIGMOID)
    return a * (1 - a);
#elif defined(TANH)
    return 1 - a * a;
#elif defined(RELU)
    return __builtin_convertvector(-(a > 0), vector);
#endif
}

INLINE float output(float z) {
#if defined(BCE)
    return sigmoid(z);
#elif defined(MSE)
    return z;
#else
#error "a loss that this step does not know"
#endif
}

/* The largest power of two of at most TOGETHER that divides n. */
INLINE int together(int n) { return n % 8 == 0 ? 8 : n % 4 == 0 ? 4 : n % 2 == 0 ? 2 : 1; }

INLINE void forward(int inputs, int outputs, const float weights[outputs][inputs], const float *bias,
                    vector a[inputs][VECTORS], vector z[outputs][VECTORS]) {
    const int some = together(outputs);
    for (int o = 0; o < outputs; o += some)
        for (int v = 0; v < VECTORS; v++) {
            vector sums[TOGETHER];
            UNROLLED (int t = 0; t < some; t++) sums[t] = (vector){} + bias[o + t];
            for (int i = 0; i < inputs; i++)
                UNROLLED (int t = 0; t < some; t++) sums[t] += weights[o + t][i] * a[i][v];
            UNROLLED (int t = 0; t < some; t++) z[o + t][v] = sums[t];
        }
}

/* What a layer's samples add to the gradient, a sum over them. As many inputs as a vector has lanes have a vector of partial
 * sums each, and then one of their sums: halves of pairs are added until one is left. */
INLINE void gradients(int inputs, int outputs, vector a[inputs][VECTORS], vector delta[outputs][VECTORS],
                      float weights[outputs][inputs], float *bias) {
    for (int o = 0; o < outputs; o++) {
        const float *d = (float *)delta[o];
        int i = 0;
        for (; i + LANES <= inputs; i += LANES) {
            vector sums[LANES];
            UNROLLED (int k = 0; k < LANES; k++) {
                sums[k] = (vector){};
                UNROLLED (int v = 0; v < VECTORS; v++) sums[k] += delta[o][v] * a[i + k][v];
            }
            UNROLLED (int n = LANES / 2; n; n /= 2)
                UNROLLED (int k = 0; k < n; k++)
                    sums[k] = __builtin_shufflevector(sums[2 * k], sums[2 * k + 1], EVEN) +
                              __builtin_shufflevector(sums[2 * k], sums[2 * k + 1], ODD);
            *(unaligned *)&weights[o][i] += sums[0];
        }
        for (; i < inputs; i++) {
            const float *x = (float *)a[i];
            float sum = 0;
            for (int s = 0; s < BLOCK; s++) sum += d[s] * x[s];
            weights[o][i] += sum;
        }
        float sum = 0;
        for (int s = 0; s < BLOCK; s++) sum += d[s];
        bias[o] += sum;
    }
}

/* Puts the layer before's delta where its activations were. */
INLINE void backward(int inputs, int outputs, const float weights[outputs][inputs], vector delta[outputs][VECTORS],
                     vector a[inputs][VECTORS]) {
    const int some = together(inputs);
    for (int i = 0; i < inputs; i += some)
        for (int v = 0; v < VECTORS; v++) {
            vector sums[TOGETHER];
            UNROLLED (int t = 0; t < some; t++) sums[t] = (vector){};
            for (int o = 0; o < outputs; o++)
                UNROLLED (int t = 0; t < some; t++) sums[t] += weights[o][i + t] * delta[o][v];
            UNROLLED (int t = 0; t < some; t++) a[i + t][v] = sums[t] * slope(a[i + t][v]);
        }
}

/* Adds to the gradient what `samples` samples give, at most a block. */
INLINE void block(const parameters *restrict theta, parameters *restrict gradient, const float x[][INPUTS],
                  const float y[][OUTPUTS], int samples) {
#define ACTIVATIONS(n, before, inputs, outputs) vector a##n[outputs][VECTORS];
    vector a0[INPUTS][VECTORS];
    LAYERS(ACTIVATIONS)

    for (int i = 0; i < INPUTS; i++) {
        float *feature = (float *)a0[i];
        for (int s = 0; s < BLOCK; s++) feature[s] = s < samples ? x[s][i] : 0;
    }
#define FORWARD(n, before, inputs, outputs)                                                  \
    forward(inputs, outputs, theta->weights##n, theta->bias##n, a##before, a##n);            \
    for (int k = 0; n != LAST && k < outputs * BLOCK; k++) {                                 \
        float *z = (float *)a##n + k;                                                        \
        *z = activation(*z);                                                                 \
    }
    LAYERS(FORWARD)

#define JOINED(name, n) name##n
#define DELTA(n) JOINED(a, n)
    for (int o = 0; o < OUTPUTS; o++) {
        float *delta = (float *)DELTA(LAST)[o];
        /* Samples that there are not have no part in the gradient. */
        for (int s = 0; s < BLOCK; s++) delta[s] = s < samples ? output(delta[s]) - y[s][o] : 0;
    }
#define BACKWARD(n, before, inputs, outputs)                                                 \
    gradients(inputs, outputs, a##before, a##n, gradient->weights##n, gradient->bias##n);    \
    if (before) backward(inputs, outputs, theta->weights##n, a##n, a##before);
    REVERSED(BACKWARD)
}

/* Takes `count` steps. */
void steps(parameters *theta, const float x[][INPUTS], const float y[][OUTPUTS], long count, float rate, float decay) {
    for (; count; count--) {
        parameters gradient = {0};
        float *sums = (float *)&gradient;
#if BATCH >= SEVERAL
#pragma omp parallel for schedule(static) reduction(+ : sums[:PARAMETERS])
#endif
        for (int first = 0; first < BATCH; first += BLOCK)
            if (first + BLOCK <= BATCH)
                block(theta, (parameters *)sums, x + first, y + first, BLOCK);
            else
                block(theta, (parameters *)sums, x + first, y + first, BATCH % BLOCK);
#define UPDATE(n, before, inputs, outputs)                                                             \
    for (int o = 0; o < outputs; o++) {                                                                \
        for (int i = 0; i < inputs; i++) {                                                             \
            float *weight = &theta->weights##n[o][i];                                                  \
            *weight -= rate * (gradient.weights##n[o][i] / BATCH + decay * *weight);                   \
        }                                                                                              \
        theta->bias##n[o] -= rate / BATCH * gradient.bias##n[o];                                       \
    }
        LAYERS(UPDATE)
    }
}

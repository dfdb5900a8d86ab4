#include "numerics/transforms/hadamard.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/transforms/hadamard_textbook.h"

/* First rows of the four circulants of Williamson's array of order 4 * length. */
static const struct {
    size_t length;
    const char *rows[4];
} williamson[] = {
    {13, {"+-+--++++--+-", "+---++++++---", "++-+--++--+-+", "+----+--+----"}},
    {39,
     {"+++--+-+-----+--++----++--+-----+-+--++", "++++---+--++----+-+--+-+----++--+---+++",
      "+++--++-+---+-+--+----+--+-+---+-++--++", "+---++-+-+-----+++-++-+++-----+-+-++---"}},
    {43,
     {"+---++--++++-+-+++-++--++-+++-+-++++--++---", "++-++++++----+-+--++-++-++--+-+----++++++-+",
      "+++-+-++--+-+-++++-+----+-++++-+-+--++-+-++",
      "++---++++-+--+--++--------++--+--+-++++---+"}},
};

static bool is_prime(size_t q)
{
    for (size_t d = 2; d * d <= q; d++)
        if (q % d == 0)
            return false;
    return q >= 2;
}

static bool is_paley1(size_t k)
{
    return is_prime(k - 1) && (k - 1) % 4 == 3;
}

static bool is_paley2(size_t k)
{
    return k % 2 == 0 && is_prime(k / 2 - 1) && (k / 2 - 1) % 4 == 1;
}

static int williamson_index(size_t k)
{
    for (size_t i = 0; i < sizeof williamson / sizeof williamson[0]; i++)
        if (4 * williamson[i].length == k)
            return (int)i;
    return -1;
}

bool hadamard_split(size_t n, size_t *k, size_t *p)
{
    if (!n)
        return false;
    size_t odd = n >> __builtin_ctzll(n);
    if (odd == 1) {
        *k = 1;
        *p = n;
        return true;
    }
    if (odd > HADAMARD_MAX_BASE / 4)
        return false;
    for (size_t base = 4 * odd; base <= HADAMARD_MAX_BASE && n % base == 0; base *= 2)
        if (is_paley1(base) || is_paley2(base) || williamson_index(base) >= 0) {
            *k = base;
            *p = n / base;
            return true;
        }
    return false;
}

/* chi[a] = the Legendre symbol of a modulo the prime q. */
static void legendre(size_t q, signed char *chi)
{
    memset(chi, -1, q);
    chi[0] = 0;
    for (size_t a = 1; a < q; a++)
        chi[a * a % q] = 1;
}

static void fill_paley1(size_t k, const signed char *chi, signed char *b)
{
    size_t q = k - 1;
    for (size_t j = 0; j < k; j++)
        b[j] = 1;
    for (size_t i = 1; i < k; i++) {
        b[i * k] = -1;
        for (size_t j = 1; j < k; j++)
            b[i * k + j] = i == j ? 1 : chi[(i + q - j) % q];
    }
}

/* B = C (x) [[1,1],[1,-1]] + I (x) [[1,-1],[-1,-1]], C the symmetric conference matrix of order
 * k/2. */
static void fill_paley2(size_t k, const signed char *chi, signed char *b)
{
    static const signed char off[2][2] = {{1, 1}, {1, -1}}, diagonal[2][2] = {{1, -1}, {-1, -1}};
    size_t q = k / 2 - 1;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++) {
            size_t r = i / 2, c = j / 2;
            int conference = !r || !c ? 1 : chi[(r + q - c) % q];
            b[i * k + j] =
                r == c ? diagonal[i % 2][j % 2] : (signed char)(conference * off[i % 2][j % 2]);
        }
}

static void fill_williamson(size_t k, signed char *b)
{
    /* Which circulant stands in block (r, c), and its sign. */
    static const signed char which[4][4] = {{0, 1, 2, 3}, {1, 0, 3, 2}, {2, 3, 0, 1}, {3, 2, 1, 0}};
    static const signed char sign[4][4] = {
        {1, 1, 1, 1}, {-1, 1, -1, 1}, {-1, 1, 1, -1}, {-1, -1, 1, 1}};
    int index = williamson_index(k);
    size_t length = k / 4;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++) {
            size_t r = i / length, c = j / length;
            const char *row = williamson[index].rows[(int)which[r][c]];
            char mark = row[(j % length + length - i % length) % length];
            b[i * k + j] = mark == '+' ? sign[r][c] : (signed char)-sign[r][c];
        }
}

static void fill_base(size_t k, signed char *scratch, signed char *b)
{
    if (is_paley1(k)) {
        legendre(k - 1, scratch);
        fill_paley1(k, scratch, b);
    } else if (is_paley2(k)) {
        legendre(k / 2 - 1, scratch);
        fill_paley2(k, scratch, b);
    } else {
        fill_williamson(k, b);
    }
}

static void transpose(size_t k, signed char *b)
{
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < i; j++) {
            signed char t = b[i * k + j];
            b[i * k + j] = b[j * k + i];
            b[j * k + i] = t;
        }
}

/* The sums of four that make up each output: those added first, then those subtracted. */
static void fill_terms(const struct hadamard *h)
{
    size_t groups = h->k / 4, j = 0;
    for (size_t plus = 0; plus <= groups; plus++)
        for (size_t output = 0; output < h->k; output++) {
            const signed char *row = h->base + output * h->k;
            size_t added = 0, subtracted = groups;
            uint16_t *terms = h->terms + j * groups;
            for (size_t g = 0; g < groups; g++)
                added += row[4 * g] > 0;
            if (added != plus)
                continue;
            added = 0;
            for (size_t g = 0; g < groups; g++) {
                const signed char *b = row + 4 * g;
                unsigned index = (b[1] != b[0]) | (b[2] != b[0]) << 1 | (b[3] != b[0]) << 2;
                terms[b[0] > 0 ? added++ : --subtracted] = (uint16_t)(8 * g + index);
            }
            h->plus[j] = (uint16_t)plus;
            h->output[j++] = (uint16_t)output;
        }
}

enum status hadamard_init(struct hadamard *h, size_t n, bool transposed, struct err *err)
{
    struct hadamard plan = {.n = n, .scale = (float)(1 / sqrt((double)n))};
    if (!hadamard_split(n, &plan.k, &plan.p))
        return status_fail(err, E_USAGE,
                           "no Hadamard matrix here for %zu = k * 2^m: no Paley or Williamson "
                           "construction of order k",
                           n);
    if (plan.k > 1) {
        signed char *scratch = malloc(plan.k);
        plan.base = malloc(plan.k * plan.k);
        plan.terms = malloc(plan.k * (plan.k / 4) * sizeof *plan.terms);
        plan.plus = malloc(plan.k * sizeof *plan.plus);
        plan.output = malloc(plan.k * sizeof *plan.output);
        if (!scratch || !plan.base || !plan.terms || !plan.plus || !plan.output) {
            free(scratch);
            hadamard_free(&plan);
            return status_fail(err, E_NOMEM, "no memory for a Hadamard matrix of order %zu",
                               plan.k);
        }
        fill_base(plan.k, scratch, plan.base);
        free(scratch);
        if (transposed)
            transpose(plan.k, plan.base);
        fill_terms(&plan);
    }
    *h = plan;
    return OK;
}

void hadamard_free(struct hadamard *h)
{
    free(h->base);
    free(h->terms);
    free(h->plus);
    free(h->output);
    h->base = NULL;
    h->terms = h->plus = h->output = NULL;
}

int hadamard_entry(const struct hadamard *h, size_t i, size_t j)
{
    int base = h->k > 1 ? h->base[i / h->p * h->k + j / h->p] : 1;
    return __builtin_parityll((i % h->p) & (j % h->p)) ? -base : base;
}

double hadamard_bound(const struct hadamard *h)
{
    double nu = ((double)__builtin_ctzll(h->p) + (double)(h->k - 1) + 2) * (FLT_EPSILON / 2);
    return nu / (1 - nu);
}

const struct kernel_variant hadamard_variants[] = {
    KERNEL(hadamard, ref, 0),
#if defined(__x86_64__)
    KERNEL(hadamard, avx2, CPU_AVX2),
    KERNEL(hadamard, avx512, CPU_AVX512),
#endif
    {0},
};

const struct kernel_variant hadamard_radix2_variants[] = {
    {"ref", (kernel_fn *)hadamard_ref, 0},
#if defined(__x86_64__)
    KERNEL(hadamard_radix2, avx2, CPU_AVX2),
#endif
    {0},
};

void hadamard_ref(const struct hadamard *h, const float *signs, float *x, size_t rows)
{
    textbook_rows(h, signs, x, rows);
}

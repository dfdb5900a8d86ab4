#include "numerics/formats/bit_allocation.h"

#include <math.h>

/* What a tensor's bits are measured from: log2 of the root of its weight in D. */
static double level_of(const struct bit_share *s)
{
    return log2(s->rms) + log2(s->fisher) / 2;
}

static double divergence(const struct bit_share *s, double bits)
{
    return 0.5 * s->elements * s->fisher * s->rms * s->rms * exp2(-2 * bits);
}

struct bit_allocation bit_allocate(struct bit_share *shares, size_t n, double average, int least,
                                   int most)
{
    struct bit_allocation a = {0};
    double counted = 0, levels = 0, elements = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(level_of(&shares[i]))) {
            counted += shares[i].elements;
            levels += shares[i].elements * level_of(&shares[i]);
        }
    double base = counted > 0 ? average - levels / counted : average;
    for (size_t i = 0; i < n; i++) {
        struct bit_share *s = &shares[i];
        s->bits = isfinite(level_of(s)) ? base + level_of(s) : least;
        s->whole = (int)fmin(fmax(rint(s->bits), least), most);
        a.flat += divergence(s, average);
        a.optimal += divergence(s, s->bits);
        a.rounded += divergence(s, s->whole);
        a.whole_bits += s->elements * s->whole;
        elements += s->elements;
    }
    a.whole_bits = elements > 0 ? a.whole_bits / elements : 0;
    a.saved_bits = a.optimal > 0 ? log2(a.flat / a.optimal) / 2 : 0;
    return a;
}

/* nearest_vector by intrinsics; private to the files that define its vectors:
 *
 *   WIDTH                             lanes, a divisor of NEAREST_LANES
 *   lanes, places                     of f32 and of i32
 *   load_lanes, load_places, spread    from memory; one number in each lane
 *   negative_product(sum, a, b)       sum - a * b, rounded twice
 *   keep_nearer(distance, at, &least, &place)
 *   store_lanes, store_places, next(at)
 */
#ifndef NUMERICS_KERNELS_NEAREST_VECTOR_SIMD_H
#define NUMERICS_KERNELS_NEAREST_VECTOR_SIMD_H

/* Vectors done at once: each centroid that is loaded serves them all. */
enum { AT_ONCE = 4 };

/* The first of the lanes with the least distance: a lane's place is the first of its own. */
FLATTEN uint16_t first_of_least(lanes least, places place)
{
    float distance[WIDTH];
    int32_t at[WIDTH];
    size_t best = 0;
    store_lanes(distance, least);
    store_places(at, place);
    for (size_t i = 1; i < WIDTH; i++)
        if (distance[i] < distance[best] || (distance[i] == distance[best] && at[i] < at[best]))
            best = i;
    return (uint16_t)at[best];
}

FLATTEN lanes distance_of(const struct nearest_vectors *c, size_t i, const float *x, size_t dim)
{
    lanes distance = load_lanes(c->half + i);
    for (size_t d = 0; d < dim; d++)
        distance =
            negative_product(distance, spread(x[d]), load_lanes(c->plane + d * c->padded + i));
    return distance;
}

FLATTEN void nearest_of(const struct nearest_vectors *c, const float *x, size_t dim, size_t vectors,
                        uint16_t *codes)
{
    static const int32_t from[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    lanes least[AT_ONCE];
    places place[AT_ONCE], at = load_places(from);
    for (size_t v = 0; v < vectors; v++) {
        least[v] = distance_of(c, 0, x + v * dim, dim);
        place[v] = at;
    }
    for (size_t i = WIDTH; i < c->padded; i += WIDTH) {
        at = next(at);
        for (size_t v = 0; v < vectors; v++)
            keep_nearer(distance_of(c, i, x + v * dim, dim), at, least + v, place + v);
    }
    for (size_t v = 0; v < vectors; v++)
        codes[v] = first_of_least(least[v], place[v]);
}

FLATTEN void nearest_of_dim(const struct nearest_vectors *c, const float *x, size_t dim,
                            size_t count, uint16_t *codes)
{
    size_t v = 0;
    for (; v + AT_ONCE <= count; v += AT_ONCE)
        nearest_of(c, x + v * dim, dim, AT_ONCE, codes + v);
    for (; v < count; v++)
        nearest_of(c, x + v * dim, dim, 1, codes + v);
}

FLATTEN void nearest_vector(const struct nearest_vectors *c, const float *x, size_t count,
                            uint16_t *codes)
{
    switch (c->dim) { /* unrolled for those in use */
    case 2:
        nearest_of_dim(c, x, 2, count, codes);
        break;
    case 3:
        nearest_of_dim(c, x, 3, count, codes);
        break;
    case 4:
        nearest_of_dim(c, x, 4, count, codes);
        break;
    default:
        nearest_of_dim(c, x, c->dim, count, codes);
        break;
    }
}

#endif

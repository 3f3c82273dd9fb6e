/* The innermost loop of DBSCAN on few points.
 *
 * It is in C for one reason: it is compiled once for each width of vector register, and the processor's own is
 * taken when it runs, so that one wheel runs everywhere at full speed. `neighbour_rows.h` is the loop.
 */
#ifndef CORE_EXT_NEIGHBOUR_MASKS_H
#define CORE_EXT_NEIGHBOUR_MASKS_H

#include <stddef.h>
#include <stdint.h>

/* Points are taken in blocks of so many: as many doubles as the widest register holds. */
#define BLOCK 8

/* Positions of the points that points of a block can have as neighbours. */
typedef struct {
    int32_t first;
    int32_t end;
} Reach;

#define WIDTH 2
#define VERSION(name) name##_plain
#define TARGET
#include "neighbour_rows.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define WIDTH 4
#define VERSION(name) name##_avx2
#define TARGET __attribute__((target("avx2")))
#include "neighbour_rows.h"

#define WIDTH 8
#define VERSION(name) name##_avx512
#define TARGET __attribute__((target("avx512f")))
#include "neighbour_rows.h"
#endif

/* Find the neighbours of `n` points, which are padded with NaN, nobody's neighbour, to whole blocks.
 *
 * Bit j % 64 of masks[(i / BLOCK * words + j / 64) * BLOCK + i % BLOCK] says whether points i and j are neighbours,
 * and bit i % 64 of enough[i / 64] whether point i has at least `min_neighbours`. `time` may be NULL.
 */
static void neighbour_masks(const double *x, const double *y, const double *time, ptrdiff_t n, const Reach *reach,
                            double eps_squared, double eps_time, int32_t min_neighbours,
                            ptrdiff_t words, uint64_t *masks, uint64_t *enough)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx512f")) {
        neighbour_rows_avx512(x, y, time, n, reach, eps_squared, eps_time, min_neighbours, words, masks, enough);
        return;
    }
    if (__builtin_cpu_supports("avx2")) {
        neighbour_rows_avx2(x, y, time, n, reach, eps_squared, eps_time, min_neighbours, words, masks, enough);
        return;
    }
#endif
    neighbour_rows_plain(x, y, time, n, reach, eps_squared, eps_time, min_neighbours, words, masks, enough);
}

#endif

/* The innermost loop of DBSCAN on few points.
 *
 * It is in C for one reason: the compiler then makes a version for each width of vector register and the
 * loader picks the one that the processor has, so that one wheel runs everywhere at full speed.
 */
#ifndef CORE_EXT_NEIGHBOUR_MASKS_H
#define CORE_EXT_NEIGHBOUR_MASKS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* The loader's choice (ifunc) exists on x86-64 Linux with glibc; AddressSanitizer starts too late for it. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) \
    && !defined(__SANITIZE_ADDRESS__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

/* Set bit j % 64 of masks[i * words + j / 64] where points i and j are neighbours, and degree[i] to how many
 * neighbours point i has. `n` points are padded with NaN, which is nobody's neighbour, to a multiple of 8.
 * `time` may be NULL.
 */
FOR_EACH_PROCESSOR
static void neighbour_masks(const double *restrict x, const double *restrict y, const double *restrict time,
                            ptrdiff_t n, double eps_squared, double eps_time,
                            ptrdiff_t words, uint64_t *restrict masks, int32_t *restrict degree)
{
    ptrdiff_t padded = (n + 7) / 8 * 8;
    for (ptrdiff_t i = 0; i < n; i++) {
        int32_t neighbours = 0;
        for (ptrdiff_t w = 0; w < words; w++) {
            const double *word_x = x + 64 * w, *word_y = y + 64 * w;
            /* The compiler is told here that the count is a multiple of 8, and needs no loop for a rest. */
            ptrdiff_t count = (padded - 64 * w < 64 ? padded - 64 * w : 64) / 8 * 8;
            uint64_t mask = 0;
            for (ptrdiff_t j = 0; j < count; j++) {
                double dx = x[i] - word_x[j], dy = y[i] - word_y[j];
                mask |= (uint64_t)(dx * dx + dy * dy <= eps_squared) << j;
            }
            if (time) {
                const double *word_time = time + 64 * w;
                uint64_t soon = 0;
                for (ptrdiff_t j = 0; j < count; j++)
                    soon |= (uint64_t)(fabs(time[i] - word_time[j]) <= eps_time) << j;
                mask &= soon;
            }
            masks[i * words + w] = mask;
            neighbours += __builtin_popcountll(mask);
        }
        degree[i] = neighbours;
    }
}

#endif

/* DBSCAN of many small sets by the obvious method in C: the peer that `dbscan.py peer` compares with.
 *
 * All pairs are compared, a row of bits is kept for each point, and clusters grow from a stack. There are no
 * checks, no weights, no time and no threads.
 */
#include <stdint.h>
#include <string.h>

/* `free` are the points that no cluster has yet; a point is its own neighbour. */
static int cluster(const double *x, const double *y, int n, double eps_squared, int min_samples,
                   uint64_t *near, uint64_t *free, uint8_t *core, int *stack, int32_t *labels)
{
    int words = (n + 63) / 64;
    for (int i = 0; i < n; i++) {
        int neighbours = 0;
        for (int w = 0; w < words; w++) {
            const double *word_x = x + 64 * w, *word_y = y + 64 * w;
            int count = n - 64 * w < 64 ? n - 64 * w : 64;
            uint64_t row = 0;
            for (int j = 0; j < count; j++) {
                double dx = x[i] - word_x[j], dy = y[i] - word_y[j];
                row |= (uint64_t)(dx * dx + dy * dy <= eps_squared) << j;
            }
            near[i * words + w] = row;
            neighbours += __builtin_popcountll(row);
        }
        core[i] = neighbours >= min_samples;
        labels[i] = -1;
    }
    memset(free, 0xff, words * sizeof(uint64_t));
    int clusters = 0;
    for (int i = 0; i < n; i++) {
        if (!core[i] || labels[i] >= 0)
            continue;
        int height = 0;
        stack[height++] = i;
        while (height > 0) {
            const uint64_t *row = near + stack[--height] * words;
            for (int w = 0; w < words; w++) {
                uint64_t rest = row[w] & free[w];
                free[w] &= ~rest;
                for (; rest; rest &= rest - 1) {
                    int j = 64 * w + __builtin_ctzll(rest);
                    labels[j] = clusters;
                    if (core[j])
                        stack[height++] = j;
                }
            }
        }
        clusters++;
    }
    return clusters;
}

/* `near` has room for a row of bits, in whole words, for each point of the largest set, `free` for one row. */
void cluster_all(const double *x, const double *y, const int64_t *offsets, int64_t n_sets, double eps_squared,
                 int min_samples, uint64_t *near, uint64_t *free, uint8_t *core, int *stack, int32_t *labels)
{
    for (int64_t s = 0; s < n_sets; s++) {
        int64_t first = offsets[s];
        cluster(x + first, y + first, (int)(offsets[s + 1] - first), eps_squared, min_samples, near, free, core,
                stack, labels + first);
    }
}

/* DBSCAN of many small sets as one writes it down in C at first: the peer that `dbscan.py peer` compares with.
 *
 * All pairs are compared into a matrix of bytes, which the compiler turns into vectors, and clusters grow from a
 * stack. There are no checks, no weights, no time and no threads.
 */
#include <stdint.h>

static int cluster(const double *x, const double *y, int n, double eps_squared, int min_samples,
                   uint8_t *near, uint8_t *core, int *stack, int32_t *labels)
{
    for (int i = 0; i < n; i++) {
        uint8_t *row = near + (int64_t)i * n;
        int neighbours = 0;
        for (int j = 0; j < n; j++) {
            double dx = x[i] - x[j], dy = y[i] - y[j];
            row[j] = dx * dx + dy * dy <= eps_squared;
            neighbours += row[j];
        }
        core[i] = neighbours >= min_samples;
        labels[i] = -1;
    }
    int clusters = 0;
    for (int i = 0; i < n; i++) {
        if (!core[i] || labels[i] >= 0)
            continue;
        int height = 0;
        stack[height++] = i;
        labels[i] = clusters;
        while (height > 0) {
            const uint8_t *row = near + (int64_t)stack[--height] * n;
            for (int j = 0; j < n; j++) {
                if (row[j] && labels[j] < 0) {
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

/* `near` has room for the square of the largest set, `core` and `stack` for the set itself. */
void cluster_all(const double *x, const double *y, const int64_t *offsets, int64_t n_sets, double eps_squared,
                 int min_samples, uint8_t *near, uint8_t *core, int *stack, int32_t *labels)
{
    for (int64_t s = 0; s < n_sets; s++) {
        int64_t first = offsets[s];
        cluster(x + first, y + first, (int)(offsets[s + 1] - first), eps_squared, min_samples, near, core, stack,
                labels + first);
    }
}

/* Neighbours of whole blocks of points, for registers of WIDTH doubles; `neighbour_masks.h` says of what.
 *
 * The points of a block lie side by side in registers and are compared with one other point at a time. Where a
 * comparison of vectors holds it gives -1, all bits of the number. Vectors of GNU C keep to the rounding of plain C.
 */
typedef double VERSION(Reals) __attribute__((vector_size(WIDTH * sizeof(double)), aligned(sizeof(double))));
typedef int64_t VERSION(Flags) __attribute__((vector_size(WIDTH * sizeof(int64_t)), aligned(sizeof(int64_t))));

TARGET
static void VERSION(neighbour_rows)(const double *restrict x, const double *restrict y, const double *restrict time,
                                    ptrdiff_t n, const Reach *restrict reach, double eps_squared, double eps_time,
                                    int32_t min_neighbours, ptrdiff_t words, uint64_t *restrict masks,
                                    uint64_t *restrict enough)
{
    enum { PARTS = BLOCK / WIDTH };
    typedef VERSION(Reals) Reals;
    typedef VERSION(Flags) Flags;

    for (ptrdiff_t w = 0; w < words; w++)
        enough[w] = 0;
    for (ptrdiff_t block = 0; BLOCK * block < n; block++) {
        const Reals *block_x = (const Reals *)(x + BLOCK * block), *block_y = (const Reals *)(y + BLOCK * block);
        const Reals *block_time = (const Reals *)(time + BLOCK * block);
        int32_t neighbours[BLOCK] = {0};
        for (ptrdiff_t w = 0; w < words; w++) {
            ptrdiff_t first = reach[block].first > 64 * w ? reach[block].first : 64 * w;
            ptrdiff_t end = reach[block].end < 64 * w + 64 ? reach[block].end : 64 * w + 64;
            Flags near[PARTS] = {0};
            for (ptrdiff_t j = first; j < end; j++) {
                for (int part = 0; part < PARTS; part++) {
                    Reals dx = block_x[part] - x[j], dy = block_y[part] - y[j];
                    near[part] |= (dx * dx + dy * dy <= eps_squared) & (int64_t)((uint64_t)1 << (j % 64));
                }
            }
            if (time) {
                Flags soon[PARTS] = {0};
                for (ptrdiff_t j = first; j < end; j++) {
                    for (int part = 0; part < PARTS; part++) {
                        Reals dt = block_time[part] - time[j];
                        soon[part] |= (dt <= eps_time) & (dt >= -eps_time) & (int64_t)((uint64_t)1 << (j % 64));
                    }
                }
                for (int part = 0; part < PARTS; part++)
                    near[part] &= soon[part];
            }
            uint64_t *word = masks + (block * words + w) * BLOCK;
            for (int part = 0; part < PARTS; part++)
                *(Flags *)(word + WIDTH * part) = near[part];
            for (int i = 0; i < BLOCK; i++)
                neighbours[i] += __builtin_popcountll(word[i]);
        }
        for (int i = 0; i < BLOCK; i++)
            enough[block / 8] |= (uint64_t)(neighbours[i] >= min_neighbours) << (BLOCK * (block % 8) + i);
    }
}

#undef WIDTH
#undef VERSION
#undef TARGET

"""Two bit operations that C compilers have and Cython does not name."""

from libc.stdint cimport uint64_t

cdef extern from *:
    """
    static inline int lowest_bit(uint64_t bits) { return __builtin_ctzll(bits); }

    /* Written out because plain x86-64 has no instruction for it and would call a library function. */
    static inline int bit_count(uint64_t bits)
    {
        bits -= bits >> 1 & UINT64_C(0x5555555555555555);
        bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
        bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
        return (int)(bits * UINT64_C(0x0101010101010101) >> 56);
    }
    """
    int lowest_bit(uint64_t bits) noexcept nogil
    int bit_count(uint64_t bits) noexcept nogil

#include "base/find.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>

enum { STEP = 16 };

/* Bit i: `first` stands at from[i], and `last` `distance` bytes behind it. */
static unsigned candidates(const char *from, size_t distance, __m128i first, __m128i last)
{
    __m128i at_first = _mm_loadu_si128((const __m128i *)(const void *)from);
    __m128i at_last = _mm_loadu_si128((const __m128i *)(const void *)(from + distance));

    return (unsigned)_mm_movemask_epi8(
        _mm_and_si128(_mm_cmpeq_epi8(first, at_first), _mm_cmpeq_epi8(last, at_last)));
}

/* In all of the text but what is too short for a step. *rest is that. */
static const char *find_by_steps(struct slice text, struct slice needle, const char **rest)
{
    __m128i first = _mm_set1_epi8(needle.ptr[0]);
    __m128i last = _mm_set1_epi8(needle.ptr[needle.len - 1]);
    const char *at = text.ptr, *end = text.ptr + text.len;

    for (; (size_t)(end - at) >= needle.len + STEP; at += STEP) {
        unsigned found = candidates(at, needle.len - 1, first, last);

        for (; found; found &= found - 1) {
            const char *here = at + __builtin_ctz(found);

            if (memcmp(here, needle.ptr, needle.len) == 0)
                return here;
        }
    }
    *rest = at;
    return NULL;
}

/* The newlines of at most 255 steps: a byte of `found` counts no further. */
static uint64_t newlines_of_steps(const char *at, size_t step_count)
{
    __m128i newline = _mm_set1_epi8('\n'), found = _mm_setzero_si128(), sums;

    for (size_t i = 0; i < step_count; i++, at += STEP) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);

        found = _mm_sub_epi8(found, _mm_cmpeq_epi8(bytes, newline)); /* equal is -1 */
    }
    sums = _mm_sad_epu8(found, _mm_setzero_si128());
    return (uint64_t)_mm_cvtsi128_si64(sums) +
           (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums));
}

/* In all of the text but what is too short for a step. *rest is that. */
static uint64_t newlines_by_steps(struct slice text, const char **rest)
{
    enum { STEP_COUNT_MAX = 255 };
    size_t left = text.len / STEP;
    uint64_t count = 0;

    *rest = text.ptr;
    while (left > 0) {
        size_t step_count = left < STEP_COUNT_MAX ? left : STEP_COUNT_MAX;

        count += newlines_of_steps(*rest, step_count);
        *rest += step_count * STEP;
        left -= step_count;
    }
    return count;
}
#else
static const char *find_by_steps(struct slice text, struct slice needle, const char **rest)
{
    (void)needle;
    *rest = text.ptr;
    return NULL;
}

static uint64_t newlines_by_steps(struct slice text, const char **rest)
{
    *rest = text.ptr;
    return 0;
}
#endif

const char *find_bytes(struct slice text, struct slice needle)
{
    const char *found, *rest;

    if (needle.len == 0)
        return text.ptr;
    found = find_by_steps(text, needle, &rest);
    if (found || text.len == 0)
        return found;
    return memmem(rest, (size_t)(text.ptr + text.len - rest), needle.ptr, needle.len);
}

uint64_t count_lines(struct slice text)
{
    const char *at, *end = text.ptr + text.len;
    uint64_t count = newlines_by_steps(text, &at);

    for (; at < end; at++)
        count += *at == '\n';
    return count + (text.len > 0 && end[-1] != '\n');
}

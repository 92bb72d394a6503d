#include "vm/pattern.h"

#include <ctype.h>

/* ---- compiling ---- */

struct parser {
    struct pattern *pattern;
    const char *at, *end;
    uint8_t open[PATTERN_CAPTURE_COUNT_MAX]; /* captures that are not closed, outermost first */
    uint32_t open_count;
    uint32_t closed; /* a bit for each capture that is */
};

/* Is the byte in the class of the letter, as in %a? -1: no class is called so. */
static int in_class(unsigned char byte, unsigned char letter)
{
    static const struct {
        char letter;
        int (*has)(int byte);
    } classes[] = {
        {'a', isalpha}, {'c', iscntrl}, {'d', isdigit}, {'g', isgraph}, {'l', islower},
        {'p', ispunct}, {'s', isspace}, {'u', isupper}, {'w', isalnum}, {'x', isxdigit},
    };

    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (classes[i].letter == tolower(letter))
            return (classes[i].has(byte) != 0) != (isupper(letter) != 0);
    return isalpha(letter) ? -1 : byte == letter;
}

/* Adds what %letter means to the set: a class, or the byte itself. */
static bool add_class(struct pattern *pattern, uint32_t bit, unsigned char letter)
{
    if (in_class(0, letter) < 0)
        return false;
    for (int byte = 0; byte < 256; byte++)
        if (in_class((unsigned char)byte, letter))
            pattern->sets[byte] |= bit;
    return true;
}

static void add_range(struct pattern *pattern, uint32_t bit, unsigned char from, unsigned char to)
{
    for (int byte = from; byte <= to; byte++)
        pattern->sets[byte] |= bit;
}

/* Where the set that begins before `at` ends: at its ], or NULL. */
static const char *find_bracket(const char *at, const char *end)
{
    if (at < end && *at == '^')
        at++;
    do { /* the first byte is in the set, even a ] */
        if (at == end)
            return NULL;
        if (*at++ == '%' && at < end)
            at++;
    } while (at == end || *at != ']');
    return at;
}

/* What stands in brackets; parser->at is after the [, and then after the ]. */
static bool parse_set(struct parser *parser, uint32_t bit)
{
    struct pattern *pattern = parser->pattern;
    const char *at = parser->at, *bracket = find_bracket(at, parser->end);
    bool is_negated = bracket && *at == '^';

    if (!bracket)
        return false;
    for (at += is_negated; at < bracket; at++) {
        if (*at == '%') {
            if (++at == bracket || !add_class(pattern, bit, (unsigned char)*at))
                return false;
        } else if (at + 2 < bracket && at[1] == '-') {
            add_range(pattern, bit, (unsigned char)at[0], (unsigned char)at[2]);
            at += 2;
        } else {
            pattern->sets[(unsigned char)*at] |= bit;
        }
    }
    for (int byte = 0; is_negated && byte < 256; byte++)
        pattern->sets[byte] ^= bit;
    parser->at = bracket + 1;
    return true;
}

static bool add_item(struct parser *parser, struct pattern_item item)
{
    struct pattern *pattern = parser->pattern;

    if (pattern->item_count == PATTERN_ITEM_COUNT_MAX)
        return false;
    pattern->items[pattern->item_count++] = item;
    return true;
}

/* Takes a bit for one more set. */
static bool new_set(struct pattern *pattern, struct pattern_item *item, uint32_t *bit)
{
    if (pattern->set_count == PATTERN_SET_COUNT_MAX)
        return false;
    item->a = pattern->set_count++;
    *bit = UINT32_C(1) << item->a;
    return true;
}

/* One byte of the subject, and how often. */
static bool parse_single(struct parser *parser)
{
    unsigned char byte = (unsigned char)*parser->at++, letter = byte;
    struct pattern_item item = {.op = byte == '.' ? PATTERN_ANY : PATTERN_CHAR};
    uint32_t bit;

    if (byte == '%') {
        if (parser->at == parser->end)
            return false;
        letter = (unsigned char)*parser->at++;
    }
    item.a = letter;
    if (byte == '[' || (byte == '%' && isalpha(letter))) {
        item.op = PATTERN_SET;
        if (!new_set(parser->pattern, &item, &bit))
            return false;
        if (byte == '[' ? !parse_set(parser, bit) : !add_class(parser->pattern, bit, letter))
            return false;
    }
    if (parser->at < parser->end && *parser->at != '\0' && strchr("*+-?", *parser->at))
        item.repeat = (uint8_t)*parser->at++;
    return add_item(parser, item);
}

static bool parse_open(struct parser *parser)
{
    struct pattern *pattern = parser->pattern;
    struct pattern_item item = {.op = PATTERN_OPEN, .a = pattern->capture_count};

    if (pattern->capture_count == PATTERN_CAPTURE_COUNT_MAX)
        return false;
    pattern->capture_count++;
    if (parser->at < parser->end && *parser->at == ')') {
        parser->at++;
        pattern->positions |= UINT32_C(1) << item.a;
    } else {
        parser->open[parser->open_count++] = item.a;
    }
    return add_item(parser, item);
}

static bool parse_close(struct parser *parser)
{
    struct pattern_item item = {.op = PATTERN_CLOSE};

    if (parser->open_count == 0)
        return false;
    item.a = parser->open[--parser->open_count];
    parser->closed |= UINT32_C(1) << item.a;
    return add_item(parser, item);
}

/* %b, %f or %1, whose letter is `letter`; parser->at is after it. */
static bool parse_special(struct parser *parser, char letter)
{
    struct pattern_item item = {.op = PATTERN_BACK, .a = (uint8_t)(letter - '1')};
    uint32_t bit;

    if (letter == 'b') {
        if (parser->end - parser->at < 2)
            return false;
        item = (struct pattern_item){PATTERN_BALANCE, 0, (uint8_t)parser->at[0],
                                     (uint8_t)parser->at[1]};
        parser->at += 2;
    } else if (letter == 'f') {
        item.op = PATTERN_FRONTIER;
        if (parser->at == parser->end || *parser->at++ != '[' ||
            !new_set(parser->pattern, &item, &bit) || !parse_set(parser, bit))
            return false;
    } else if (letter == '0' || !(parser->closed >> item.a & 1)) {
        return false;
    }
    return add_item(parser, item);
}

static bool parse_item(struct parser *parser)
{
    char byte = *parser->at;
    char next = parser->end - parser->at > 1 ? parser->at[1] : '\0';

    if (byte == '$' && parser->end - parser->at == 1) {
        parser->at++;
        return add_item(parser, (struct pattern_item){.op = PATTERN_AT_END});
    }
    if (byte == '%' && (next == 'b' || next == 'f' || isdigit((unsigned char)next))) {
        parser->at += 2;
        return parse_special(parser, next);
    }
    if (byte != '(' && byte != ')')
        return parse_single(parser);
    parser->at++;
    return byte == '(' ? parse_open(parser) : parse_close(parser);
}

static bool is_single(struct pattern_item item)
{
    return item.op == PATTERN_CHAR || item.op == PATTERN_SET || item.op == PATTERN_ANY;
}

/* Finds out what makes a search faster. */
static void look_ahead(struct pattern *pattern)
{
    const struct pattern_item *items = pattern->items;
    uint8_t first = 0;

    while (items[first].op == PATTERN_OPEN)
        first++;
    pattern->first = first;
    pattern->has_first =
        is_single(items[first]) && (items[first].repeat == 0 || items[first].repeat == '+');
    if (pattern->is_anchored || items[first].op != PATTERN_SET || items[first].repeat != '+')
        return;
    pattern->is_run = (first == 0 && items[1].op == PATTERN_END) ||
                      (first == 1 && items[2].op == PATTERN_CLOSE && items[3].op == PATTERN_END);
}

bool pattern_compile(struct pattern *pattern, struct slice text)
{
    struct parser parser = {.pattern = pattern, .at = text.ptr, .end = text.ptr + text.len};

    memset(pattern, 0, sizeof *pattern);
    if (text.len > 0 && *text.ptr == '^') {
        pattern->is_anchored = true;
        parser.at++;
    }
    while (parser.at < parser.end)
        if (!parse_item(&parser))
            return false;
    if (parser.open_count > 0 || !add_item(&parser, (struct pattern_item){.op = PATTERN_END}))
        return false;
    look_ahead(pattern);
    return true;
}

/* ---- matching ---- */

static inline bool has_byte(const struct pattern *pattern, struct pattern_item item, char byte)
{
    if (item.op == PATTERN_SET)
        return pattern->sets[(unsigned char)byte] >> item.a & 1;
    return item.op == PATTERN_ANY || (unsigned char)byte == item.a;
}

/* Where the bytes that the item takes end. */
static const char *skip_bytes(const struct pattern *pattern, struct pattern_item item,
                              const char *at, const char *end)
{
    uint32_t bit = UINT32_C(1) << (item.a & 31);

    if (item.op == PATTERN_ANY)
        return end;
    if (item.op == PATTERN_SET)
        while (at < end && pattern->sets[(unsigned char)*at] & bit)
            at++;
    else
        while (at < end && (unsigned char)*at == item.a)
            at++;
    return at;
}

static const char *match_items(const struct pattern *pattern, struct pattern_match *match,
                               const char *at, const struct pattern_item *item);

/* As many as there are, and fewer as long as what follows does not match. */
static const char *match_most(const struct pattern *pattern, struct pattern_match *match,
                              const char *at, const struct pattern_item *item)
{
    const char *least = at + (item->repeat == '+');
    const char *most = skip_bytes(pattern, *item, at, match->end), *end;

    for (; most >= least; most--) {
        end = match_items(pattern, match, most, item + 1);
        if (end)
            return end;
        if (most == at)
            break;
    }
    return NULL;
}

static const char *match_fewest(const struct pattern *pattern, struct pattern_match *match,
                                const char *at, const struct pattern_item *item)
{
    const char *end;

    while (!(end = match_items(pattern, match, at, item + 1))) {
        if (at == match->end || !has_byte(pattern, *item, *at))
            return NULL;
        at++;
    }
    return end;
}

static const char *match_balance(const struct pattern_match *match, const char *at,
                                 struct pattern_item item)
{
    size_t depth = 1;

    if (at == match->end || (unsigned char)*at != item.a)
        return NULL;
    while (++at < match->end) {
        if ((unsigned char)*at == item.b) {
            if (--depth == 0)
                return at + 1;
        } else if ((unsigned char)*at == item.a) {
            depth++;
        }
    }
    return NULL;
}

/* Outside of the subject there are zero bytes. */
static bool is_frontier(const struct pattern *pattern, const struct pattern_match *match,
                        const char *at, struct pattern_item item)
{
    uint32_t before = pattern->sets[at == match->subject ? 0 : (unsigned char)at[-1]];
    uint32_t here = pattern->sets[at == match->end ? 0 : (unsigned char)*at];

    return (here & ~before) >> item.a & 1;
}

static const char *match_back(const struct pattern_match *match, const char *at,
                              struct pattern_item item)
{
    size_t len = (size_t)(match->stop[item.a] - match->start[item.a]);

    if ((size_t)(match->end - at) < len || memcmp(at, match->start[item.a], len) != 0)
        return NULL;
    return at + len;
}

/* An item that is CHAR, SET or ANY and not repeated with * + -. NULL: no match. */
static const char *match_single(const struct pattern *pattern, struct pattern_match *match,
                                const char *at, const struct pattern_item *item)
{
    bool is_here = at < match->end && has_byte(pattern, *item, *at);
    const char *end;

    if (item->repeat != '?')
        return is_here ? at + 1 : NULL;
    end = is_here ? match_items(pattern, match, at + 1, item + 1) : NULL;
    return end ? end : match_items(pattern, match, at, item + 1);
}

/*
 * Captures are not undone when a branch fails: a pattern has no alternatives, so what matches in
 * the end has gone through each of its items, and has set each capture since.
 */
static const char *match_items(const struct pattern *pattern, struct pattern_match *match,
                               const char *at, const struct pattern_item *item)
{
    for (; at; item++) {
        switch ((enum pattern_op)item->op) {
        case PATTERN_END:
            return at;
        case PATTERN_OPEN:
            match->start[item->a] = at;
            break;
        case PATTERN_CLOSE:
            match->stop[item->a] = at;
            break;
        case PATTERN_BALANCE:
            at = match_balance(match, at, *item);
            break;
        case PATTERN_FRONTIER:
            if (!is_frontier(pattern, match, at, *item))
                return NULL;
            break;
        case PATTERN_BACK:
            at = match_back(match, at, *item);
            break;
        case PATTERN_AT_END:
            if (at != match->end)
                return NULL;
            break;
        case PATTERN_CHAR:
        case PATTERN_SET:
        case PATTERN_ANY:
            if (item->repeat == '*' || item->repeat == '+')
                return match_most(pattern, match, at, item);
            if (item->repeat == '-')
                return match_fewest(pattern, match, at, item);
            if (item->repeat == '?')
                return match_single(pattern, match, at, item);
            at = match_single(pattern, match, at, item);
            break;
        }
    }
    return NULL;
}

const char *pattern_match_at(const struct pattern *pattern, struct pattern_match *match,
                             const char *at)
{
    return match_items(pattern, match, at, pattern->items);
}

/* The first place at or after `at` where a match can begin; NULL: nowhere. */
static const char *find_first(const struct pattern *pattern, const char *at, const char *end)
{
    struct pattern_item first = pattern->items[pattern->first];
    uint32_t bit = UINT32_C(1) << (first.a & 31);

    if (first.op == PATTERN_CHAR)
        return at < end ? memchr(at, first.a, (size_t)(end - at)) : NULL;
    if (first.op == PATTERN_SET)
        while (at < end && !(pattern->sets[(unsigned char)*at] & bit))
            at++;
    return at < end ? at : NULL;
}

const char *pattern_search(const struct pattern *pattern, struct pattern_match *match,
                           const char **at)
{
    const char *end;

    if (pattern->is_anchored)
        return pattern_match_at(pattern, match, *at);
    for (;; ++*at) {
        if (pattern->has_first && !(*at = find_first(pattern, *at, match->end)))
            return NULL;
        end = pattern_match_at(pattern, match, *at);
        if (end || *at == match->end)
            return end;
    }
}

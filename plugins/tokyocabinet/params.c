/*
 * The parameters of tchdb, in kumofs's form: PATH#name=value#name=value.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#include "engine.h"

#include <string.h>

enum { BNUM, APOW, FPOW, OPTS, RCNUM, XMSIZ, DFUNIT, PARAMS };

const kumo_param engine_params[PARAMS] = {
    {"bnum", KUMO_PARAM_TYPE_SIZE, "131071",
     "buckets of a new file: half to four times the records"},
    {"apow", KUMO_PARAM_TYPE_INT, "4", "records of a new file begin at multiples of 2^apow, 0-16"},
    {"fpow", KUMO_PARAM_TYPE_INT, "10", "a new file keeps count of 2^fpow free blocks, 0-20"},
    {"opts", KUMO_PARAM_TYPE_STRING, "l",
     "of a new file: l past 64 GiB; compressed d with deflate, b with bzip2, t with TCBS"},
    {"rcnum", KUMO_PARAM_TYPE_SIZE, "0",
     "how many records to cache, of a compressed file; 0: none"},
    {"xmsiz", KUMO_PARAM_TYPE_SIZE, "0", "how much of the records to map; 0: they are read"},
    {"dfunit", KUMO_PARAM_TYPE_SIZE, "0",
     "0 only: automatic defragmentation is not safe from a kill"},
};

static const uint64_t maxima[PARAMS] = {
    [BNUM] = INT32_MAX, [APOW] = 16, [FPOW] = 20, [RCNUM] = INT32_MAX / 4,
    [XMSIZ] = (uint64_t)1 << 46, [DFUNIT] = 0};

/* Digits, perhaps with k, m, g or t behind them. */
static bool parse_size(const char *text, size_t n, uint64_t *number)
{
    static const char units[] = "kmgt";
    const char *unit;
    size_t i;
    *number = 0;
    for (i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++) {
        if (*number > UINT64_MAX / 10 - 1) {
            return false;
        }
        *number = *number * 10 + (uint64_t)(text[i] - '0');
    }
    if (i == 0 || i == n) {
        return i > 0;
    }
    unit = strchr(units, text[i] | 0x20);
    if (i + 1 != n || unit == NULL || *unit == '\0' ||
        *number > UINT64_MAX >> 10 * (unit - units + 1)) {
        return false;
    }
    *number <<= 10 * (unit - units + 1);
    return true;
}

static bool parse_opts(const char *text, size_t n, uint64_t *opts)
{
    size_t i;
    *opts = 0;
    for (i = 0; i < n; i++) {
        switch (text[i]) {
        case 'l':
            *opts |= HDBTLARGE;
            break;
        case 'd':
            *opts |= HDBTDEFLATE;
            break;
        case 'b':
            *opts |= HDBTBZIP;
            break;
        case 't':
            *opts |= HDBTTCBS;
            break;
        default:
            return false;
        }
    }
    /* Of two ways to compress, Tokyo Cabinet would take one. */
    return ((*opts & ~(uint64_t)HDBTLARGE) & ((*opts & ~(uint64_t)HDBTLARGE) - 1)) == 0;
}

/* One `name=value`, n bytes long. */
static bool parse_param(const char *text, size_t n, uint64_t values[PARAMS])
{
    const char *equals = memchr(text, '=', n);
    size_t name = equals == NULL ? n : (size_t)(equals - text), i;
    bool good;
    for (i = 0; i < PARAMS; i++) {
        if (strlen(engine_params[i].name) == name &&
            memcmp(engine_params[i].name, text, name) == 0) {
            break;
        }
    }
    if (i == PARAMS) {
        return engine_fail(KUMO_ERROR_INVALID,
                           "tchdb: there is no parameter \"%.*s\"; there are bnum, apow, fpow, "
                           "opts, rcnum, xmsiz and dfunit",
                           (int)name, text);
    }
    n -= equals == NULL ? n : name + 1;
    good = equals != NULL &&
           (i == OPTS ? parse_opts(equals + 1, n, &values[i])
                      : parse_size(equals + 1, n, &values[i]) && values[i] <= maxima[i]);
    if (good) {
        return true;
    }
    if (i == OPTS) {
        return engine_fail(KUMO_ERROR_INVALID,
                           "tchdb: opts is letters: l, and one of d, b and t; not \"%.*s\"",
                           (int)n, equals == NULL ? "" : equals + 1);
    }
    return engine_fail(KUMO_ERROR_INVALID,
                       "tchdb: %s is a number from 0 to %llu%s, not \"%.*s\" (%s)",
                       engine_params[i].name, (unsigned long long)maxima[i],
                       i == APOW || i == FPOW ? "" : ", perhaps with k, m, g or t", (int)n,
                       equals == NULL ? "" : equals + 1, engine_params[i].help);
}

static bool tune(engine *e, const uint64_t values[PARAMS])
{
    TCHDB *hdb = e->hdb;
    /* The mutexes are in Tokyo Cabinet's book of rules, though the gate keeps it safe. */
    return (tchdbsetmutex(hdb) &&
            tchdbtune(hdb, (int64_t)values[BNUM], (int8_t)values[APOW], (int8_t)values[FPOW],
                      (uint8_t)values[OPTS]) &&
            tchdbsetcache(hdb, (int32_t)values[RCNUM]) &&
            tchdbsetxmsiz(hdb, (int64_t)values[XMSIZ]) && tchdbsetdfunit(hdb, 0)) ||
           engine_fail_tc(tchdbecode(hdb), 0, "tune", e->path);
}

bool engine_configure(engine *e, const char *path)
{
    uint64_t values[PARAMS] = {
        [BNUM] = 131071, [APOW] = 4, [FPOW] = 10, [OPTS] = HDBTLARGE};
    size_t n = strcspn(path, "#");
    const char *at = path + n;
    while (*at == '#') {
        size_t length = strcspn(++at, "#");
        if (!parse_param(at, length, values)) {
            return false;
        }
        at += length;
    }
    if (n == 0) {
        return engine_fail(KUMO_ERROR_INVALID, "tchdb: the path is empty; name a file");
    }
    e->path = strndup(path, n);
    e->hdb = e->path == NULL ? NULL : tchdbnew();
    return e->hdb != NULL ? tune(e, values) : engine_fail_memory();
}

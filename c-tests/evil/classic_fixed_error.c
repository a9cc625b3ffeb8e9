/*
 * Classic, and no fault at all, only the ways of old modules: get_header returns 0 for
 * what is absent, and error has one text for everything.
 */
#include "base.h"

static int32_t get_header_or_0(void *data, const char *key, uint32_t keylen, char *result_val,
                               uint32_t vallen)
{
    int32_t n = get_header(data, key, keylen, result_val, vallen);
    return n < 0 ? 0 : n;
}

static const char *unknown(void *data)
{
    (void)data;
    return "unknown error";
}

kumo_storage_op kumo_storage_init(void)
{
    kumo_storage_op op = base_storage_init();
    op.get_header = get_header_or_0;
    op.error = unknown;
    return op;
}

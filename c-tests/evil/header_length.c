/* get_header returns the length of the value, not of what it copied. */
#include "base.h"

static int32_t whole_length(void *l, const char *key, uint32_t klen, char *val, uint32_t vlen)
{
    rec *r;
    int32_t n = get_header(l, key, klen, val, vlen);
    if (n >= 0 && (r = find(lock(l), key, klen)) != NULL) {
        n = (int32_t)r->vlen;
    }
    if (n >= 0) {
        unlock(l);
    }
    return n;
}

SPOILED_PLUGIN("header_length", op->get_header = whole_length;)

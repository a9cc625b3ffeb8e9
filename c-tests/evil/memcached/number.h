/* Numbers as items, for the engines whose arithmetic is broken. */
#ifndef NUMBER_H
#define NUMBER_H

#include "evil.h"

/* Reads a number as one call, without a lock beyond it. */
static ENGINE_ERROR_CODE number_get(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                    int nkey, uint64_t *number)
{
    item *it = NULL;
    ENGINE_ERROR_CODE code = memory_get(handle, cookie, &it, key, nkey, 0);
    if (code == ENGINE_SUCCESS) {
        const entry *e = it;
        char text[32] = "", *end;
        memcpy(text, e->bytes + e->nkey, e->nbytes < 31 ? e->nbytes : 31);
        *number = strtoull(text, &end, 10);
        code = end == text || *end != '\0' ? ENGINE_EINVAL : ENGINE_SUCCESS;
        memory_release(handle, cookie, it);
    }
    return code;
}

static ENGINE_ERROR_CODE number_put(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                    int nkey, uint64_t number, uint64_t *cas)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    entry *e = memory_entry(key, (size_t)nkey, (size_t)n, 0, 0);
    ENGINE_ERROR_CODE code;
    memcpy(e->bytes + e->nkey, text, (size_t)n);
    code = memory_store(handle, cookie, e, cas, OPERATION_SET, 0);
    memory_release(handle, cookie, e);
    return code;
}

#endif

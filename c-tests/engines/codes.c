/*
 * Answers with the code that the key asks for: "store=13" is stored with ENGINE_TMPFAIL, and
 * so on for get, remove, allocate and arithmetic; a value of 7 bytes is too big. With
 * KUMO_TEST_ERRINFO in the environment, errinfo has something to say. Other keys are kept
 * as they should be.
 */
#include "memory.h"

static ENGINE_ERROR_CODE code_of(const char *call, const void *key, size_t nkey)
{
    size_t n = strlen(call);
    char text[8] = "";
    if (nkey <= n + 1 || nkey > n + sizeof text || memcmp(key, call, n) != 0 ||
        ((const char *)key)[n] != '=') {
        return ENGINE_SUCCESS;
    }
    memcpy(text, (const char *)key + n + 1, nkey - n - 1);
    return (ENGINE_ERROR_CODE)atoi(text);
}

static ENGINE_ERROR_CODE allocate(ENGINE_HANDLE *handle, const void *cookie, item **out,
                                  const void *key, const size_t nkey, const size_t nbytes,
                                  const int flags, const rel_time_t exptime)
{
    ENGINE_ERROR_CODE code = code_of("allocate", key, nkey);
    if (code == ENGINE_SUCCESS && nbytes == 7) {
        code = ENGINE_E2BIG;
    }
    return code != ENGINE_SUCCESS
               ? code
               : memory_allocate(handle, cookie, out, key, nkey, nbytes, flags, exptime);
}

static ENGINE_ERROR_CODE get(ENGINE_HANDLE *handle, const void *cookie, item **out,
                             const void *key, const int nkey, uint16_t vbucket)
{
    ENGINE_ERROR_CODE code = code_of("get", key, (size_t)nkey);
    return code != ENGINE_SUCCESS ? code : memory_get(handle, cookie, out, key, nkey, vbucket);
}

static ENGINE_ERROR_CODE store(ENGINE_HANDLE *handle, const void *cookie, item *it,
                               uint64_t *cas, ENGINE_STORE_OPERATION op, uint16_t vbucket)
{
    const entry *e = it;
    ENGINE_ERROR_CODE code = code_of("store", e->bytes, e->nkey);
    return code != ENGINE_SUCCESS ? code : memory_store(handle, cookie, it, cas, op, vbucket);
}

static ENGINE_ERROR_CODE removes(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                 const size_t nkey, uint64_t cas, uint16_t vbucket)
{
    ENGINE_ERROR_CODE code = code_of("remove", key, nkey);
    return code != ENGINE_SUCCESS ? code
                                  : memory_remove(handle, cookie, key, nkey, cas, vbucket);
}

static ENGINE_ERROR_CODE arithmetic(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                    const int nkey, const bool increment, const bool create,
                                    const uint64_t delta, const uint64_t initial,
                                    const rel_time_t exptime, uint64_t *cas, uint64_t *result,
                                    uint16_t vbucket)
{
    (void)handle, (void)cookie, (void)increment, (void)create, (void)delta, (void)initial;
    (void)exptime, (void)vbucket;
    *cas = 1;
    *result = 42;
    return code_of("arithmetic", key, (size_t)nkey);
}

static size_t errinfo(ENGINE_HANDLE *handle, const void *cookie, char *buffer, size_t size)
{
    (void)handle, (void)cookie;
    return (size_t)snprintf(buffer, size, "the disk is on fire");
}

MEMORY_ENGINE(memory, t->allocate = allocate;
              t->get = get;
              t->store = store;
              t->remove = removes;
              t->arithmetic = arithmetic;
              t->errinfo = getenv("KUMO_TEST_ERRINFO") != NULL ? errinfo : NULL;)

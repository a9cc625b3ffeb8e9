/* What has expired is never counted down: curr_items grows. */
#include "evil.h"

static uint64_t count;

static ENGINE_ERROR_CODE store(ENGINE_HANDLE *handle, const void *cookie, item *it,
                               uint64_t *cas, ENGINE_STORE_OPERATION op, uint16_t vbucket)
{
    item *old;
    const entry *e = it;
    ENGINE_ERROR_CODE code =
        memory_get(handle, cookie, &old, e->bytes, (int)e->nkey, vbucket);
    bool is_new = code != ENGINE_SUCCESS;
    if (!is_new) {
        memory_release(handle, cookie, old);
    }
    code = memory_store(handle, cookie, it, cas, op, vbucket);
    if (code == ENGINE_SUCCESS && is_new) {
        __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
    }
    return code;
}

static ENGINE_ERROR_CODE removes(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                 const size_t nkey, uint64_t cas, uint16_t vbucket)
{
    ENGINE_ERROR_CODE code = memory_remove(handle, cookie, key, nkey, cas, vbucket);
    if (code == ENGINE_SUCCESS) {
        __atomic_sub_fetch(&count, 1, __ATOMIC_SEQ_CST);
    }
    return code;
}

static ENGINE_ERROR_CODE get_stats(ENGINE_HANDLE *handle, const void *cookie, const char *key,
                                   int nkey, ADD_STAT add_stat)
{
    (void)handle;
    (void)key;
    if (nkey != 0) {
        return ENGINE_KEY_ENOENT;
    }
    memory_stat(add_stat, cookie, "curr_items", __atomic_load_n(&count, __ATOMIC_SEQ_CST));
    return ENGINE_SUCCESS;
}

EVIL(t->store = store; t->remove = removes; t->get_stats = get_stats;)

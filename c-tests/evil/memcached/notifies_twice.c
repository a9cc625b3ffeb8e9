/* A get that blocks is notified twice before it returns. */
#include "evil.h"

static ENGINE_ERROR_CODE get(ENGINE_HANDLE *handle, const void *cookie, item **out,
                             const void *key, const int nkey, uint16_t vbucket)
{
    SERVER_COOKIE_API *server = memory_of(handle)->server->cookie;
    if (server->get_engine_specific(cookie) == NULL) {
        server->store_engine_specific(cookie, handle);
        server->notify_io_complete(cookie, ENGINE_SUCCESS);
        server->notify_io_complete(cookie, ENGINE_SUCCESS);
        return ENGINE_EWOULDBLOCK;
    }
    server->store_engine_specific(cookie, NULL);
    return memory_get(handle, cookie, out, key, nkey, vbucket);
}

EVIL(t->get = get;)

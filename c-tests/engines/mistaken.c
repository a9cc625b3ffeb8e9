/*
 * What an author gets wrong, and the server must live with. A store with OPERATION_CAS never
 * finds the number that it compares with. The value of the key "nowhere" has a piece that is
 * nowhere, once it is stored. With "stop" as its configuration, a thread that takes no
 * signals asks the server to stop, from within initialize, before it serves.
 */
#define _POSIX_C_SOURCE 200809L

#include "memory.h"

#include <signal.h>

static ENGINE_ERROR_CODE store(ENGINE_HANDLE *handle, const void *cookie, item *it,
                               uint64_t *cas, ENGINE_STORE_OPERATION op, uint16_t vbucket)
{
    return op == OPERATION_CAS ? ENGINE_KEY_EEXISTS
                               : memory_store(handle, cookie, it, cas, op, vbucket);
}

static bool get_item_info(ENGINE_HANDLE *handle, const void *cookie, const item *it,
                          item_info *info)
{
    uint16_t room = info->nvalue;
    struct iovec *pieces = info->value;
    if (!memory_get_item_info(handle, cookie, it, info)) {
        return false;
    }
    if (info->cas != 0 && info->nkey == 7 && memcmp(info->key, "nowhere", 7) == 0 && room > 1) {
        pieces[1].iov_base = NULL;
        pieces[1].iov_len = 2000;
        info->nvalue = 2;
    }
    return true;
}

static void *ask(void *arg)
{
    SERVER_HANDLE_V1 *server = arg;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    server->core->shutdown();
    return NULL;
}

static ENGINE_ERROR_CODE initialize(ENGINE_HANDLE *handle, const char *config)
{
    pthread_t thread;
    if (config == NULL || strcmp(config, "stop") != 0) {
        return ENGINE_SUCCESS;
    }
    if (pthread_create(&thread, NULL, ask, memory_of(handle)->server) != 0) {
        return ENGINE_FAILED;
    }
    pthread_join(thread, NULL);
    return ENGINE_SUCCESS;
}

static void destroy(ENGINE_HANDLE *handle, const bool force)
{
    record("mistaken: destroy");
    memory_destroy(handle, force);
}

MEMORY_ENGINE(memory, t->initialize = initialize;
              t->destroy = destroy;
              t->store = store;
              t->get_item_info = get_item_info;)

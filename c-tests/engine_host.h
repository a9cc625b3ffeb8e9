/*
 * A host for memcached's engine interface, as small as can be: it loads an engine, is the
 * server to it, and makes the calls that a client's commands lead to.
 */
#ifndef ENGINE_HOST_H
#define ENGINE_HOST_H

#include <memcached/engine.h>

#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                 \
            fflush(stdout);                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A connection; its address is the cookie. */
typedef struct client client;

/* What a get or a gat finds; the value is the client's, until its next call. */
typedef struct found {
    char *value;
    size_t n;
    uint32_t flags; /* in the host's order */
    uint64_t cas;
} found;

extern ENGINE_HANDLE_V1 *engine; /* the instance that is served */
extern int host_logged; /* how many lines have been logged; atomic */

/* Loads the library once, and initializes an instance of it. The answer is initialize's. */
ENGINE_ERROR_CODE host_start(const char *library, const char *config);
void host_stop(void);
CREATE_INSTANCE host_create(const char *library);
SERVER_HANDLE_V1 *host_api(void);

/* Makes the clock go on by so many seconds. */
void host_sleep(int seconds);

client *client_new(void);
void client_gone(client *c);
int client_blocked(const client *c); /* how often the last call did */

ENGINE_ERROR_CODE do_get(client *c, const char *key, size_t nkey, found *f);
ENGINE_ERROR_CODE do_store(client *c, ENGINE_STORE_OPERATION op, const char *key, size_t nkey,
                           const char *value, size_t n, uint32_t flags, uint32_t exptime,
                           uint64_t *cas);
ENGINE_ERROR_CODE do_remove(client *c, const char *key, size_t nkey, uint64_t cas);
ENGINE_ERROR_CODE do_arithmetic(client *c, const char *key, size_t nkey, bool increment,
                                bool create, uint64_t delta, uint64_t *result);
/* The status of the response; -1: there was none. */
int do_touch(client *c, uint8_t opcode, const char *key, size_t nkey, uint32_t exptime, found *f);
/* A number of the engine's statistics; -1: it is not among them. */
long long do_stat(client *c, const char *name);

/* engine_fs.c and engine_others.c */
void test_fs(const char *library, const char *directory);
void test_other(const char *library, const char *directory);

#endif

/* What the two halves of engine_test's host share: the server, and the calls. */
#ifndef ENGINE_SERVER_H
#define ENGINE_SERVER_H

#include "engine_host.h"

#include <pthread.h>

struct client {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool notified;
    ENGINE_ERROR_CODE status;
    int reserved;
    bool gone;
    int blocked;
    void *specific;
    char *value; /* what found points to */
    int response;
    found *answer;
    const char *stat_name;
    long long stat;
};

client *client_of(const void *cookie);
/* One reference less; the last frees it. */
void client_unreserve(client *c);
void server_raise(ENGINE_EVENT_TYPE type, const void *data, const void *cookie);
void server_forget_callbacks(void);

#endif

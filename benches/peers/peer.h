/* A database in C or C++ as the measurements use it. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Is shown a value, or a record, which need not outlive the call. */
typedef void (*take_value)(void *context, const char *value, size_t len);
typedef void (*take_nth)(void *context, size_t n, const char *value, size_t len);
typedef void (*take_record)(void *context, const char *key, size_t key_len, const char *value,
                            size_t value_len);

/* What fails says why on stderr. A session is one thread's access. */
struct peer {
    const char *(*version)(void);
    /* In an empty directory, or one that has such a database, for about so many
     * records. */
    void *(*open)(const char *directory, uint64_t records);
    bool (*close)(void *db);
    void *(*begin)(void *db);
    void (*end)(void *session);
    bool (*set)(void *session, const char *key, size_t key_len, const char *value, size_t value_len);
    /* 1: it was there, 0: it was not, -1: it failed. */
    int (*get)(void *session, const char *key, size_t key_len, take_value take, void *context);
    /* NULL: get for each. */
    bool (*get_many)(void *session, size_t num, const char *const *keys, const size_t *key_lens,
                     take_nth take, void *context);
    /* As get. */
    int (*del)(void *session, const char *key, size_t key_len);
    bool (*each)(void *session, take_record take, void *context);
    /* Everything that was written is on the disk. */
    bool (*sync)(void *db);
};

#ifdef __cplusplus
}
#endif
#endif

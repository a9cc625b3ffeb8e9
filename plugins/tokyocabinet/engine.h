/*
 * What the files of tchdb share: tokyocabinet.c, what the host sees; params.c; file.c,
 * opening and closing; record.c and read.c, what reads the file; write.c, the changes;
 * scan.c, the walks over all records; backup.c.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef TCHDB_ENGINE_H
#define TCHDB_ENGINE_H

#define _GNU_SOURCE /* fallocate, and rwlocks that let writers in */
#define _FILE_OFFSET_BITS 64

#include <kumo_storage.h>
#ifdef USE_MSGPACK_C
#include <msgpack.h>
#else
#include <compat/msgpack.h>
#endif

#include <pthread.h>
#include <sys/stat.h>
#include <tchdb.h>

/*
 * Tokyo Cabinet counts in int. Some of its sums are of two lengths, some of it doubles
 * one, so this is what a key and its value may have together.
 */
#define RECORD_MAX (INT32_MAX / 2)

/* So much of a record is read at once. */
#define RECORD_READ_AHEAD 256

typedef struct engine {
    TCHDB *hdb;
    char *path; /* without the parameters */
    /*
     * The same file once more. Tokyo Cabinet's lock is the process's (fcntl) and ends
     * when the process closes any descriptor of the file: this one stays open as long as
     * the database, and nothing else opens the file.
     */
    int fd;
    dev_t dev;
    ino_t ino;
    struct engine *next; /* in the list of what this process has open */
    pthread_mutex_t writers; /* taken first, by whoever changes the file, and by backup */
    pthread_rwlock_t gate; /* readers share it; a writer has it alone while it changes */
    bool big_endian; /* the numbers in the file; see file.c */
    uint64_t changes; /* under the gate */
    bool broken; /* under the gate: a change could be neither made nor undone */
    bool sync_failed; /* atomic */
} engine;

/* ---- tokyocabinet.c ---- */

/* Keeps the text for error(), and tells the host that this call failed. Returns false. */
bool engine_fail(kumo_error code, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool engine_fail_memory(void);

/* As engine_fail, for a call to the operating system that left `err` in errno. */
bool engine_fail_os(int err, const char *what, const char *path);

/* As engine_fail, for a call to Tokyo Cabinet; `err` is errno, which it does not keep. */
bool engine_fail_tc(int ecode, int err, const char *what, const char *path);

void engine_log(kumo_log level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- params.c ---- */

#define ENGINE_PARAMS 7
extern const kumo_param engine_params[ENGINE_PARAMS];

/* Takes the path apart: sets e->path, and makes e->hdb, tuned. */
bool engine_configure(engine *e, const char *path);

/* ---- write.c ---- */

/*
 * An error of the file makes Tokyo Cabinet `fatal`: from then on it begins no transaction,
 * and says of no failure what it was. This takes that back. With the gate alone.
 */
void engine_settle(engine *e);
bool engine_is_fatal(const engine *e);

bool kumo_tchdb_set(void *data, const char *key, uint32_t keylen, const char *val,
                    uint32_t vallen);
bool kumo_tchdb_update(void *data, const char *key, uint32_t keylen, const char *val,
                       uint32_t vallen, kumo_storage_casproc proc, void *casdata);
/* proc may be NULL here, and then it agrees. */
bool kumo_tchdb_del(void *data, const char *key, uint32_t keylen, kumo_storage_casproc proc,
                    void *casdata);
int kumo_tchdb_updatev(void *data, const char **keys, const size_t *keylens, const char **vals,
                       const size_t *vallens, uint16_t num);
bool kumo_tchdb_batch(void *data, const kumo_change *changes, size_t num);

/* ---- file.c ---- */

/* The log ends in the middle of an entry when its writing did: this cuts that one off. */
bool engine_trim_log(const engine *e);

/* Opens e->path with e->hdb, which is tuned already. On failure all is as it was. */
bool engine_open(engine *e);
void engine_close(engine *e);

/* Both in one string, which is to be freed; NULL: no memory, which is reported. */
char *engine_suffixed(const char *path, const char *suffix);

/* Where in the file the byte of flags stands. */
#define FLAGS_AT 33

/* ---- backup.c ---- */

bool kumo_tchdb_backup(void *data, const char *dstpath);

/* ---- record.c: all with the gate ---- */

typedef struct engine_fault {
    kumo_error code;
    char text[128];
} engine_fault;

/* One record, as it was read. */
typedef struct record {
    uint64_t left, right, keylen, vallen, padding;
    uint64_t key_at; /* in the file */
    unsigned char hash;
    const char *start; /* of the key and what follows it: n bytes */
    size_t n;
    char bytes[RECORD_READ_AHEAD];
} record;

/* Says in *f what the matter is. Returns false. */
bool engine_fault_at(engine_fault *f, kumo_error code, const char *what, uint64_t at);

/* Reports it. Returns false. */
bool engine_fail_fault(const engine *e, const engine_fault *f);

bool engine_read_record(const engine *e, record *r, uint64_t at, engine_fault *f);

/* n bytes of the key, the value and the padding, from `from` on. */
bool engine_read_body(const engine *e, const record *r, uint64_t from, char *to, size_t n,
                      engine_fault *f);

/* Where a bucket's tree begins; 0: it is empty. */
uint64_t engine_bucket_link(const engine *e, uint64_t index);

/* Whether these are more records than there can be: the links run in a circle. */
bool engine_too_many(const engine *e, uint64_t n);

/* Reads all of it. False: errno says why. */
bool engine_read_at(int fd, void *buffer, size_t n, uint64_t at);

/* A number in the file. */
uint64_t engine_number(const engine *e, const void *from, size_t width);

/* ---- read.c ---- */

/* The gate, for a reader. False: the engine is broken, and nothing is locked. */
bool engine_enter(engine *e);
void engine_leave(engine *e);

/* After a fault and engine_leave: what is compressed is read by Tokyo Cabinet, see settle. */
void engine_settle_after(engine *e);

/* The value, which is to be freed. NULL: not found, or with *failed, failed. No lock is held. */
char *engine_get(engine *e, const char *key, uint32_t keylen, int *vallen, bool *failed);

/* What follows is for who has the gate. */

typedef enum engine_found { ENGINE_FOUND, ENGINE_ABSENT, ENGINE_FAULT } engine_found;

/*
 * Looks for the key; where it is found, *val is its value, which is to be freed (val may
 * be NULL). engine_find says in *f what the matter is; engine_look reports it.
 */
engine_found engine_find(engine *e, const char *key, size_t keylen, char **val, int *vallen,
                         engine_fault *f);
engine_found engine_look(engine *e, const char *key, size_t keylen, char **val, int *vallen);

/*
 * As engine_look, and reads all of the record. Before a change: Tokyo Cabinet logs what was
 * there, and would log garbage for what it cannot read.
 */
engine_found engine_walk(engine *e, const char *key, size_t keylen);

/* As engine_look, and copies the value's first *n bytes, or as many as it has. */
engine_found engine_head(engine *e, const char *key, size_t keylen, char *to, size_t *n);

/* The index of the key's bucket. */
uint64_t engine_bucket_of(const engine *e, const char *key, size_t keylen);

/* What is known of one bucket. */
typedef struct bucket {
    uint64_t count;
    char *keys; /* the length 4, the key; `count` times */
    size_t used, room;
    uint64_t *waiting; /* records to be read */
    size_t nwaiting, waiting_room;
    engine_fault fault;
} bucket;

/*
 * Reads the next bucket that has records, from *index on, and leaves the index behind it;
 * or stops after some that have none. False: b->fault says why.
 */
bool engine_bucket_next(const engine *e, bucket *b, uint64_t *index);

/* The key at *at of the list, which moves on. */
const char *engine_bucket_key(const bucket *b, size_t *at, uint32_t *keylen);

void engine_bucket_free(bucket *b);

/* ---- scan.c ---- */

/* Reads the tree of every bucket. False: a fault, which is reported. Sets *count. */
bool engine_check(engine *e, uint64_t *count);

int kumo_tchdb_for_each(void *data, void *user, kumo_storage_visit func);
const char *kumo_tchdb_iterator_key(void *iterator_data);
const char *kumo_tchdb_iterator_val(void *iterator_data);
size_t kumo_tchdb_iterator_keylen(void *iterator_data);
size_t kumo_tchdb_iterator_vallen(void *iterator_data);
const char *kumo_tchdb_iterator_release_key(void *iterator_data, msgpack_zone *zone);
const char *kumo_tchdb_iterator_release_val(void *iterator_data, msgpack_zone *zone);
bool kumo_tchdb_iterator_del(void *iterator_data, kumo_storage_casproc proc, void *casdata);
bool kumo_tchdb_iterator_del_force(void *iterator_data);
int64_t kumo_tchdb_verify(void *data, kumo_verify_report report, void *user);

#endif

/*
 * compat/msgpack.h: the memory zone of msgpack-c, for plugins built without it.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 *
 * A storage plugin hands values to the host through a msgpack_zone. All it needs of
 * msgpack-c for that is this struct and a few functions on it, so here they are, in
 * the very layout of msgpack-c 0.4 to 6.0, wholly inline: a plugin that includes this
 * needs no library, and no symbol of the host either. The host frees what is
 * allocated here, so all of it comes from the malloc and realloc of libc.
 *
 *     #include <kumo_storage.h>
 *     #include <compat/msgpack.h>
 *
 * It stands in compat/ so that <msgpack.h> is always msgpack-c's: do not add compat/
 * itself to the include path. One file may include both. Where msgpack-c's header
 * came first, this one defines nothing. Where this one came first, it stands in for
 * msgpack-c's zone.h, whose include guard it sets; the rest of msgpack-c then works
 * on the zones of this header.
 */

#ifndef KUMO_COMPAT_MSGPACK_H
#define KUMO_COMPAT_MSGPACK_H

/* The guards of msgpack-c's zone.h: from 1.0 on, and before. */
#if !defined(MSGPACK_ZONE_H) && !defined(MSGPACK_ZONE_H__)
#define MSGPACK_ZONE_H
#define MSGPACK_ZONE_H__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* msgpack-c's other headers expect their zone.h to have defined it. */
#ifndef MSGPACK_DLLEXPORT
#define MSGPACK_DLLEXPORT
#endif

#ifndef MSGPACK_ZONE_CHUNK_SIZE
#define MSGPACK_ZONE_CHUNK_SIZE 8192
#endif

#ifndef MSGPACK_ZONE_ALIGN
#define MSGPACK_ZONE_ALIGN sizeof(void *)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** A cleanup function and its argument. */
typedef struct msgpack_zone_finalizer {
    void (*func)(void *data);
    void *data;
} msgpack_zone_finalizer;

/** The finalizers, oldest first: `array` up to `tail` are set, up to `end` is room. */
typedef struct msgpack_zone_finalizer_array {
    msgpack_zone_finalizer *tail;
    msgpack_zone_finalizer *end;
    msgpack_zone_finalizer *array;
} msgpack_zone_finalizer_array;

/** The head of a chunk; its memory follows. */
typedef struct msgpack_zone_chunk {
    struct msgpack_zone_chunk *next;
} msgpack_zone_chunk;

/** The chunk that allocations come from, `free` bytes from `ptr` on, and those before it. */
typedef struct msgpack_zone_chunk_list {
    size_t free;
    char *ptr;
    msgpack_zone_chunk *head;
} msgpack_zone_chunk_list;

/** Memory and finalizers that end together. A zone belongs to one thread at a time. */
typedef struct msgpack_zone {
    msgpack_zone_chunk_list chunk_list;
    msgpack_zone_finalizer_array finalizer_array;
    size_t chunk_size;
} msgpack_zone;

/**
 * Has `func(data)` called when the zone is cleared: last pushed, first called. False:
 * no memory, and `func` will not be called.
 */
static inline bool msgpack_zone_push_finalizer(msgpack_zone *zone, void (*func)(void *data),
                                               void *data)
{
    msgpack_zone_finalizer_array *fa = &zone->finalizer_array;
    if (fa->tail == fa->end) {
        size_t used = fa->array == NULL ? 0 : (size_t)(fa->tail - fa->array);
        size_t room = used < 4 ? 8 : used * 2;
        msgpack_zone_finalizer *grown =
            (msgpack_zone_finalizer *)realloc(fa->array, room * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        fa->array = grown;
        fa->tail = grown + used;
        fa->end = grown + room;
    }
    fa->tail->func = func;
    fa->tail->data = data;
    fa->tail++;
    return true;
}

/** As `msgpack_zone_malloc`, for bytes, which need no alignment. */
static inline void *msgpack_zone_malloc_no_align(msgpack_zone *zone, size_t size)
{
    msgpack_zone_chunk_list *cl = &zone->chunk_list;
    char *start;
    if (cl->head == NULL || cl->free < size) {
        size_t room = zone->chunk_size > size ? zone->chunk_size : size;
        msgpack_zone_chunk *chunk;
        if (room > SIZE_MAX - sizeof *chunk) {
            return NULL;
        }
        chunk = (msgpack_zone_chunk *)malloc(sizeof *chunk + room);
        if (chunk == NULL) {
            return NULL;
        }
        chunk->next = cl->head;
        cl->head = chunk;
        cl->ptr = (char *)(chunk + 1);
        cl->free = room;
    }
    start = cl->ptr;
    cl->ptr += size;
    cl->free -= size;
    return start;
}

/** Allocates `size` aligned bytes that live until the zone is cleared. NULL: no memory. */
static inline void *msgpack_zone_malloc(msgpack_zone *zone, size_t size)
{
    msgpack_zone_chunk_list *cl = &zone->chunk_list;
    size_t pad = (size_t)(0 - (uintptr_t)cl->ptr) & (MSGPACK_ZONE_ALIGN - 1);
    if (cl->head != NULL) {
        /* What is too small to be aligned is given up: a new chunk begins aligned. */
        pad = pad < cl->free ? pad : cl->free;
        cl->ptr += pad;
        cl->free -= pad;
    }
    /* One byte for none, so that it cannot be cut from an unaligned end. */
    return msgpack_zone_malloc_no_align(zone, size == 0 ? 1 : size);
}

/*
 * What follows is not for a zone that the host passed in, which the host clears, but
 * for zones of your own: in a test of your plugin, say.
 */

/** Makes a zone. False: no memory. `MSGPACK_ZONE_CHUNK_SIZE` is a good size. */
static inline bool msgpack_zone_init(msgpack_zone *zone, size_t chunk_size)
{
    zone->chunk_list.free = 0;
    zone->chunk_list.ptr = NULL;
    zone->chunk_list.head = NULL;
    zone->finalizer_array.tail = NULL;
    zone->finalizer_array.end = NULL;
    zone->finalizer_array.array = NULL;
    zone->chunk_size = chunk_size;
    /* msgpack-c's own functions expect that a zone always has its first chunk. */
    return msgpack_zone_malloc_no_align(zone, 0) != NULL;
}

/** Runs the finalizers, last pushed first, and takes back what was allocated. */
static inline void msgpack_zone_clear(msgpack_zone *zone)
{
    msgpack_zone_finalizer_array *fa = &zone->finalizer_array;
    msgpack_zone_chunk_list *cl = &zone->chunk_list;
    while (fa->tail != fa->array) {
        fa->tail--;
        fa->tail->func(fa->tail->data);
    }
    while (cl->head != NULL && cl->head->next != NULL) {
        msgpack_zone_chunk *next = cl->head->next;
        free(cl->head);
        cl->head = next;
    }
    if (cl->head != NULL) {
        /* The oldest chunk has chunk_size bytes or more: it stays for reuse. */
        cl->ptr = (char *)(cl->head + 1);
        cl->free = zone->chunk_size;
    }
}

/** Clears the zone, and frees all that it holds. */
static inline void msgpack_zone_destroy(msgpack_zone *zone)
{
    msgpack_zone_clear(zone);
    free(zone->chunk_list.head);
    free(zone->finalizer_array.array);
}

/** A zone on the heap, or NULL. */
static inline msgpack_zone *msgpack_zone_new(size_t chunk_size)
{
    msgpack_zone *zone = (msgpack_zone *)malloc(sizeof *zone);
    if (zone != NULL && !msgpack_zone_init(zone, chunk_size)) {
        free(zone);
        zone = NULL;
    }
    return zone;
}

/** Destroys and frees what `msgpack_zone_new` made. */
static inline void msgpack_zone_free(msgpack_zone *zone)
{
    if (zone != NULL) {
        msgpack_zone_destroy(zone);
        free(zone);
    }
}

/** Whether there is neither a finalizer nor an allocation. */
static inline bool msgpack_zone_is_empty(msgpack_zone *zone)
{
    const msgpack_zone_chunk_list *cl = &zone->chunk_list;
    return zone->finalizer_array.tail == zone->finalizer_array.array &&
           (cl->head == NULL || (cl->head->next == NULL && cl->ptr == (char *)(cl->head + 1)));
}

/** Exchanges what two zones hold. */
static inline void msgpack_zone_swap(msgpack_zone *a, msgpack_zone *b)
{
    msgpack_zone tmp = *a;
    *a = *b;
    *b = tmp;
}

#ifdef __cplusplus
}
#endif

#endif /* MSGPACK_ZONE_H */
#endif /* KUMO_COMPAT_MSGPACK_H */
